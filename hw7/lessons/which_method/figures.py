"""The pictures of notebook 05, each with its figures in words for those who do not see it."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from helpers.environment import font_file
from hw7.lessons.which_method.gold import GoldSentence
from hw7.lessons.which_method.summary import MEASURES, STANDARD, report, summarize
from hw7.views.fonts import font_families
from hw7.views.picture import HeatmapFigure
from hw7.views.picture_files import small_png_of

if TYPE_CHECKING:
    import pandas

PANELS = STANDARD[:2] + STANDARD[3:5]


_DPI = 90


class DescribedFigure(HeatmapFigure):
    """A figure that a notebook shows with a text for screen readers; small screens scroll it.

    Attributes:
        description: What it shows, the figures included.
    """

    description: str

    def _repr_html_(self) -> str:
        picture = base64.b64encode(small_png_of(self, dpi=_DPI)).decode("ascii")
        text = html.escape(self.description)
        width = round(self.get_size_inches()[0] * _DPI)
        size = f"width:100%;max-width:{width}px;min-width:{round(0.65 * width)}px"
        image = f'<img style="{size}" alt="{text}" src="data:image/png;base64,{picture}">'
        return f'<div style="overflow-x:auto" tabindex="0">{image}</div>'

    def _repr_png_(self) -> None:  # type: ignore[override]
        """Give no second copy of the picture, without the text."""


def plot_comparison(
    counts: "pandas.DataFrame", measures: Sequence[str] = PANELS
) -> DescribedFigure:
    """Plot every method with its interval, one panel per measure; random is drawn as a line.

    `counts` is what ``compare_methods`` returned, `measures` are names out of ``MEASURES``.
    """
    table = summarize(counts, measures)
    size = (3.1 * len(measures) + 2, 0.32 * len(table) + 1.2)
    figure = DescribedFigure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    places = range(len(table))
    for panel, name in zip(panels, measures, strict=True):
        values, low, high = (table[f"{name}{end}"].to_numpy() for end in ("", ", low", ", high"))
        colors = ["#999999" if method == "random" else "#2b6cb0" for method in table.index]
        panel.hlines(places, low, high, colors=colors, linewidth=2.5, alpha=0.55)
        panel.scatter(values, places, c=colors, zorder=3)
        if "random" in table.index:
            panel.axvline(table.at["random", name], color="#666666", linestyle="--", linewidth=1.2)
        panel.set_title(f"{name}\n({MEASURES[name].better} is better)", fontsize=10)
        panel.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(places, table.index)
    panels[0].invert_yaxis()
    shown = report(counts, measures)
    figure.description = "; ".join(
        f"{name} ({MEASURES[name].better} is better): {_listed(shown[name])}" for name in measures
    )
    return figure


def plot_layers(counts: "pandas.DataFrame") -> DescribedFigure:
    """Plot the error rates that ``evaluate_layers`` counted over layers, one line per reading."""
    measure = "alignment error rate"
    kinds = counts.drop_duplicates("method").set_index("method")[["layer", "reading"]]
    table = summarize(counts, [measure]).join(kinds)
    figure = DescribedFigure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for reading, rows in table.groupby("reading", sort=False):
        (line,) = axes.plot(
            rows["layer"], rows[measure], marker="o", label=f"read at the {reading}"
        )
        ends = (rows[f"{measure}, low"], rows[f"{measure}, high"])
        axes.fill_between(rows["layer"], *ends, color=line.get_color(), alpha=0.15)
    axes.set_xticks(sorted(kinds["layer"].unique()))
    axes.set_xlabel("cross-attention layer (0 is the lowest)")
    axes.set_ylabel(measure)
    axes.set_ylim(0, 1)
    axes.legend(frameon=False)
    figure.description = f"{measure}: {_listed(report(counts, [measure])[measure])}"
    return figure


def _listed(values: "pandas.Series") -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def plot_alignment(tables: "Mapping[str, pandas.DataFrame]", gold: GoldSentence) -> DescribedFigure:
    """Plot word tables side by side, sure gold links framed solid and possible ones dashed.

    `tables` are scores `[source, target]` by title, over the same words.
    """
    from matplotlib.patches import Rectangle

    height, width = next(iter(tables.values())).shape
    size = (len(tables) * (0.42 * width + 0.6) + 1, 0.36 * height + 1.6)
    figure = DescribedFigure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    labels = {"fontfamily": font_families(font_file()), "fontsize": 9}
    for panel, (title, table) in zip(panels, tables.items(), strict=True):
        panel.imshow(table.to_numpy(), cmap="Reds", vmin=0, aspect="auto")
        panel.set_title(title, fontsize=10)
        panel.set_xticks(range(width), table.columns, rotation=60, ha="right", **labels)
        for source, target in gold.possible:
            line = "-" if (source, target) in gold.sure else "--"
            corner = (target - 0.45, source - 0.45)
            panel.add_patch(Rectangle(corner, 0.9, 0.9, fill=False, ec="#1a4f8b", ls=line))
    panels[0].set_yticks(range(height), next(iter(tables.values())).index, **labels)
    links = sorted((target, source) for source, target in gold.possible)
    parts = {"framed (gold)": [(gold.target_words[t], gold.source_words[s]) for t, s in links]}
    for title, table in tables.items():
        strongest = table.index[table.to_numpy().argmax(axis=0)]
        parts[f"strongest, {title}"] = list(zip(table.columns, strongest, strict=True))
    figure.description = "; ".join(
        f"{title}: " + ", ".join(f"{target} ← {source}" for target, source in pairs)
        for title, pairs in parts.items()
    )
    return figure
