"""The tolerant reader of (word, importance) tuples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw7.lessons.self_explanation.replies import importances_of_words, parse_importances, words_of

PAIRS = [("This", 0.0), ("film", 0.2), ("dull", -0.9)]
CLEAN = '[("This", 0.0), ("film", 0.2), ("dull", -0.9)]\n0'


def test_a_reply_as_asked_needs_no_repair():
    parsed = parse_importances(CLEAN)
    assert (parsed.pairs, parsed.label, parsed.repairs) == (PAIRS, 0, [])


@pytest.mark.parametrize(
    ("reply", "repair"),
    [
        (f"```python\n{CLEAN}\n```", "code fence"),
        ("[（“This”，0.0），（“film”，0.2），（“dull”，－0.9）]\n0", "full-width"),
        ("【（'This'，０.０）、（'film'，０.２）、（'dull'，−０.９）】\n０", "full-width"),
        ("[(This, 0.0), (film, 0.2), (dull, -0.9)]\n0", "3 word(s) without quotes"),
        ('[("This", 0.0), ("film", 0.2), ("dull", -0.9\n0', "no closing bracket"),
        ('[("This", 0%), ("film", 20%), ("dull", -90%)]\n0', "percentage"),
        ('[["This", 0.0], ["film", 0.2], ["dull", -0.9]]\n0', ""),
        ("[('This', '0.0'), ('film', '0.2'), ('dull', '-0.9')]\n0", ""),
        ("This: 0.0\nfilm: 0.2\ndull: -0.9\n0", "lines"),
        ("1. **This**: 0.0\n2. **film**: 0.2\n3. **dull**: -0.9\n\nClass: 0", "lines"),
        ("| This | 0.0\n| film | 0.2\n| dull | -0.9\n0", "lines"),
    ],
)
def test_a_bent_format_is_mended_and_said(reply, repair):
    parsed = parse_importances(reply)
    assert parsed.pairs == PAIRS
    assert parsed.label == 0
    assert repair in "; ".join(parsed.repairs)


def test_single_numbers_outside_the_range_are_cut():
    parsed = parse_importances('[("a", 0.1), ("b", 1.5), ("c", -0.3)] 1')
    assert parsed.pairs == [("a", 0.1), ("b", 1.0), ("c", -0.3)]
    assert parsed.repairs == ["cut 1 number(s) outside -1 to 1: b 1.5"]


@pytest.mark.parametrize(("top", "scale"), [(8, 10), (80, 100), (500, 500)])
def test_another_scale_is_divided_out_so_that_the_ranking_stays(top, scale):
    parsed = parse_importances(f'[("a", 2), ("b", {top}), ("c", -6)] 1')
    assert [number for _, number in parsed.pairs] == pytest.approx(
        [2 / scale, top / scale, -6 / scale]
    )
    assert f"divided all numbers by {scale}" in parsed.repairs[0]


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        (CLEAN + "\n", 0),
        ("1\n" + CLEAN[:-2], 1),
        (CLEAN[:-1] + "Class: 1", 1),
        (CLEAN[:-1] + "2", None),
        (CLEAN[:-1] + "I am 100% sure", None),
        ("The review is 1.", None),
        ("1", 1),
    ],
)
def test_the_class_is_the_lone_digit_beside_the_list(reply, label):
    assert parse_importances(reply).label == label


def test_a_reply_without_importances_says_so():
    parsed = parse_importances("The review is positive, because it praises the film.")
    assert parsed.pairs == []
    assert parsed.repairs == ["found no (word, importance) tuples", "found no class, 0 or 1"]


def test_a_tuple_of_two_words_is_no_importance():
    assert parse_importances('[("genre", "drama"), ("dull", -0.9)]').pairs == [("dull", -0.9)]


word = st.text("abcdefgXYZé机器'-", min_size=1, max_size=12).filter(lambda w: w.strip("'-") == w)
number = st.integers(-100, 100).map(lambda value: value / 100)


@given(st.lists(st.tuples(word, number), min_size=1, max_size=30), st.sampled_from([0, 1]))
def test_whatever_is_written_as_asked_is_read_back(pairs, label):
    reply = "[" + ", ".join(f'("{name}", {value})' for name, value in pairs) + f"]\n{label}"
    parsed = parse_importances(reply)
    assert parsed.pairs == pairs
    assert parsed.label == label


@settings(max_examples=40)
@given(st.text(max_size=300) | st.text('[("a",0.1)\n`%:-]（，１', max_size=300))
def test_any_text_is_read_without_an_error_and_within_the_range(reply):
    parsed = parse_importances(reply)
    assert all(name and -1 <= value <= 1 for name, value in parsed.pairs)
    assert parsed.label in {None, 0, 1}
    assert parsed.pairs or parsed.repairs


@pytest.mark.parametrize("unit", ["(", "(a", "a ", "-*", " ", "\n", "(\n", "1"])
def test_hostile_repetition_is_read_in_bounded_steps(unit):
    # Patterns that try every way to cut the repetition would not come back for hours.
    assert parse_importances(unit * 50_000).pairs == []
    assert parse_importances("(" + unit * 50_000).pairs == []


TEXT = "This film is a dull, dull film."


def scored(reply):
    return importances_of_words(parse_importances(reply), TEXT)


def test_words_are_found_without_punctuation():
    assert words_of("It's a well-made film!") == ["It's", "a", "well-made", "film"]


def test_words_get_their_numbers_in_order_of_the_text():
    values, _ = scored('[("film", 0.1), ("dull", -0.9), ("dull", -0.8), ("film", 0.2)]')
    assert values.dropna().tolist() == [0.1, -0.9, -0.8, 0.2]
    assert list(values.index) == words_of(TEXT)


def test_merged_words_share_the_number_and_it_is_said():
    values, notes = scored('[("This film", 0.3), ("a dull", -0.5)]')
    assert values.tolist()[:2] == [0.3, 0.3]
    assert "merged" in notes[0]


def test_dropped_and_strange_words_are_said():
    values, notes = scored('[("movie", 0.3), ("dull.", -0.5)]')
    assert values.notna().sum() == 1
    assert "'movie'" in notes[0]
    assert notes[1].startswith("6 of 7 words have no importance")


def test_no_pairs_give_no_importance():
    values, _ = scored("")
    assert values.isna().all()
