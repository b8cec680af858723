"""Tables of what an explanation holds, named by the tokens that a student reads on screen."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hw7.views.levels import Outline, merged

if TYPE_CHECKING:
    import numpy
    import pandas
    from inseq import FeatureAttributionOutput


def table_of(
    output: "FeatureAttributionOutput",
    outline: Outline,
    level: str,
    column_level: str,
    aggregation: str,
) -> "pandas.DataFrame":
    """Return the scores of an aggregated output as a table `[source, generated]` of a level.

    Args:
        output: Inseq's output with one score per pair of tokens.
        outline: What its rows and columns are.
        level: The level of the rows.
        column_level: The level of the columns.
        aggregation: How scores of groups come from those of their tokens, see ``merged``.
    """
    import pandas

    tokens = scores_of(output, outline)
    scores, labels = merged(tokens, outline, level, aggregation, column_level)
    return pandas.DataFrame(
        scores,
        index=pandas.Index(labels, name="source"),
        columns=pandas.Index(outline.columns.labels[column_level], name="generated"),
    )


def scores_of(output: "FeatureAttributionOutput", outline: Outline) -> "numpy.ndarray":
    """Return the scores of an aggregated output, `[source, generated]`, of the outline's tokens."""
    sequence = output[0]
    scores = sequence.source_attributions
    if scores is None:
        scores = sequence.target_attributions
    start = sequence.attr_pos_start if outline.start is None else outline.start
    # Tokens written before the first explained one may have been given as prompt: no columns.
    columns = [place - (sequence.attr_pos_start - start) for place in outline.places]
    return scores.detach().cpu().double().numpy()[: len(outline.rows.turns), columns]


def likeliest_of(tokens: Sequence[Mapping[str, Any]], rivals: int) -> "pandas.DataFrame":
    """Return one row per token: what was written, its probability and rank, then its rivals.

    Args:
        tokens: For each token ``generated``, ``probability``, ``rank`` and ``rivals``.
        rivals: How many rivals to tell.
    """
    import pandas

    rows = []
    for token in tokens:
        row = {name: token[name] for name in ("generated", "probability", "rank")}
        for number, (rival, share) in enumerate(token["rivals"][:rivals], 1):
            row |= {f"rival {number}": rival, f"probability {number}": share}
        rows.append(row)
    return pandas.DataFrame(rows)
