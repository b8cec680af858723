"""An explanation of a level laid out for drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy

from hw7.views.axes import WHOLE_ANSWER, single_column
from hw7.views.labels import printable
from hw7.views.levels import Outline, merged
from hw7.views.sheet import Sheet, Step, identity_of, layer_of

if TYPE_CHECKING:
    import pandas


def sheet_of(
    outline: Outline,
    level: str,
    turn: str | None,
    tables: "Mapping[str, pandas.DataFrame]",
    whole: Sequence[float] | None,
    aggregation: str,
    probabilities: Sequence[Mapping[str, Any]],
    heads: Mapping[str, Any] | None,
    *,
    digest: str,
    **settings: Any,
) -> Sheet:
    """Return the scores of all methods laid out for drawing.

    Args:
        outline: What the tokens are at every level.
        level: The level shown.
        turn: The turn whose rows are shown; None for all.
        tables: For each method its scores `[source, generated]` of that level and turn.
        whole: The saliency of the whole answer, of each token that was read before it.
        aggregation: As of ``hw7.views.levels.merged``.
        probabilities: Of each explained token, and of its rivals.
        heads: The attention of each layer and head, see ``Sheet``.
        digest: Of the explanation.
        settings: What else a ``Sheet`` is told.
    """
    axes, first = (outline.rows, outline.columns), next(iter(tables.values()))
    steps = [
        Step(token["probability"], [(rival, share) for rival, share in token["rivals"]])
        for token in probabilities
    ]
    start = None
    if outline.start is not None and turn is None:
        start = outline.rows.numbers[level][outline.start]
    rows = None
    if whole is not None:
        single = single_column(outline.rows.kept(range(len(whole))), None)
        scores, _ = merged(numpy.array(whole)[:, None], single, level, aggregation)
        shown = range(len(first)) if turn is None else outline.rows.groups_of(turn, level)
        rows = numpy.array([scores[row, 0] if row < len(scores) else numpy.nan for row in shown])
    return Sheet(
        rows=[printable(token) for token in first.index],
        columns=[printable(token) for token in first.columns],
        first_generated_row=start,
        layers=[
            layer_of(name, table.to_numpy(float), rows if name == "saliency" else None)
            for name, table in tables.items()
        ],
        identity=identity_of(digest[:16], level, turn or ""),
        steps=steps if level == "token" else [],
        special=frozenset().union(*(axis.special_labels(level) for axis in axes)),
        outline=outline if level == "token" and turn is None else None,
        heads=heads if heads and "columns" in heads and level == "token" and turn is None else None,
        **settings,
    )


def with_whole_answer(sheet: Sheet) -> Sheet:
    """Put the scores of the whole answer before those of its tokens, where there are any."""
    if all(layer.whole is None for layer in sheet.layers):
        return sheet
    empty = numpy.full(len(sheet.rows), numpy.nan)
    first = [empty if layer.whole is None else layer.whole for layer in sheet.layers]
    pairs = zip(first, sheet.layers, strict=True)
    outline = sheet.outline
    if outline is not None:
        columns = replace(outline.columns, special=[False, *outline.columns.special])
        outline = replace(outline, columns=columns)
    return replace(
        sheet,
        columns=[WHOLE_ANSWER, *sheet.columns],
        layers=[
            replace(layer, scores=numpy.column_stack([whole, layer.scores]), whole=None)
            for whole, layer in pairs
        ],
        outline=outline,
        steps=[],
    )
