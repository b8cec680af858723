"""Plausibility: error rate, precision at 1 and average precision against gold links."""

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw7.lessons.which_method import (
    GoldSentence,
    alignment_error_rate,
    precision_at_one,
    strongest_links,
    without_special,
)
from hw7.lessons.which_method.alignment import average_precisions

links_of = st.frozensets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12)


def gold_of(sure, possible=(), source=3, target=3):
    return GoldSentence(
        source_text="",
        target_text="",
        source_words=tuple(f"s{number}" for number in range(source)),
        target_words=tuple(f"t{number}" for number in range(target)),
        sure=frozenset(sure),
        possible=frozenset(sure) | frozenset(possible),
    )


def random_gold(sentences, seed=0, source=8, target=8):
    """Sentences in which each target word has one sure link, anywhere."""
    generator = numpy.random.default_rng(seed)
    return [
        gold_of(
            {
                (int(place), word)
                for word, place in enumerate(generator.integers(source, size=target))
            },
            source=source,
            target=target,
        )
        for _ in range(sentences)
    ]


def mean_average_precision(table, gold):
    return numpy.mean(average_precisions(table, gold))


def table_of(scores):
    return pandas.DataFrame(scores)


# Three words each. Strongest: t0 -> s0, t1 -> s2, t2 -> s2. Sure: 0-0, 1-1; possible: 2-2 too.
SCORES = [[0.7, 0.2, 0.1], [0.2, 0.3, 0.3], [0.1, 0.5, 0.6]]
GOLD = gold_of({(0, 0), (1, 1)}, {(2, 2)})


def test_strongest_links_take_the_best_row_of_each_column():
    assert strongest_links(table_of(SCORES), GOLD) == {(0, 0), (2, 1), (2, 2)}


def test_error_rate_of_the_example_computed_by_hand():
    # A = {0-0, 2-1, 2-2}, S = {0-0, 1-1}, P adds 2-2: |A and S| = 1, |A and P| = 2.
    links = strongest_links(table_of(SCORES), GOLD)
    assert alignment_error_rate(links, GOLD.sure, GOLD.possible) == pytest.approx(1 - 3 / 5)


def test_precision_at_one_of_the_example_computed_by_hand():
    assert precision_at_one(strongest_links(table_of(SCORES), GOLD), GOLD) == pytest.approx(2 / 3)


def test_average_precision_of_the_example_computed_by_hand():
    # t0: its link is ranked first, 1. t1: second, 1/2. t2: first, 1.
    assert mean_average_precision(table_of(SCORES), GOLD) == pytest.approx(2.5 / 3)


def average_precision_by_definition(relevant, scores):
    """Sum over thresholds of precision times the recall gained; ties share one threshold."""
    area, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        chosen = [
            is_link for is_link, score in zip(relevant, scores, strict=True) if score >= threshold
        ]
        reached = sum(chosen) / sum(relevant)
        area += (reached - recall) * sum(chosen) / len(chosen)
        recall = reached
    return area


@settings(deadline=None)  # the first example imports scikit-learn
@given(
    st.lists(st.integers(0, 4), min_size=7, max_size=7),
    st.frozensets(st.integers(0, 6), min_size=1, max_size=6),
)
def test_average_precision_is_its_definition_also_with_equal_scores(scores, linked):
    gold = gold_of({(source, 0) for source in linked}, source=7, target=1)
    expected = average_precision_by_definition([place in linked for place in range(7)], scores)
    table = table_of([[float(score)] for score in scores])
    assert mean_average_precision(table, gold) == pytest.approx(expected)


@settings(deadline=None)  # the first example imports nltk
@given(links_of, links_of.filter(bool), links_of)
def test_error_rate_is_nltks(links, sure, further):
    nltk_metrics = pytest.importorskip("nltk.translate.metrics", reason="pip install nltk")
    possible = sure | further
    expected = nltk_metrics.alignment_error_rate(sure, links, possible)
    assert alignment_error_rate(links, sure, possible) == pytest.approx(expected)


def test_error_rate_without_any_link_says_so():
    with pytest.raises(ValueError, match="neither links nor sure links"):
        alignment_error_rate([], [])


def gold_scores(gold):
    scores = numpy.zeros((len(gold.source_words), len(gold.target_words)))
    for source, target in gold.sure:
        scores[source, target] = 1
    return table_of(scores)


def test_gold_itself_scores_perfectly():
    for gold in random_gold(20):
        links = strongest_links(gold_scores(gold), gold)
        assert alignment_error_rate(links, gold.sure) == 0
        assert precision_at_one(links, gold) == 1
        assert mean_average_precision(gold_scores(gold), gold) == 1


def test_random_scores_score_at_chance():
    generator = numpy.random.default_rng(1)
    sentences = random_gold(300)
    values = []
    for gold in sentences:
        table = table_of(generator.random((8, 8)))
        links = strongest_links(table, gold)
        values.append(
            [
                alignment_error_rate(links, gold.sure),
                precision_at_one(links, gold),
                mean_average_precision(table, gold),
            ]
        )
    # One of 8 words is right: 2,400 words, standard error 0.0068. The link is at each rank r
    # equally often, with precision 1 / r; the standard error is below 0.006.
    expected = [1 - 1 / 8, 1 / 8, sum(1 / rank for rank in range(1, 9)) / 8]
    assert numpy.mean(values, axis=0) == pytest.approx(expected, abs=0.028)


def test_a_word_parked_on_the_end_token_has_no_link():
    table = table_of([[0.2, 0.1], [0.3, 0.2], [0.5, 0.7]])
    gold = gold_of({(1, 0), (0, 1)}, source=2, target=2)
    assert strongest_links(table, gold) == frozenset()
    assert strongest_links(without_special(table, gold), gold) == {(1, 0), (1, 1)}
