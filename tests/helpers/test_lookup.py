"""Looking scores up by what is read on screen, and the errors that help to do so."""

import pandas
import pytest

from helpers.errors import MethodError, TokenLookupError
from helpers.lookup import choose_method, position

NAN = float("nan")


@pytest.fixture
def scores():
    return pandas.DataFrame(
        [[0.5, 0.2], [0.3, 0.7], [NAN, 0.1]],
        index=pandas.Index(["the", "cat", "the"], name="source"),
        columns=pandas.Index(["sat", "down"], name="generated"),
    )


def test_unknown_token_lists_the_tokens_there_are(scores):
    with pytest.raises(TokenLookupError, match=r"'dog'.*the \| cat \| the"):
        position(scores.index, "dog", None)


def test_repeated_token_lists_where_it_occurs(scores):
    with pytest.raises(TokenLookupError, match=r"2 times.*occurrence=1: \(start\) \[the\] cat"):
        position(scores.index, "the", None)


def test_occurrence_chooses_among_equal_tokens(scores):
    assert position(scores.index, "the", 2) == 2


@pytest.mark.parametrize("occurrence", [0, 3, -1, "2", 1.5, [1]])
def test_occurrence_that_does_not_exist_is_refused(scores, occurrence):
    with pytest.raises(TokenLookupError, match="does not exist"):
        position(scores.index, "the", occurrence)


@pytest.mark.parametrize("token", [None, 3, 0.5])
def test_token_that_is_no_text_is_looked_up_as_it_reads(scores, token):
    with pytest.raises(TokenLookupError, match=f"no {token} among the source tokens"):
        position(scores.index, token, None)


def test_method_that_is_no_text_is_refused():
    with pytest.raises(MethodError, match="no scores of 3"):
        choose_method(["saliency"], 3)


def test_spaces_around_a_token_do_not_matter(scores):
    assert position(scores.columns, " down ", None) == 1


def test_case_matters_as_on_screen(scores):
    with pytest.raises(TokenLookupError):
        position(scores.columns, "Down", None)


def test_method_may_be_left_out_only_when_there_is_one():
    assert choose_method(["saliency"], None) == "saliency"
    with pytest.raises(MethodError, match="'saliency', 'attention'"):
        choose_method(["saliency", "attention"], None)


def test_method_without_scores_says_how_to_get_them():
    with pytest.raises(MethodError, match=r"explain\(\.\.\., methods=\['occlusion'\]\)"):
        choose_method(["saliency"], "occlusion")


@pytest.mark.parametrize(("typed", "row"), [("\n", 0), ("newline", 0), ("\u200d", 1), (" ", 2)])
def test_what_no_keyboard_has_can_be_typed_as_itself_or_by_name(typed, row):
    rows = pandas.Index(["↵", "[U+200D]", "␣"], name="source")
    assert position(rows, typed, None) == row


def test_name_of_a_sign_that_is_a_token_itself_is_that_token():
    assert position(pandas.Index(["␣", "space"], name="source"), "space", None) == 1


@pytest.mark.parametrize("typed", ["caf\u00e9", "cafe\u0301"])
@pytest.mark.parametrize("shown", ["caf\u00e9", "cafe\u0301"])
def test_accents_may_be_typed_composed_or_not(shown, typed):
    assert position(pandas.Index([shown], name="source"), typed, None) == 0


def test_a_misspelt_method_is_refused_with_the_nearest_there_is():
    with pytest.raises(MethodError, match="Did you mean 'saliency'"):
        choose_method(["saliency", "attention"], "salincy")
    with pytest.raises(MethodError, match="Run explain"):
        choose_method(["saliency"], "occlusion")
