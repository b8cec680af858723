"""Plausibility: how well scores find the words of a gold alignment.

Every function takes a table `[source, target]` with one row per source word, and the gold links
as pairs of positions. Rows behind the source words, such as ``</s>``, are candidates too where a
table has them; leave them out with ``without_special``.
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from hw7.lessons.which_method.gold import GoldSentence, Link

if TYPE_CHECKING:
    import pandas


def without_special(table: "pandas.DataFrame", gold: GoldSentence) -> "pandas.DataFrame":
    """Return the rows of the source words, without special tokens such as ``</s>``."""
    return table.iloc[: len(gold.source_words)]


def strongest_links(table: "pandas.DataFrame", gold: GoldSentence) -> frozenset[Link]:
    """Link each target word with the source row that has its highest score.

    This is how alignments are read off attention (Chen et al. 2020, "Accurate Word Alignment
    Induction from Neural Machine Translation"). A target word whose strongest row is a special
    token gets no link, and of equal scores the first counts.
    """
    strongest = table.to_numpy().argmax(axis=0)
    count = len(gold.source_words)
    return frozenset(
        (int(source), target) for target, source in enumerate(strongest) if source < count
    )


def alignment_error_rate(
    links: Collection[Link], sure: Collection[Link], possible: Collection[Link] | None = None
) -> float:
    """Return the alignment error rate, from 0 (perfect) to 1 (nothing found).

    ``1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|)`` for links A, sure links S and possible links P with
    S in P (Och and Ney 2003, "A Systematic Comparison of Various Statistical Alignment Models").

    Raises:
        ValueError: There are neither links nor sure links.
    """
    counts = error_counts(links, sure, possible)
    drawn = counts["links"] + counts["sure"]
    if not drawn:
        raise ValueError("There are neither links nor sure links, so there is no error rate.")
    return 1 - (counts["found_sure"] + counts["found_possible"]) / drawn


def error_counts(
    links: Collection[Link], sure: Collection[Link], possible: Collection[Link] | None = None
) -> dict[str, int]:
    """Return the four counts that the alignment error rate is made of.

    Over several sentences the counts are added up before dividing, as is usual.
    """
    allowed = set(sure) | set(possible or ())
    return {
        "links": len(set(links)),
        "sure": len(set(sure)),
        "found_sure": len(set(links) & set(sure)),
        "found_possible": len(set(links) & allowed),
    }


def precision_at_one(links: Iterable[Link], gold: GoldSentence) -> float:
    """Return the share of target words whose strongest source word is linked in the gold.

    Target words without any gold link, such as an article, are not counted.
    """
    return len(set(links) & gold.possible) / len(gold.linked_words())


def average_precisions(table: "pandas.DataFrame", gold: GoldSentence) -> list[float]:
    """Return the average precision of each target word that has a gold link.

    The soft counterpart of precision at 1, as ERASER measures soft scores (DeYoung et al. 2020,
    "ERASER: A Benchmark to Evaluate Rationalized NLP Models"): scikit-learn's area under the
    precision-recall curve, with a target word's possible links as what should be found.
    """
    import numpy
    from sklearn import config_context
    from sklearn.metrics import average_precision_score

    is_link = numpy.zeros(table.shape, dtype=bool)
    for source, target in gold.possible:
        is_link[source, target] = True
    scores = table.to_numpy()
    with config_context(skip_parameter_validation=True):
        return [
            float(average_precision_score(is_link[:, word], scores[:, word]))
            for word in gold.linked_words()
        ]
