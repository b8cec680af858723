"""Notes: what must be known to read the scores is said, and nothing else."""

import pytest

from hw7.views.levels import Axis, Outline
from hw7.views.notes import notes_on

AXIS = Axis({}, {}, [], [])


def notes(outline=None, level="token", aggregation="sum", **facts):
    facts = {"is_cut": False, "has_own_part": False, "explained": "York", **facts}
    return notes_on(outline or Outline(AXIS, AXIS, [], None), level, aggregation, **facts)


def test_plain_tokens_need_no_note():
    assert notes() == []


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (notes(is_cut=True), "cut at max_new_tokens"),
        (notes(level="word"), "sum over source"),
        (notes(level="turn", aggregation="mean"), "mean over tokens"),
        (notes(level="turn", aggregation="largest"), "as in Inseq"),
        (
            notes(Outline(AXIS, AXIS, [], None, is_partial=True)),
            "only this part is explained): York",
        ),
        (notes(Outline(AXIS, AXIS, [], None, has_contrast=True)), "a rather than b"),
        (notes(outputs=[{"log_likelihood": -1.234}]), "−1.23 nats"),
        (
            notes(outputs=[{"r2": [0.5, -0.25, 0.75], "is_exact": False}]),
            "trustworthy): −0.25 … 0.75",
        ),
    ],
)
def test_what_must_be_known_is_said(found, word):
    assert len(found) == 1
    assert word in found[0]


def test_exact_ablation_and_the_line_of_a_long_answer_need_no_note():
    assert notes(outputs=[{"r2": [0.9], "is_exact": True}]) == []
    assert notes(outputs=[{"log_likelihood": -1.0, "whole_answer": [1.0]}]) == []


def test_own_part_is_explained_where_there_is_one():
    assert len(notes(level="word", has_own_part=True)) == 2


def test_a_page_shows_a_note_in_one_language():
    (cut,) = notes(is_cut=True)
    chinese, english = cut.spoken
    assert cut == f"{chinese} ({english})"
    assert not any(one > "\u2e7f" for one in english)
    (partial,) = notes(Outline(AXIS, AXIS, [], None, is_partial=True))
    assert [spoken.endswith(": York") for spoken in partial.spoken] == [True, True]
