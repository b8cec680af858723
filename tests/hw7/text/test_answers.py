"""Thinking and answer are told apart by the tags between them."""

import pytest

from hw7.text.answers import written_parts


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
    ],
)
def test_thinking_is_what_stands_between_its_tags(prompt, texts, turns):
    parts = written_parts(prompt, texts)
    assert ["T" if is_tag else turn for turn, is_tag in parts] == turns
