"""Sums of tokens, words and sentences, against sums done by hand."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw7.views.levels import LEVELS, OWN_PART, Axis, Outline, merged, numbered

NAN = numpy.nan


def axis(words, sentences, turns, special=None):
    count = len(words)
    numbers = {"token": list(range(count)), "word": words, "sentence": sentences}
    numbers["turn"] = numbered(turns)
    labels = {level: [f"{level[0]}{n}" for n in dict.fromkeys(numbers[level])] for level in LEVELS}
    labels["turn"] = list(dict.fromkeys(turns))
    return Axis(labels, numbers, turns, special or [False] * count)


@pytest.fixture
def story():
    """A prompt of three tokens in two words, and an answer of one word in two tokens."""
    turns = ["prompt"] * 3 + ["answer"] * 2
    rows = axis([0, 0, 1, 2, 2], [0, 0, 0, 1, 1], turns)
    return Outline(rows, rows.kept([3, 4]), [0, 1], start=3)


SCORES = numpy.array([[0.1, 0.2], [0.3, 0.1], [0.6, 0.3], [NAN, 0.4], [NAN, NAN]])


def test_words_are_sums_over_source_and_means_over_generated_tokens(story):
    scores, labels = merged(SCORES, story, "word", "sum")
    assert labels == ["w0", "w1", "w2", OWN_PART]
    # (0.1 + 0.3 + 0.2 + 0.1) / 2, (0.6 + 0.3) / 2, nothing of itself, 0.4 / 2
    numpy.testing.assert_allclose(scores[:, 0], [0.35, 0.45, NAN, 0.2])


def test_mean_and_largest_are_those_of_the_pieces(story):
    mean, _ = merged(SCORES, story, "word", "mean")
    largest, _ = merged(SCORES, story, "word", "largest")
    numpy.testing.assert_allclose(mean[:, 0], [(0.2 + 0.15) / 2, 0.45, NAN, 0.2])
    numpy.testing.assert_allclose(largest[:, 0], [0.3, 0.6, NAN, 0.4])


def test_largest_keeps_the_sign(story):
    scores, _ = merged(numpy.where(SCORES == 0.6, -0.6, SCORES), story, "word", "largest")
    assert scores[1, 0] == -0.6


def test_signed_scores_are_summed_with_their_signs(story):
    signed = numpy.where(SCORES == 0.3, -0.3, SCORES)
    scores, _ = merged(signed, story, "word", "sum")
    numpy.testing.assert_allclose(scores[:2, 0], [(0.1 - 0.3 + 0.2 + 0.1) / 2, (0.6 - 0.3) / 2])


def test_token_level_is_the_scores_themselves(story):
    scores, labels = merged(SCORES, story, "token", "sum")
    numpy.testing.assert_array_equal(scores, SCORES)
    assert OWN_PART not in labels


def test_column_without_a_contrast_does_not_thin_the_mean(story):
    scores = SCORES.copy()
    scores[:, 1] = NAN
    words, _ = merged(scores, story, "word", "sum")
    numpy.testing.assert_allclose(words[:2, 0], [0.4, 0.6])


def test_columns_without_any_score_stay_empty(story):
    words, _ = merged(numpy.full((5, 2), NAN), story, "word", "sum")
    assert numpy.isnan(words).all()


def test_row_of_earlier_parts_is_there_for_scores_of_the_input_alone(story):
    scores = numpy.where(numpy.arange(5)[:, None] < 3, SCORES, NAN)
    table, labels = merged(scores, story, "turn", "sum")
    assert labels == merged(SCORES, story, "turn", "sum")[1]
    assert numpy.isnan(table[labels.index(OWN_PART)]).all()


@st.composite
def stories(draw):
    """Nested groups at random, and columns that sum to one."""
    prompt, answer = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    turns = ["prompt"] * prompt + ["answer"] * answer
    sentence = word = 0
    words, sentences = [], []
    for place in range(prompt + answer):
        if place == prompt or draw(st.booleans()):
            word += 1
            sentence += place == prompt or draw(st.booleans())
        words.append(word)
        sentences.append(sentence)
    rows = axis(numbered(words), numbered(sentences), turns)
    columns = rows.kept(range(prompt, prompt + answer))
    weights = numpy.array(
        draw(
            st.lists(
                st.lists(st.floats(0.01, 1), min_size=answer, max_size=answer),
                min_size=prompt + answer,
                max_size=prompt + answer,
            )
        )
    )
    for column in range(answer):
        weights[prompt + column :, column] = NAN
    weights /= numpy.nansum(weights, axis=0)
    return weights, Outline(rows, columns, list(range(answer)), prompt)


@given(stories())
def test_columns_of_every_level_sum_to_one(story):
    scores, outline = story
    for level in LEVELS:
        table, _ = merged(scores, outline, level, "sum")
        numpy.testing.assert_allclose(numpy.nansum(table, axis=0), 1)


@given(stories(), st.sampled_from([("token", "word"), ("word", "sentence"), ("sentence", "turn")]))
def test_a_level_sums_to_the_level_below(story, levels):
    scores, outline = story
    below, above = (merged(scores, outline, level, "sum")[0] for level in levels)
    # What is seen of a source group by one column is the sum over its parts, whose columns are
    # weighed by their tokens. Rows of the group itself go to its own earlier part.
    prompt = [n for n, turn in zip(range(99), outline.rows.turns, strict=False) if turn == "prompt"]
    numbers = {level: outline.rows.numbers[level] for level in levels}
    columns = {level: outline.columns.numbers[level] for level in levels}
    for group in {numbers[levels[1]][place] for place in prompt}:
        parts = {numbers[levels[0]][p] for p in prompt if numbers[levels[1]][p] == group}
        for column in set(columns[levels[1]]):
            tokens = [p for p, n in enumerate(columns[levels[1]]) if n == column]
            seen = [below[part, columns[levels[0]][p]] for part in parts for p in tokens]
            assert above[group, column] == pytest.approx(sum(seen) / len(tokens))


def test_rows_of_a_turn_leave_its_template_out():
    rows = axis([0, 1, 2, 3], [0, 1, 2, 3], ["user 1", "user 1", "user 2", "user 2"])
    rows = Axis(rows.labels, rows.numbers, rows.turns, [True, False, True, False])
    assert rows.groups_of("user", "word") == [1, 3]
    assert rows.groups_of("user 2", "word") == [3]
    with pytest.raises(ValueError, match=r"no turn 'system'.*user 1, user 2"):
        rows.groups_of("system", "word")
