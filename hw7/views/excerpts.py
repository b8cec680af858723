"""A sheet with some of its rows and columns left out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy

from hw7.views.sheet import Layer, Sheet


def without_special_tokens(sheet: Sheet) -> Sheet:
    """Leave special rows and columns out, and scale each column back to the total it had.

    Attention parks up to 60% of its weight on ``</s>``; without it the other tokens share the
    whole again. Scores that are no shares of a whole, such as occlusion's, stay as they are.
    """
    rows = _kept(sheet.special_rows)
    columns = _kept(sheet.special_columns)
    hidden = _distinct(sheet.rows, sheet.special_rows, sheet.columns, sheet.special_columns)
    if not hidden or not rows or not columns:
        return sheet
    start = sheet.first_generated_row
    return replace(
        sheet,
        rows=[sheet.rows[row] for row in rows],
        columns=[sheet.columns[column] for column in columns],
        first_generated_row=None if start is None else sum(row < start for row in rows),
        layers=[
            replace(
                layer,
                scores=_rescaled(layer, layer.scores, rows)[:, columns],
                whole=None if layer.whole is None else _rescaled(layer, layer.whole, rows),
            )
            for layer in sheet.layers
        ],
        hidden=hidden,
        outline=None,
        heads=None,
        column_notes=[sheet.column_notes[column] for column in columns if sheet.column_notes],
        steps=[sheet.steps[column] for column in columns if sheet.steps],
    )


def without_empty_rows(sheet: Sheet) -> Sheet:
    """Leave out rows at the end that have no score: the last token written influenced none."""
    is_scored = numpy.any([numpy.isfinite(layer.scores).any(axis=1) for layer in sheet.layers], 0)
    end = int(is_scored.nonzero()[0].max(initial=0)) + 1
    layers = [
        replace(
            layer,
            scores=layer.scores[:end],
            whole=None if layer.whole is None else layer.whole[:end],
        )
        for layer in sheet.layers
    ]
    outline = sheet.outline
    if outline is not None:
        outline = replace(outline, rows=outline.rows.kept(range(end)))
    return replace(sheet, rows=sheet.rows[:end], layers=layers, outline=outline)


def _kept(is_left_out: Sequence[bool]) -> list[int]:
    return [place for place, left_out in enumerate(is_left_out) if not left_out]


def _distinct(
    rows: Sequence[str],
    special_rows: Sequence[bool],
    columns: Sequence[str],
    special_columns: Sequence[bool],
) -> list[str]:
    tokens = [*zip(rows, special_rows, strict=True), *zip(columns, special_columns, strict=True)]
    return list(dict.fromkeys(token for token, special in tokens if special))


def _rescaled(layer: Layer, scores: numpy.ndarray, rows: Sequence[int]) -> numpy.ndarray:
    """The kept rows of some scores, each column scaled to its total over all rows."""
    kept = scores[rows]
    if not layer.is_share:
        return kept
    before = numpy.atleast_1d(numpy.nansum(scores, axis=0))
    after = numpy.atleast_1d(numpy.nansum(kept, axis=0))
    factor = numpy.divide(before, after, out=numpy.ones_like(before), where=after > 0)
    return kept * factor
