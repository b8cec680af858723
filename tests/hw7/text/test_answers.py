"""Thinking and answer are told apart by the tags between them."""

import pytest

from hw7.text.answers import places_to_explain, written_parts
from hw7.text.groups import Piece


@pytest.mark.parametrize(
    ("prompt", "texts", "turns"),
    [
        ("", ["a", "b"], ["answer", "answer"]),
        ("", ["<think>", "a", "</think>", "b"], ["T", "thinking", "T", "answer"]),
        ("", ["\n", "<think>", "a"], ["T", "T", "thinking"]),
        ("...<think>\n", ["a", "</think>", "b"], ["thinking", "T", "answer"]),
        ("<think>\n\n</think>\n\n", ["a"], ["answer"]),
        ("", ["[", "THINK", "]", "a", "[/THINK]", "b"], ["T", "T", "T", "thinking", "T", "answer"]),
        ("", ["I", " say", " <think>"], ["answer"] * 3),
        (
            "",
            ["<think>", "\n", "a", "\n", "</think>", "\n\n", " b", "\n"],
            ["T", "T", "thinking", "T", "T", "T", "answer", "answer"],
        ),
        ("", ["<think>", " a", "</think>", "\n\nb"], ["T", "thinking", "T", "answer"]),
    ],
)
def test_thinking_is_what_stands_between_its_tags(prompt, texts, turns):
    parts = written_parts(prompt, texts)
    assert ["T" if is_tag else turn for turn, is_tag in parts] == turns


WRITTEN = [
    Piece("hm"),
    Piece("", is_cut=True),
    Piece("巴"),
    Piece("黎"),
    Piece("</s>", is_special=True),
]
TURNS = ["thinking", *["answer"] * 4]


@pytest.mark.parametrize(
    ("span", "answer_only", "places"),
    [
        (None, False, [0, 1, 2, 3, 4]),
        (None, True, [1, 2, 3]),
        ("巴", False, [1, 2]),
        (" 巴黎 ", True, [1, 2, 3]),
        ("hm", False, [0]),
    ],
)
def test_places_of_a_span_or_answer_are_those_of_its_tokens(span, answer_only, places):
    assert places_to_explain(WRITTEN, TURNS, span, answer_only=answer_only) == places


def test_special_token_before_or_within_a_span_is_no_part_of_it():
    special = Piece("<unk>", is_special=True)
    pieces = [special, Piece("a"), special, Piece("b"), special]
    assert places_to_explain(pieces, ["answer"] * 5, "ab", answer_only=False) == [1, 3]
    assert places_to_explain(pieces, ["answer"] * 5, "b", answer_only=False) == [3]


@pytest.mark.parametrize("span", [3, ["hm"], True])
def test_span_that_is_no_text_is_refused(span):
    with pytest.raises(ValueError, match="span must be a part of what was written, and not"):
        places_to_explain(WRITTEN, TURNS, span, answer_only=False)


@pytest.mark.parametrize("span", ["hm", "</s>", ""])
def test_span_that_the_answer_lacks_is_refused(span):
    with pytest.raises(ValueError, match="0 times"):
        places_to_explain(WRITTEN, TURNS, span, answer_only=True)


def test_thinking_alone_is_no_answer():
    with pytest.raises(ValueError, match="no answer, only its thinking"):
        places_to_explain(WRITTEN[:1], TURNS[:1], None, answer_only=True)
