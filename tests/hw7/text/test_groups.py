"""Words are Unicode's, whatever pieces a tokenizer cuts them into."""

from itertools import accumulate
from typing import get_args

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st
from uniseg.linebreak import line_break
from uniseg.wordbreak import word_boundaries, word_break

from hw7.text.groups import sentence_ends, word_spans
from hw7.text.spelling import INCOMPLETE, Spelling, byte_of_character, pieces_of, token_texts

CHARACTER_OF = {byte: character for character, byte in byte_of_character().items()}
SPELLINGS = st.sampled_from(get_args(Spelling))
PIECES = st.one_of(st.text(max_size=8), st.text(max_size=8).map("▁".__add__), st.just("</s>"))
ANY_TOKENS = st.lists(PIECES, min_size=1, max_size=12)


def byte_level(data: bytes) -> str:
    return "".join(CHARACTER_OF[byte] for byte in data)


def grouped(tokens, spelling, special=()):
    return [tokens[start:end] for start, end in word_spans(pieces_of(tokens, spelling, special))]


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


def test_words_of_a_word_level_tokenizer_stay_apart():
    assert grouped(["w1", "w2"], "words") == [["w1"], ["w2"]]


def cut_at(text: str, lengths: list[int]) -> list[str]:
    """Return byte-level tokens of a text, cut after so many bytes each."""
    data, tokens = text.encode(), []
    while data:
        step = lengths[len(tokens) % len(lengths)]
        tokens.append(byte_level(data[:step]))
        data = data[step:]
    return tokens


@pytest.mark.parametrize(
    "words",
    [
        ["שלום", "עולם"],
        ["２０２４", "年", "人", "工", "。"],
        ["ภาษา", "ไทย"],
        ["cafe\u0301", "naïve"],
        ["don’t", "l'été"],
        ["3.14", "١٢٣"],
        ["हिन्दी", "भाषा"],
        ["한국어", "한글"],
        ["👨‍👩‍👧", "❤️", "🇫🇷"],
    ],
)
def test_single_bytes_are_put_together_to_whole_words(words):
    separator = "" if "年" in words else " "
    tokens = cut_at(separator.join(words), [1])
    texts = token_texts(tokens, "byte-level")
    spans = word_spans(pieces_of(tokens, "byte-level"))
    found = ["".join(texts[start:end]).replace(INCOMPLETE, "") for start, end in spans]
    assert [word for word in found if word != " "] == words


def is_alike_to_both(character: str) -> bool:
    """Tell whether both libraries give a character one property: their Unicodes differ in age.

    They also differ in a mark at the start of a line, which has no letter to stand on.
    """
    value = word_break(character).value
    is_line = value in ("CR", "LF", "Newline")
    return not is_line and bool(regex.fullmatch(rf"\p{{Word_Break={value}}}", character))


LIKE_CHARACTERS = st.characters(codec="utf-8").filter(is_alike_to_both)


@example("a'new 'old ’old l'old 0'old", [1])  # the other library knows no vowels
@given(
    st.text(LIKE_CHARACTERS, max_size=30).map("a".__add__), st.lists(st.integers(1, 5), min_size=1)
)
def test_words_end_where_another_library_puts_a_boundary_between_tokens(text, lengths):
    tokens = cut_at(text, lengths)
    at = list(accumulate(len(token) for token in tokens))
    to_bytes = [0, *accumulate(len(character.encode()) for character in text)]
    expected = {to_bytes[place] for place in word_boundaries(text)}
    for place in list(expected):  # letters of Thai and its like stay together
        before, after = text.encode()[:place].decode()[-1:], text.encode()[place:].decode()[:1]
        if before and after and {line_break(before).value, line_break(after).value} == {"SA"}:
            expected.remove(place)
    ends = [at[end - 1] for _, end in word_spans(pieces_of(tokens, "byte-level"))]
    assert ends == [end for end in at if end in expected]


@given(ANY_TOKENS, SPELLINGS)
def test_spans_cover_every_token_once_in_order(tokens, spelling):
    spans = word_spans(pieces_of(tokens, spelling, ["</s>"]))
    assert [place for start, end in spans for place in range(start, end)] == list(
        range(len(tokens))
    )


@pytest.mark.parametrize(
    "sentences",
    [
        ["他说：“你好。”", "然后走了。"],
        ["他说。", "“再见！”", "（真的！）", "「是吗？」", "好"],
        ["我不知道……", "他走了。"],
        ["Wait… what? ", "He left… ", "Then he slept."],
        ["Dr. Smith met Mr. Lee. ", "They ate rice, i.e. Basmati. ", "See Fig. 2. ", "Yes."],
        ["Pi is 3.14. ", "It is 4. ", "No."],
        ["1. First\n", "2. Second\n", "A. Paris.\n", "B. London"],
        ["你好。 \n", "Hi! ", "再见"],
    ],
)
def test_sentences_end_where_a_reader_ends_them(sentences):
    assert sentence_ends("".join(sentences)) == list(accumulate(map(len, sentences)))


@given(st.text("ab.。…“”（） \nA1Dr", max_size=20))
def test_sentences_end_in_order_and_cover_the_text(text):
    ends = sentence_ends(text)
    assert ends == sorted(ends)
    assert ends[-1:] == [len(text)][: len(text)]
