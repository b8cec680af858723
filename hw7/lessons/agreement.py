"""How far two ways of scoring the same words agree."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from hw7.views.comparison import rank_correlation

if TYPE_CHECKING:
    import pandas

FEWEST_WORDS = 3


def agreement(first: "pandas.Series", second: "pandas.Series", *, top: int = 3) -> "pandas.Series":
    """Return Spearman's rank correlation and the overlap of the strongest words.

    Signs are left out: saliency has none, and a word that speaks against an answer is important
    too. Words that one side has no score for (NaN) are left out on both.

    Args:
        first: Scores of the words of a sentence, in order.
        second: Other scores of the same words.
        top: How many of the strongest words to compare.

    Returns:
        ``words`` compared, ``spearman`` (-1 to 1; NaN for fewer than three words, or where all
        scores of one side are equal) with the ends ``low`` and ``high`` of its 95% interval,
        ``overlap`` (0 to 1; equal scores count in the order of the sentence; NaN likewise, and
        unless more than ``top`` words are compared) and what to expect of it by ``chance``:
        ``top`` out of ``words``.

    Raises:
        ValueError: The two do not score the same words.
    """
    import pandas

    if list(first.index) != list(second.index):
        raise ValueError("The two must score the same words in the same order.")
    sides = pandas.DataFrame({"first": first.to_numpy(), "second": second.to_numpy()}, dtype=float)
    shared = sides.dropna().abs()
    words = len(shared)
    has_overlap = words > top and bool((shared.nunique() > 1).all())
    strongest = [
        set(shared[side].sort_values(ascending=False, kind="stable").index[:top]) for side in shared
    ]
    spearman = rank_correlation(*shared.to_numpy().T) if words >= FEWEST_WORDS else math.nan
    low, high = correlation_interval(spearman, words)
    return pandas.Series(
        {
            "words": words,
            "spearman": spearman,
            "low": low,
            "high": high,
            "overlap": len(set.intersection(*strongest)) / top if has_overlap else math.nan,
            "chance": top / words if has_overlap else math.nan,
        }
    )


def correlation_interval(spearman: float, words: int) -> tuple[float, float]:
    """Return the 95% interval of a rank correlation; from -1 to 1 for three words.

    Fisher's transformation with the standard error of Bonett and Wright (2000), "Sample size
    requirements for estimating Pearson, Kendall and Spearman correlations".
    """
    if math.isnan(spearman) or abs(spearman) >= 1:
        return spearman, spearman
    if words <= 3:
        return -1.0, 1.0
    half = 1.96 * math.sqrt((1 + spearman**2 / 2) / (words - 3))
    return math.tanh(math.atanh(spearman) - half), math.tanh(math.atanh(spearman) + half)


def agreement_table(scores: "Mapping[str, pandas.Series]", *, top: int = 3) -> "pandas.DataFrame":
    """Return the agreement of every pair of ways to score the same words, one row per pair."""
    import pandas

    rows = {
        f"{first} / {second}": agreement(scores[first], scores[second], top=top)
        for first, second in combinations(scores, 2)
    }
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("pair")


def mean_agreement(runs: "Sequence[pandas.Series]", *, top: int = 3) -> "pandas.Series":
    """Return the mean agreement over all pairs of repeated runs: their stability.

    Raises:
        ValueError: There are fewer than two runs.
    """
    if len(runs) < 2:
        raise ValueError("Stability needs at least two runs.")
    numbered = {str(number): run for number, run in enumerate(runs, 1)}
    return agreement_table(numbered, top=top).drop(columns=["low", "high"]).mean()
