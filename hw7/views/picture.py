"""A sheet as a matplotlib figure, for slides, reports, and pages that run no JavaScript."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hw7.views.excerpts import without_empty_rows
from hw7.views.explained import with_whole_answer
from hw7.views.fonts import drawable, font_families, text_width
from hw7.views.inks import colormap, ink_on
from hw7.views.picture_files import png_of
from hw7.views.sheet import Layer, Sheet, notes_of

_MOST_COLUMNS_WITH_NUMBERS = 16
_MOST_COLUMNS_BESIDE = 18
_MOST_LABELS = 80
_LONGEST_LABEL = 18
_INCHES_PER_LETTER = 0.085
_WIDEST_MAP = 14.0  # inches
_INKS = {True: "#667080", False: "#1b1f24"}  # special tokens in grey, 5:1 on white
_CHANCES = 0.16  # inches for the probabilities between labels and map
_GAP = 0.05  # inches between a label and the map


class HeatmapFigure(Figure):
    """A figure that a notebook shows as the value of a cell, pyplot loaded or not."""

    def _repr_png_(self) -> bytes:
        return png_of(self, dpi=90)


@dataclass(frozen=True)
class _Sizes:
    """Sizes in inches."""

    cell: tuple[float, float]
    left: float
    top: float
    across: int
    down: int

    def map_size(self, sheet: Sheet) -> tuple[float, float]:
        return self.cell[0] * len(sheet.columns), self.cell[1] * len(sheet.rows)


def figure_of(sheet: Sheet) -> HeatmapFigure:
    """Draw every layer of a sheet, side by side where they are small, else below one another."""
    sheet = with_whole_answer(without_empty_rows(sheet))
    sizes = _sizes(sheet)
    width, height = sizes.map_size(sheet)
    slot = (sizes.left + width + 0.75, sizes.top + height + 0.15)
    note = _note_of(sheet, slot[0] * sizes.across)
    extra = 0.1 + 0.17 * len(note.splitlines())
    figure = HeatmapFigure(figsize=(slot[0] * sizes.across, slot[1] * sizes.down + extra))
    FigureCanvasAgg(figure)
    total_width, total_height = figure.get_size_inches()
    for number, layer in enumerate(sheet.layers):
        down, across = divmod(number, sizes.across)
        left = across * slot[0] + sizes.left
        bottom = total_height - (down + 1) * slot[1] + 0.15
        box = (
            left / total_width,
            bottom / total_height,
            width / total_width,
            height / total_height,
        )
        scale_box = (box[0] + box[2] + 0.08 / total_width, box[1], 0.12 / total_width, box[3])
        _draw(figure, sheet, layer, sizes, box, scale_box)
    place = (0.08 / total_width, 0.06 / total_height)
    figure.text(*place, note, **_text(sheet, 8), va="bottom", color=_INKS[False])
    return figure


def _sizes(sheet: Sheet) -> _Sizes:
    columns, rows = len(sheet.columns), len(sheet.rows)
    heads = max((text_width(label) for label in _labels(sheet, sheet.columns)), default=1)
    sides = max((text_width(label) for label in _labels(sheet, sheet.rows)), default=1)
    if _has_numbers(sheet):
        cell = (0.5, 0.32)
    else:
        side = min(0.2, _WIDEST_MAP / max(columns, rows))
        cell = (side, side)
    across = min(len(sheet.layers), 3) if columns <= _MOST_COLUMNS_BESIDE else 1
    down = -(-len(sheet.layers) // across)
    left = sides * _INCHES_PER_LETTER + 0.25
    # Titles are wider than a map of one or two columns.
    title = max(text_width(layer.name) for layer in sheet.layers) * 0.105
    if columns * cell[0] < title:
        cell = (title / columns, cell[1])
    top = heads * _INCHES_PER_LETTER + 0.5 + _CHANCES * bool(sheet.steps and _has_numbers(sheet))
    return _Sizes(cell, left, top, across, down)


def _has_numbers(sheet: Sheet) -> bool:
    return len(sheet.columns) <= _MOST_COLUMNS_WITH_NUMBERS


def _draw(
    figure: Figure,
    sheet: Sheet,
    layer: Layer,
    sizes: _Sizes,
    box: tuple[float, float, float, float],
    scale_box: tuple[float, float, float, float],
) -> None:
    """Draw one layer with its tokens, its color scale and, where they fit, its scores."""
    axes = figure.add_axes(box)
    is_common = sheet.has_common_scale(layer)
    ends = sheet.ends_of_scale(layer)
    highest = float(ends.max()) if is_common else 1.0
    image = axes.imshow(
        numpy.ma.masked_invalid(layer.scores if is_common else layer.scores / ends),
        cmap=colormap(layer.is_signed),
        vmin=-highest if layer.is_signed else 0.0,
        vmax=highest,
        aspect="auto",
        interpolation="nearest",
    )
    _label(axes, sheet, sizes)
    heads = sizes.top - 0.24
    axes.text(-0.5, -0.5 - heads / sizes.cell[1], layer.name, **_text(sheet, 11), va="baseline")
    if _has_numbers(sheet):
        _write_scores(axes, sheet, layer, image)
    bar = figure.colorbar(image, cax=figure.add_axes(scale_box))
    if not is_common:
        ticks = {-1: "−max", 0: "0", 1: "max"} if layer.is_signed else {0: "0", 1: "max"}
        bar.set_ticks([*ticks], labels=[*ticks.values()])
    bar.ax.tick_params(labelsize=7, length=2)
    bar.outline.set_linewidth(0.4)


def _label(axes: Axes, sheet: Sheet, sizes: _Sizes) -> None:
    """Write the tokens, special ones in grey; not all of them where they would overlap."""
    step = max(1, -(-max(len(sheet.columns), len(sheet.rows)) // _MOST_LABELS))
    style = _text(sheet, 10 if sizes.cell[0] >= 0.3 else 8 if step == 1 else 6)
    # Plain texts are drawn in half the time of matplotlib's ticks.
    axes.set_xticks([])
    axes.set_yticks([])
    right = -0.5 - _GAP / sizes.cell[0]
    chances = [f"{step.probability:.2f}" for step in sheet.steps] if _has_numbers(sheet) else []
    top = -0.5 - (_GAP + _CHANCES * bool(chances)) / sizes.cell[1]
    for column, chance in enumerate(chances):
        place: dict[str, Any] = {"ha": "center", "va": "bottom", "color": _INKS[True]}
        axes.text(column, -0.5 - _GAP / sizes.cell[1], chance, **_text(sheet, 7), **place)
    columns = zip(_labels(sheet, sheet.columns), sheet.special_columns, strict=True)
    for column, (label, special) in list(enumerate(columns))[::step]:
        place = {
            "rotation": 0 if text_width(label) * _INCHES_PER_LETTER <= sizes.cell[0] else 90,
            "ha": "center",
            "va": "bottom",
            "color": _INKS[special],
        }
        axes.text(column, top, label, **style, **place)
    rows = zip(_labels(sheet, sheet.rows), sheet.special_rows, strict=True)
    for row, (label, special) in list(enumerate(rows))[::step]:
        place = {"ha": "right", "va": "center", "color": _INKS[special]}
        axes.text(right, row, label, **style, **place)
    for spine in axes.spines.values():
        spine.set_linewidth(0.4)


def _write_scores(axes: Axes, sheet: Sheet, layer: Layer, image: Any) -> None:
    for (row, column), score in numpy.ndenumerate(layer.scores):
        if not numpy.isfinite(score):
            continue
        ink = ink_on(image.cmap(image.norm(image.get_array()[row, column])))
        text = f"{score:.2f}".replace("-0.00", "0.00").replace("-", "−")
        axes.text(column, row, text, **_text(sheet, 8), ha="center", va="center", color=ink)


def _labels(sheet: Sheet, tokens: Sequence[str]) -> list[str]:
    return [
        token if len(token) <= _LONGEST_LABEL else token[: _LONGEST_LABEL - 1] + "…"
        for token in drawable(tokens, sheet.font)
    ]


def _text(sheet: Sheet, size: float) -> dict[str, Any]:
    # A token may hold dollar signs, which would otherwise start a formula.
    return {"fontfamily": font_families(sheet.font), "fontsize": size, "parse_math": False}


def _note_of(sheet: Sheet, width: float) -> str:
    """Return what must be read with the maps, in lines that fit into a width in inches."""
    is_common = all(sheet.has_common_scale(layer) for layer in sheet.layers)
    scale = (
        "所有列同一尺度 (one scale for all columns)"
        if is_common
        else "每列以自己的最高分为最深 (each column by its own highest score)"
    )
    lines, letters = [""], max(20.0, (width - 0.2) / _INCHES_PER_LETTER * 1.2)
    for word in " · ".join(drawable([scale, *notes_of(sheet)], sheet.font)).split():
        if lines[-1] and text_width(f"{lines[-1]} {word}") > letters:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
