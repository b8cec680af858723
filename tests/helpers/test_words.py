"""Word grouping covers every token once and puts together what belongs together."""

from hypothesis import given
from hypothesis import strategies as st

from helpers.words import is_chinese, word_spans


def grouped(tokens, spelling, special=()):
    return [tokens[start:end] for start, end in word_spans(tokens, spelling, special)]


def test_continuation_pieces_join_the_word_before_them():
    tokens = ["▁learn", "ing", "▁is", "▁fun", "."]
    assert grouped(tokens, "sentencepiece") == [["▁learn", "ing"], ["▁is"], ["▁fun"], ["."]]


def test_apostrophe_joins_its_word():
    assert grouped(["Ġdon", "'t", "Ġstop"], "byte-level") == [["Ġdon", "'t"], ["Ġstop"]]


def test_chinese_pieces_stay_words_of_their_own():
    assert grouped(["▁机器", "学习", "。"], "sentencepiece") == [["▁机器"], ["学习"], ["。"]]


def test_pieces_of_one_split_character_are_put_together():
    assert grouped(["å·", "¥", "èĥ½"], "byte-level") == [["å·", "¥"], ["èĥ½"]]


def test_special_tokens_stand_alone():
    tokens = ["<|im_start|>", "user", "<|im_end|>", "x"]
    specials = ["<|im_start|>", "<|im_end|>"]
    assert len(grouped(tokens, "byte-level", specials)) == 4


def test_wordpiece_marks_join():
    assert grouped(["play", "##ing", "now"], "wordpiece") == [["play", "##ing"], ["now"]]


@given(
    st.lists(st.text(max_size=6), max_size=20),
    st.sampled_from(["byte-level", "sentencepiece", "wordpiece", "plain"]),
)
def test_spans_cover_every_token_once_in_order(tokens, spelling):
    spans = word_spans(tokens, spelling, ["</s>"])
    assert [position for start, end in spans for position in range(start, end)] == list(
        range(len(tokens))
    )


def test_han_characters_are_chinese_and_latin_letters_are_not():
    assert is_chinese("智")
    assert not is_chinese("a")
    assert not is_chinese("。")
