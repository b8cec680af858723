"""The strongest scores of a table, where tokens not yet written have none."""

import pandas
import pytest

from hw7.views.strongest import score_at, strongest_of, strongest_row

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
