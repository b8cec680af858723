"""The strongest scores of a table `[source, generated]`, NaN where a token was not yet written."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


def score_at(scores: "pandas.DataFrame", row: int, column: int) -> float:
    """Return one score.

    Raises:
        ValueError: The source token had not been written yet at that step.
    """
    score = float(scores.to_numpy()[row, column])
    if score != score:
        raise ValueError(
            f"{scores.index[row]!r} had not been written when {scores.columns[column]!r} was "
            "generated, so it has no importance for it. Ask for an earlier token."
        )
    return score


def whole_answer_title(tokens: Sequence[str], scores: Sequence[float]) -> str:
    """Return what a whole answer rests on most, in a line.

    Args:
        tokens: The labels of the tokens read, and maybe of others behind them.
        scores: One for each token read.
    """
    best = sorted(range(len(scores)), key=lambda place: -scores[place])[:3]
    named = (f"{tokens[place]} {scores[place]:.2f}" for place in best)
    return f"whole answer ← {' · '.join(named)}"


def strongest_row(scores: "pandas.DataFrame", column: int) -> int:
    """Return the row with the highest score of one generated token.

    Raises:
        ValueError: The column has no score but 0, as where a contrast says the same.
    """
    import numpy

    column_scores = scores.iloc[:, column].to_numpy()
    if not numpy.nan_to_num(column_scores).any():
        raise ValueError(
            f"{scores.columns[column]!r} has no scores: the contrast has the same token there or "
            "ended before, or the rows you chose were not written yet or are never left out."
        )
    return int(numpy.nanargmax(column_scores))


def strongest_of(scores: "pandas.DataFrame") -> "pandas.DataFrame":
    """Return one row per generated token: the strongest source token and its score."""
    import pandas

    scores = scores.loc[:, scores.fillna(0).any().to_numpy()]
    rows = [strongest_row(scores, column) for column in range(scores.shape[1])]
    return pandas.DataFrame(
        {
            "generated": list(scores.columns),
            "strongest source": [scores.index[row] for row in rows],
            "score": [scores.iat[row, column] for column, row in enumerate(rows)],
        }
    )
