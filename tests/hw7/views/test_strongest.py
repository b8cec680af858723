"""The strongest scores of a table, where tokens not yet written have none."""

import pandas
import pytest

from hw7.views.strongest import score_at, strongest_of, strongest_row, whole_answer_title

NAN = float("nan")


@pytest.fixture
def scores():
    return pandas.DataFrame(
        [[0.5, 0.2], [0.3, 0.7], [NAN, 0.1]],
        index=pandas.Index(["the", "cat", "the"], name="source"),
        columns=pandas.Index(["sat", "down"], name="generated"),
    )


def test_token_not_yet_written_has_no_score(scores):
    with pytest.raises(ValueError, match="had not been written"):
        score_at(scores, 2, 0)


def test_strongest_row_ignores_tokens_not_yet_written(scores):
    assert strongest_row(scores, 0) == 0
    assert list(strongest_of(scores)["strongest source"]) == ["the", "cat"]


@pytest.mark.parametrize("column", [[0.0, 0.0, 0.0], [NAN, NAN, NAN], [0.0, NAN, -0.0]])
def test_column_without_any_score_has_no_strongest_row(scores, column):
    scores["down"] = column
    with pytest.raises(ValueError, match="'down' has no scores"):
        strongest_row(scores, 1)
    assert list(strongest_of(scores)["generated"]) == ["sat"]


def test_strongest_row_has_the_highest_score_and_not_the_largest_size(scores):
    scores["down"] = [0.2, -0.7, 0.1]
    assert strongest_row(scores, 1) == 0


def test_title_of_a_whole_answer_names_its_three_strongest_tokens():
    title = whole_answer_title(["a", "b", "c", "d", "later"], [0.1, 0.4, 0.2, 0.3])
    assert title == "whole answer ← b 0.40 · d 0.30 · c 0.20"
