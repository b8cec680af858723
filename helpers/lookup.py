"""Look scores up in a heatmap by the tokens a student reads on screen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers.errors import MethodError, TokenLookupError

if TYPE_CHECKING:
    import pandas
    from inseq import FeatureAttributionOutput


def choose_method(methods: Sequence[str], method: str | None) -> str:
    """Return the method asked for, or the only one there is.

    Raises:
        MethodError: There are no scores of it, or there are several and none was named.
    """
    if method is None and len(methods) == 1:
        return methods[0]
    if method is None:
        raise MethodError(f"Say which method: method= one of {', '.join(map(repr, methods))}.")
    if method not in methods:
        raise MethodError(
            f"This explanation has no scores of {method!r}, only of "
            f"{', '.join(map(repr, methods))}. Run explain(..., methods=[{method!r}])."
        )
    return method


def table_of(output: "FeatureAttributionOutput") -> "pandas.DataFrame":
    """Return the scores of an aggregated output as a table `[source, generated]`."""
    import pandas

    sequence = output[0]
    scores, rows = sequence.source_attributions, sequence.source
    if scores is None:
        scores, rows = sequence.target_attributions, sequence.target
    generated = sequence.target[sequence.attr_pos_start : sequence.attr_pos_end]
    return pandas.DataFrame(
        scores.detach().cpu().double().numpy(),
        index=pandas.Index([token.token for token in rows[: len(scores)]], name="source"),
        columns=pandas.Index([token.token for token in generated], name="generated"),
    )


def position(
    tokens: "pandas.Index", token: str, occurrence: int | None, argument: str = "occurrence"
) -> int:
    """Return the position of a token, counted from 0.

    Args:
        tokens: The tokens of a heatmap's rows or columns.
        token: The token as shown on screen.
        occurrence: Which one of several equal tokens, counted from 1.
        argument: The argument's name in the call, for the message.

    Raises:
        TokenLookupError: The token is not there, or it is there more than once.
    """
    places = [place for place, shown in enumerate(tokens) if shown == token.strip()]
    if not places:
        side = "source tokens" if tokens.name == "source" else "generated tokens"
        raise TokenLookupError(
            f"There is no {token!r} among the {side}. There are: {' | '.join(map(str, tokens))}"
        )
    if occurrence is None and len(places) > 1:
        seen = "; ".join(f"{argument}={n}: {_around(tokens, at)}" for n, at in enumerate(places, 1))
        raise TokenLookupError(f"{token!r} occurs {len(places)} times. Say which one: {seen}")
    if occurrence is not None and not 1 <= occurrence <= len(places):
        raise TokenLookupError(
            f"{token!r} occurs {len(places)} time(s), so {argument}={occurrence} does not exist."
        )
    return places[(occurrence or 1) - 1]


def _around(tokens: "pandas.Index", place: int) -> str:
    """Show a token with its neighbours."""
    before = tokens[place - 1] if place else "(start)"
    after = tokens[place + 1] if place + 1 < len(tokens) else "(end)"
    return f"{before} [{tokens[place]}] {after}"


def score_at(scores: "pandas.DataFrame", row: int, column: int) -> float:
    """Return one score.

    Raises:
        TokenLookupError: The source token had not been written yet at that step.
    """
    score = float(scores.to_numpy()[row, column])
    if score != score:
        raise TokenLookupError(
            f"{scores.index[row]!r} had not been written when {scores.columns[column]!r} was "
            "generated, so it has no importance for it. Ask for an earlier token."
        )
    return score


def strongest_row(scores: "pandas.DataFrame", column: int) -> int:
    """Return the row with the highest score of one generated token."""
    import numpy

    return int(numpy.nanargmax(scores.iloc[:, column].to_numpy()))


def strongest_of(scores: "pandas.DataFrame") -> "pandas.DataFrame":
    """Return one row per generated token: the strongest source token and its score."""
    import pandas

    rows = [strongest_row(scores, column) for column in range(scores.shape[1])]
    return pandas.DataFrame(
        {
            "generated": list(scores.columns),
            "strongest source": [scores.index[row] for row in rows],
            "score": [scores.iat[row, column] for column, row in enumerate(rows)],
        }
    )
