"""Axes: groups are labelled by their text, their turn or their template."""

import pytest

from hw7.views.axes import WHOLE_ANSWER, contrasted, labelled_axis, single_column

TOKENS = ["<s>", "New", "York", "!"]
PARTS = [("user", True), ("user", False), ("user", False), ("answer", False)]
KEYS = {
    "word": ["t", "a", "a", "b"],
    "sentence": ["t", "a", "a", "b"],
    "turn": ["t", "u", "u", "v"],
}


@pytest.fixture
def axis():
    def joined(group):
        return " ".join(TOKENS[place] for place in group)

    return labelled_axis(KEYS, PARTS, [False] * 4, joined)


def test_groups_bear_their_text_their_turn_or_their_template(axis):
    assert axis.labels["token"] == TOKENS
    assert axis.labels["word"] == ["user template", "New York", "!"]
    assert axis.labels["turn"] == ["user template", "user", "answer"]


def test_template_is_special(axis):
    assert axis.special == [True, False, False, False]


def test_contrast_is_named_where_it_differs(axis):
    others = {(1,): "Los", (2,): "York", (3,): "", (1, 2): "Los Angeles"}
    found = contrasted(axis, lambda group: others.get(tuple(group), ""))
    assert found.labels["token"] == ["<s>", "New → Los", "York", "!"]
    assert found.labels["word"][1] == "New York → Los Angeles"
    assert axis.labels["token"][1] == "New"


def test_single_column_stands_for_all_or_for_a_part(axis):
    whole, part = single_column(axis, None), single_column(axis, "York!")
    assert [whole.columns.labels["word"], part.columns.labels["word"]] == [
        [WHOLE_ANSWER],
        ["York!"],
    ]
    assert [whole.is_partial, part.is_partial] == [False, True]
    assert (whole.places, whole.start, whole.rows) == ([0], None, axis)
