"""Comparisons: differences, rank correlations, and the alignment of minimal pairs."""

from dataclasses import replace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers.errors import HomeworkError, MethodError
from hw7.views.comparison import aligned, compare_sheets, rank_correlations
from hw7.views.sheet import Step
from tests.support.made_explanations import GENERATED, SOURCE, made_explanation


def test_the_difference_is_the_first_method_minus_the_second():
    explanation = made_explanation()
    comparison = explanation.compare("saliency", "attention")
    expected = explanation.table("saliency") - explanation.table("attention")
    numpy.testing.assert_array_equal(comparison.difference, expected)
    assert list(comparison.difference.index) == SOURCE
    assert list(comparison.difference.columns) == GENERATED


def test_a_method_agrees_with_itself():
    comparison = made_explanation().compare("saliency", "saliency")
    assert (comparison.difference == 0).all(axis=None)
    numpy.testing.assert_allclose(comparison.rank_correlation["rank correlation"], 1.0)


def test_rank_correlation_of_known_orders():
    first = numpy.array([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [3.0, 3.0, 3.0], [4.0, 4.0, 4.0]])
    second = numpy.array([[10.0, 9.0, 5.0], [20.0, 8.0, 5.0], [21.0, 7.0, 5.0], [99.0, 6.0, 5.0]])
    same, opposite, undefined = rank_correlations(first, second)
    assert (same, opposite) == pytest.approx((1.0, -1.0))
    assert numpy.isnan(undefined)


def test_equal_scores_share_their_mean_rank():
    first = numpy.array([[1.0], [2.0], [2.0], [3.0]])  # of the ranks 1, 2.5, 2.5, 4
    second = numpy.array([[10.0], [30.0], [20.0], [40.0]])
    assert rank_correlations(first, second) == pytest.approx([4.5 / 22.5**0.5])


def test_only_rows_with_a_score_in_both_maps_count():
    nan = numpy.nan
    first = numpy.array([[1.0], [nan], [2.0], [3.0], [4.0]])
    second = numpy.array([[3.0], [9.0], [2.0], [nan], [1.0]])
    assert rank_correlations(first, second) == pytest.approx([-1.0])


def test_only_tokens_already_written_count():
    comparison = made_explanation(["a", "b", "c"], ["d", "e"], is_translation=False).compare(
        "saliency", "attention"
    )
    assert list(comparison.rank_correlation["tokens"]) == [3, 4]


def test_special_tokens_can_be_left_out_before_comparing():
    comparison = made_explanation().compare("saliency", "attention", hide_special=True)
    assert "</s>" not in comparison.difference.index
    # Both columns sum to one again, so their difference sums to zero.
    numpy.testing.assert_allclose(comparison.difference.sum(), 0, atol=1e-12)


def test_a_minimal_pair_is_laid_side_by_side():
    other_source = ["讨厌" if token == "喜欢" else token for token in SOURCE]
    other_generated = ["hate" if token == "like" else token for token in GENERATED]
    one, other = made_explanation(), made_explanation(other_source, other_generated, seed=9)
    difference = one.compare(other, method="attention").difference
    assert list(difference.index)[:3] == ["我", "喜欢→讨厌", "机器"]
    assert "like→hate" in difference.columns
    expected = one.table("attention").to_numpy() - other.table("attention").to_numpy()
    numpy.testing.assert_array_equal(difference.to_numpy(), expected)


def test_a_token_without_counterpart_has_no_difference():
    shorter = [token for token in GENERATED if token != "and"]
    difference = made_explanation().compare(made_explanation(generated=shorter), "saliency")
    assert numpy.isnan(difference.difference["and→∅"]).all()
    assert difference.difference.notna().to_numpy().sum() == len(SOURCE) * len(shorter)


def test_two_texts_are_compared_without_the_probabilities_of_one():
    steps = [Step(0.5, []) for _ in GENERATED]
    sheets = [replace(made_explanation(seed=seed).sheet(), steps=steps) for seed in (0, 9)]
    compared = compare_sheets(*sheets, "saliency", hide_special=False)
    assert '"probabilities":null' in compared.html(picture=False)


def test_prompts_of_different_length_keep_generated_tokens_in_line():
    one = made_explanation(["a", "b"], ["c", "d"], is_translation=False)
    other = made_explanation(["a", "x", "b"], ["c", "d"], is_translation=False)
    difference = one.compare(other, method="saliency").difference
    assert list(difference.index) == ["a", "∅→x", "b", "c", "d"]
    expected = one.table("saliency").iat[2, 1] - other.table("saliency").iat[3, 1]
    assert difference.to_numpy()[3, 1] == expected


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_an_alignment_holds_every_token_once_and_in_order(first, second):
    pairs = aligned(first, second)
    assert [one for one, _ in pairs if one is not None] == list(range(len(first)))
    assert [other for _, other in pairs if other is not None] == list(range(len(second)))


def test_methods_on_different_scales_are_marked():
    explanation = made_explanation(methods=["saliency", "occlusion"], signed=["occlusion"])
    assert "different scales" in explanation.compare("saliency", "occlusion").html(picture=False)


def test_a_single_method_asks_for_the_other_one():
    with pytest.raises(MethodError, match=r"compare\('saliency', 'attention'\)"):
        made_explanation().compare("saliency")


def test_an_unknown_method_lists_those_there_are():
    with pytest.raises(MethodError, match="'saliency', 'attention'"):
        made_explanation().compare("saliency", "lime")


def test_two_explanations_of_several_methods_need_a_method():
    with pytest.raises(MethodError, match="Say which method"):
        made_explanation().compare(made_explanation(seed=5))


def test_a_translation_is_not_compared_with_a_continuation():
    with pytest.raises(HomeworkError, match="same kind"):
        made_explanation().compare(made_explanation(is_translation=False), method="saliency")


def test_a_comparison_is_drawn_and_written(tmp_path):
    comparison = made_explanation().compare("saliency", "attention")
    figure = comparison.plot(tmp_path / "comparison.png")
    assert isinstance(figure, Figure)
    assert len([axes for axes in figure.axes if axes.images]) == 3
    assert comparison.html() == made_explanation().compare("saliency", "attention").html()
