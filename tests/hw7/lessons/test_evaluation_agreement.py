"""Rank agreement between two ways of scoring the same words."""

import math

import numpy
import pandas
import pytest
from scipy.stats import spearmanr

from hw7.lessons.agreement import correlation_interval
from hw7.lessons.which_method import agreement, agreement_table, mean_agreement

WORDS = ["this", "film", "is", "dull"]


def scores_of(*values, words=WORDS):
    return pandas.Series(values, index=words)


def test_spearman_of_an_example_computed_by_hand():
    # Ranks 1 2 3 4 and 2 1 3 4: 1 - 6 * 2 / (4 * 15).
    found = agreement(scores_of(0.1, 0.2, 0.3, 0.4), scores_of(0.2, 0.1, 0.3, 0.9))
    assert found["spearman"] == pytest.approx(1 - 12 / 60)


def test_the_interval_of_a_correlation_covers_the_truth_in_nineteen_of_twenty_samples():
    generator = numpy.random.default_rng(0)
    covered = 0
    for _ in range(400):
        one = generator.standard_normal(40)
        other = 0.5 * one + math.sqrt(0.75) * generator.standard_normal(40)
        low, high = correlation_interval(spearmanr(one, other).statistic, 40)
        covered += low < 6 / math.pi * math.asin(0.25) < high
    # Spearman's value for two normal variables correlated by 0.5; 400 samples, five standard
    # errors of 0.011.
    assert covered / 400 == pytest.approx(0.95, abs=0.055)


def test_overlap_is_the_share_of_the_strongest_words_in_common():
    found = agreement(scores_of(4, 3, 2, 1), scores_of(4, 1, 2, 3), top=2)
    assert (found["overlap"], found["chance"]) == (0.5, 0.5)


def test_signs_are_left_out():
    found = agreement(scores_of(-0.9, 0.1, 0.2, 0.5), scores_of(0.9, 0.1, 0.2, 0.5))
    assert found["spearman"] == pytest.approx(1)


def test_words_without_a_score_are_left_out_on_both_sides():
    found = agreement(scores_of(math.nan, 1, 2, 3), scores_of(9, 1, 2, 3))
    assert (found["words"], found["spearman"]) == (3, pytest.approx(1))


@pytest.mark.parametrize("values", [(1, 1, 1, 1), (math.nan, math.nan, 1, 2)])
def test_no_correlation_of_constant_scores_or_too_few_words(values):
    assert math.isnan(agreement(scores_of(*values), scores_of(1, 2, 3, 4))["spearman"])


def test_no_strongest_words_among_constant_scores():
    constant, varied = scores_of(1, 1, 1, 1), scores_of(0.1, 0.4, 0.3, 0.2)
    assert agreement(constant, varied, top=2)[["overlap", "chance"]].isna().all()
    assert agreement(varied, constant, top=2)[["overlap", "chance"]].isna().all()


def test_no_words_in_common_gives_no_numbers():
    found = agreement(scores_of(*[math.nan] * 4), scores_of(1, 2, 3, 4))
    assert found["words"] == 0
    assert found.drop("words").isna().all()


def test_other_words_are_refused():
    with pytest.raises(ValueError, match="same words"):
        agreement(scores_of(1, 2, 3, 4), scores_of(1, 2, 3, 4, words=[*WORDS[:3], "good"]))


def test_every_pair_has_a_row():
    ways = {name: scores_of(1, 2, 3, 4) for name in ("own", "saliency", "occlusion")}
    assert list(agreement_table(ways).index) == [
        "own / saliency",
        "own / occlusion",
        "saliency / occlusion",
    ]


def test_equal_runs_are_perfectly_stable():
    found = mean_agreement([scores_of(1, 2, 3, 4)] * 3)
    assert (found["spearman"], found["overlap"]) == pytest.approx((1, 1))


def test_stability_needs_two_runs():
    with pytest.raises(ValueError, match="two runs"):
        mean_agreement([scores_of(1, 2, 3, 4)])
