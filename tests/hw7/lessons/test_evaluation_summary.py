"""Tables over sentences: ratios, bootstrap intervals, differences, random orders."""

import math

import numpy
import pandas
import pytest

from helpers.errors import HomeworkError
from hw7.lessons.which_method import bootstrap_interval, difference, summarize, verdict
from hw7.lessons.which_method.summary import MEASURES

ratio = MEASURES["precision at 1"].value


def counts_of(method, hits, words, repeat=0):
    rows = enumerate(zip(hits, words, strict=True))
    return pandas.DataFrame(
        [
            {"method": method, "repeat": repeat, "sentence": number}
            | {"hits": hit, "linked_words": word, "matched": 2 * hit, "drawn": 2 * word}
            for number, (hit, word) in rows
        ]
    )


COUNTS = pandas.concat(
    [counts_of("good", [3, 4, 2, 5], [4, 4, 4, 6]), counts_of("bad", [1, 1, 0, 2], [4, 4, 4, 6])]
)


def test_sentences_are_added_up_before_dividing():
    table = summarize(COUNTS, ["precision at 1", "alignment error rate"])
    assert table.at["good", "precision at 1"] == pytest.approx(14 / 18)
    assert table.at["bad", "alignment error rate"] == pytest.approx(1 - 4 / 18)


def test_the_interval_holds_the_value_and_an_error_rate_turns_it_round():
    table = summarize(COUNTS, ["precision at 1", "alignment error rate"])
    for name in ("precision at 1", "alignment error rate"):
        assert (table[f"{name}, low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}, high"]).all()
    low, high = table["precision at 1, low"], table["precision at 1, high"]
    assert (table["alignment error rate, low"]).to_numpy() == pytest.approx((1 - high).to_numpy())
    assert (table["alignment error rate, high"]).to_numpy() == pytest.approx((1 - low).to_numpy())


def test_the_interval_of_a_mean_is_the_normal_one():
    """Of 400 numbers, where the central limit theorem holds."""
    numbers = numpy.random.default_rng(0).exponential(size=400)
    low, high = bootstrap_interval(ratio, numbers.tolist(), [1.0] * 400)
    half = 1.96 * numbers.std() / math.sqrt(400)
    # 1000 resamples: the ends vary by about a tenth of the half width.
    assert low == pytest.approx(numbers.mean() - half, abs=0.25 * half)
    assert high == pytest.approx(numbers.mean() + half, abs=0.25 * half)


def test_the_interval_of_equal_sentences_is_a_point():
    assert bootstrap_interval(ratio, [1, 2, 3], [2, 4, 6]) == pytest.approx((0.5, 0.5))


def test_the_interval_is_the_same_on_every_run():
    numbers = ([1, 0, 2, 2], [3, 2, 4, 2])
    assert bootstrap_interval(ratio, *numbers) == bootstrap_interval(ratio, *numbers)


def test_one_sentence_has_no_interval():
    assert bootstrap_interval(ratio, [1], [4]) == (0.25, 0.25)


def test_a_difference_is_clear_where_every_sentence_agrees():
    found = difference(COUNTS, "good", "bad", "precision at 1")
    assert found["difference"] == pytest.approx(10 / 18)
    assert 0 < found["low"] <= found["difference"] <= found["high"]
    assert found["is_clear"]


def test_the_difference_of_an_error_rate_has_the_other_sign():
    found = difference(COUNTS, "good", "bad", "alignment error rate")
    assert found["difference"] == pytest.approx(-10 / 18)
    assert found["low"] <= found["difference"] <= found["high"] < 0


def test_a_verdict_names_the_better_method_whatever_the_order_and_direction():
    for measure in ("precision at 1", "alignment error rate"):
        assert verdict(COUNTS, "good", "bad", measure).endswith(": good is better")
        assert verdict(COUNTS, "bad", "good", measure).endswith(": good is better")
    assert "good 0.78, bad 0.22, difference +0.56 [" in verdict(
        COUNTS, "good", "bad", "precision at 1"
    )


def test_a_verdict_says_where_the_sentences_do_not_tell():
    rows = [counts_of("one", [3, 1, 2], [4, 4, 4]), counts_of("two", [1, 3, 2], [4, 4, 4])]
    assert verdict(pandas.concat(rows), "one", "two", "precision at 1").endswith(": undecided")


def test_a_method_does_not_differ_from_itself():
    found = difference(COUNTS, "good", "good", "precision at 1")
    assert (found["low"], found["high"], found["is_clear"]) == (0, 0, False)


def test_an_unknown_measure_is_refused_with_those_there_are():
    with pytest.raises(HomeworkError, match="precision at 1"):
        summarize(COUNTS, ["comprehensiveness"])


def test_an_unknown_method_is_refused_with_those_there_are():
    with pytest.raises(HomeworkError, match="good; bad"):
        difference(COUNTS, "good", "ugly", "precision at 1")
