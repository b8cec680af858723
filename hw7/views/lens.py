"""What a model would have written after each of its layers, as a table and as a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw7.views.labels import printable
from hw7.views.tables import likeliest_of

if TYPE_CHECKING:
    import pandas

    from hw7.views.picture import HeatmapFigure

_WORDS = 5
_TEMPLATE = """\
<div role="region" tabindex="0" aria-label="{{ title }}" style="overflow-x:auto;max-width:100%">
<table style="border-collapse:separate;border-spacing:2px;font-size:13px">
<caption style="text-align:start;padding:4px 2px">{{ title }}</caption>
<tr><th scope="col">layer</th>{% for place in places %}<th scope="col">{{ place }}</th>{% endfor %}
</tr>
{%- for row in rows %}
<tr><th scope="row" style="text-align:end">{{ loop.index }}</th>{% for cell in row -%}
<td style="background:{{ cell.color }};color:{{ cell.ink }};padding:2px 8px;text-align:start">
{%- if cell.is_written %}<b><u>{{ cell.word }}</u></b>{% else %}{{ cell.word }}{% endif %}
 <span>{{ cell.share }}</span></td>{% endfor %}</tr>
{%- endfor %}
</table></div>
"""


@dataclass(frozen=True, repr=False)
class LogitLens:
    """The words that a model would have written for one token if it ended after each layer.

    Attributes:
        text: What the model had read.
        written: The token that it wrote.
        layers: For each layer ``generated``, ``probability`` and ``rank`` of the token written,
            and its ``rivals``, the likeliest others with their probabilities.
        font: A font file with Chinese characters, for machines without such a font.
    """

    text: str
    written: str
    layers: Sequence[Mapping[str, Any]]
    font: Path | None = None

    @property
    def title(self) -> str:
        """What the table and the picture show."""
        return f"{printable(self.text)} → {printable(self.written)}"

    def words(self) -> list[list[tuple[str, float, bool]]]:
        """Return the likeliest words of each layer, their probabilities, and if it was written."""
        return [
            sorted(
                [
                    (printable(self.written), layer["probability"], True),
                    *((printable(word), share, False) for word, share in layer["rivals"]),
                ],
                key=lambda word: -word[1],
            )[:_WORDS]
            for layer in self.layers
        ]

    def table(self) -> "pandas.DataFrame":
        """Return one row per layer: the token written, its probability and rank, its rivals."""
        import pandas

        table = likeliest_of(self.layers, _WORDS)
        return table.set_index(pandas.RangeIndex(1, len(table) + 1, name="layer"))

    def plot(self, path: str | Path | None = None) -> "HeatmapFigure":
        """Return a figure with the likeliest words of each layer, and save it to ``path``.

        Raises:
            ValueError: The path ends in something else than a picture, or has no folder.
        """
        from hw7.views.picture_files import save_figure
        from hw7.views.words_picture import words_figure

        rows = [f"layer {number}" for number in range(1, len(self.layers) + 1)]
        figure = words_figure(self.title, rows, self.words(), self.font)
        if path is not None:
            save_figure(figure, path)
        return figure

    def _repr_html_(self) -> str:
        from jinja2 import Environment

        from hw7.views.inks import color_and_ink

        rows = []
        for words in self.words():
            row = []
            for word, share, is_written in words:
                color, ink = color_and_ink(share)
                cell = {"word": word, "share": f"{share:.2f}", "is_written": is_written}
                row.append(cell | {"color": color, "ink": ink})
            rows.append(row)
        template = Environment(autoescape=True).from_string(_TEMPLATE)
        return template.render(title=self.title, places=range(1, _WORDS + 1), rows=rows)

    def __repr__(self) -> str:
        best = ", ".join(f"{number} {row[0][0]}" for number, row in enumerate(self.words(), 1))
        return f"LogitLens({self.title}: {best})"
