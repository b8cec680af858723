"""The pictures of notebook 05."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from helpers.environment import font_file
from hw7.lessons.which_method.gold import GoldSentence
from hw7.lessons.which_method.summary import MEASURES, STANDARD, summarize
from hw7.views.fonts import font_families

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


PANELS = STANDARD[:2] + STANDARD[3:5]


def plot_comparison(counts: "pandas.DataFrame", measures: Sequence[str] = PANELS) -> "Figure":
    """Plot every method with its interval, one panel per measure; random is drawn as a line.

    Args:
        counts: What ``compare_methods`` returned.
        measures: Names out of ``MEASURES``.
    """
    from hw7.views.picture import HeatmapFigure

    table = summarize(counts, measures)
    figure = HeatmapFigure(
        figsize=(3.1 * len(measures) + 2, 0.32 * len(table) + 1.2), layout="constrained"
    )
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    places = range(len(table))
    for panel, name in zip(panels, measures, strict=True):
        values, low, high = (table[f"{name}{end}"].to_numpy() for end in ("", ", low", ", high"))
        colors = ["#999999" if method == "random" else "#2b6cb0" for method in table.index]
        panel.hlines(places, low, high, colors=colors, linewidth=2.5, alpha=0.55)
        panel.scatter(values, places, c=colors, zorder=3)
        if "random" in table.index:
            panel.axvline(table.at["random", name], color="#999999", linestyle=":", linewidth=1)
        panel.set_title(f"{name}\n({MEASURES[name].better} is better)", fontsize=10)
        panel.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(places, table.index)
    panels[0].invert_yaxis()
    return figure


def plot_layers(
    counts: "pandas.DataFrame",
    published: "Mapping[str, float] | None" = None,
    measure: str = "alignment error rate",
) -> "Figure":
    """Plot a measure over attention layers, one line per reading.

    Args:
        counts: What ``evaluate_layers`` returned.
        published: Values to draw as dotted lines, by their labels.
        measure: A name out of ``MEASURES``.
    """
    from hw7.views.picture import HeatmapFigure

    table = summarize(counts, [measure])
    kinds = counts.drop_duplicates("method").set_index("method")[["layer", "reading"]]
    table = table.join(kinds)
    figure = HeatmapFigure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for reading, rows in table.groupby("reading", sort=False):
        (line,) = axes.plot(
            rows["layer"], rows[measure], marker="o", label=f"read at the {reading}"
        )
        ends = (rows[f"{measure}, low"], rows[f"{measure}, high"])
        axes.fill_between(rows["layer"], *ends, color=line.get_color(), alpha=0.15)
    # Neighbouring values would write over each other: left and right in turn.
    for number, (label, value) in enumerate(sorted((published or {}).items(), key=itemgetter(1))):
        axes.axhline(value, color="#999999", linestyle=":", linewidth=1)
        end, side = ((0.01, "left"), (0.99, "right"))[number % 2]
        place = axes.get_yaxis_transform()
        axes.text(
            end, value, label, transform=place, ha=side, va="bottom", fontsize=8, color="#666"
        )
    axes.set_xticks(sorted(kinds["layer"].unique()))
    axes.set_xlabel("cross-attention layer (0 is the lowest)")
    axes.set_ylabel(measure)
    axes.set_ylim(0, 1)
    axes.legend(frameon=False)
    return figure


def plot_alignment(tables: "Mapping[str, pandas.DataFrame]", gold: GoldSentence) -> "Figure":
    """Plot word tables side by side, sure gold links framed solid and possible ones dashed.

    Args:
        tables: Scores `[source, target]` by title, over the same words.
        gold: The sentence's gold links.
    """
    from hw7.views.picture import HeatmapFigure

    height, width = next(iter(tables.values())).shape
    size = (len(tables) * (0.42 * width + 0.6) + 1, 0.36 * height + 1.6)
    figure = HeatmapFigure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for panel, (title, table) in zip(panels, tables.items(), strict=True):
        panel.imshow(table.to_numpy(), cmap="Reds", vmin=0, aspect="auto")
        panel.set_title(title, fontsize=10)
        labels = {"fontfamily": font_families(font_file()), "fontsize": 9}
        panel.set_xticks(range(width), table.columns, rotation=60, ha="right", **labels)
        _frame_links(panel, gold)
    panels[0].set_yticks(range(height), next(iter(tables.values())).index, **labels)
    return figure


def _frame_links(panel: Any, gold: GoldSentence) -> None:
    from matplotlib.patches import Rectangle

    for source, target in gold.possible:
        line = "-" if (source, target) in gold.sure else "--"
        corner = (target - 0.45, source - 0.45)
        panel.add_patch(
            Rectangle(corner, 0.9, 0.9, fill=False, edgecolor="#1a4f8b", linestyle=line)
        )
