"""Lines of words as a figure: what a model would have written after each of its layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hw7.views.fonts import drawable, font_families
from hw7.views.inks import color_and_ink, colormap
from hw7.views.labels import shortened
from hw7.views.picture import HeatmapFigure

_WORD_WIDTH = 1.3  # inches
_LONGEST_WORD = 18


def words_figure(
    title: str,
    rows: Sequence[str],
    words: Sequence[Sequence[tuple[str, float, bool]]],
    font: Path | None,
) -> HeatmapFigure:
    """Draw lines of words, each colored by its probability; what is marked has a frame.

    Args:
        title: What is shown.
        rows: The label of each line.
        words: For each line words, their probabilities, and whether they are marked.
        font: A font file with Chinese characters.
    """
    size = (1.0 + _WORD_WIDTH * len(words[0]), 0.5 + 0.26 * len(rows))
    figure = HeatmapFigure(figsize=size)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.9 / size[0], 0.05 / size[1], 1 - 1 / size[0], 1 - 0.45 / size[1]))
    shares = numpy.array([[share for _, share, _ in line] for line in words])
    axes.imshow(shares, cmap=colormap(False), vmin=0, vmax=1, aspect="auto")
    style: dict[str, Any] = {"fontfamily": font_families(font), "parse_math": False}
    axes.set_xticks([])
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_title(drawable([shortened(title)], font)[0], fontsize=10, loc="left", **style)
    for (row, column), share in numpy.ndenumerate(shares):
        word, _, is_marked = words[row][column]
        text = f"{drawable([word], font)[0][:_LONGEST_WORD]} {share:.2f}"
        ink = color_and_ink(share)[1]
        place: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
        if is_marked:  # by a frame: the font has no bold letters
            place["bbox"] = {"boxstyle": "square,pad=0.25", "fill": False, "edgecolor": ink}
        axes.text(column, row, text, fontsize=8, **style, **place)
    return figure
