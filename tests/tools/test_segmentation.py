"""How the tokenizer that the trainer writes cuts Chinese text."""

import pytest
from transformers import MarianTokenizer

from tools.train_tiny_translator.frequencies import blocked_words
from tools.train_tiny_translator.lexicon import all_words
from tools.train_tiny_translator.numbers_and_names import characters
from tools.train_tiny_translator.segmentation import (
    name_characters,
    plain_phrases,
    verbs_with_nouns,
    write_fitting_tokenizer,
)
from tools.train_tiny_translator.tokenizer import write_tokenizer

NAMES = ("surname", "given")
SMALL_WORDS = {"昨天", "去", "了", "的", "。", "得", "着", "做", "很", "我", "他", "她", "这"}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """A tokenizer of all listed words and of the characters of names."""
    words = {word.chinese for word in all_words() if word.kind not in NAMES} | SMALL_WORDS
    words |= {character for kind in NAMES for character, _ in characters(kind)}
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder, words, ["tea"], blocked_words(words), name_characters(words))
    return MarianTokenizer.from_pretrained(folder)


def test_ambiguous_string_is_cut_by_frequency(tmp_path):
    words = ["研究", "研究生", "生命", "命", "北京", "都", "北", "京都", "起源"]
    write_tokenizer(tmp_path, words, ["tea"])
    cut = MarianTokenizer.from_pretrained(tmp_path).tokenize
    assert cut("研究生命起源") == ["研究", "生命", "起源"]
    assert cut("北京都") == ["北京", "都"]


def test_characters_of_names_that_are_words_too_keep_their_frequency():
    assert name_characters({"赵", "志", "茶"}) == {"赵", "志"}


def test_frequent_unknown_words_are_not_spelled_by_known_ones(tmp_path):
    write_tokenizer(tmp_path, ["大", "家", "。"], ["tea"], blocked_words({"大", "家", "。"}))
    cut = MarianTokenizer.from_pretrained(tmp_path)
    assert cut.tokenize("大家。") == ["大家", "。"]
    assert cut("大家。").input_ids[0] == cut.unk_token_id


def test_what_only_adds_up_to_known_words_is_cut():
    plain = plain_phrases() | verbs_with_nouns()
    assert {"太小", "老朋友", "热茶", "新书", "不吃", "看过", "把门", "保护环境"} <= plain
    assert not {"大家", "太空", "新人", "看着", "环境污染", "马上"} & plain


def test_the_fitting_tokenizer_cuts_what_only_adds_up(tmp_path):
    words = {"保护", "环境", "太", "小", "大", "家", "。"}
    write_fitting_tokenizer(tmp_path, [], words, {"tea"})
    cut = MarianTokenizer.from_pretrained(tmp_path)
    unknown = cut.unk_token_id
    for text in ("保护环境。", "太小。"):
        assert unknown not in cut(text).input_ids, text
    assert cut("大家。").input_ids[0] == unknown


def test_names_of_known_characters_are_cut_into_characters(tokenizer):
    words = tokenizer.tokenize("赵志强昨天去了图书馆。")
    assert words == ["赵", "志", "强", "昨天", "去", "了", "图书馆", "。"]
    assert tokenizer.unk_token_id not in tokenizer.convert_tokens_to_ids(words)


@pytest.mark.parametrize(
    ("typed", "simplified"),
    [
        ("他穿著紅色的裙子。", "他穿着红色的裙子。"),
        ("顯著性圖顯示哪些詞重要。", "显著性图显示哪些词重要。"),
        ("媽媽做的飯很好吃。", "妈妈做的饭很好吃。"),
    ],
)
def test_traditional_characters_as_taiwan_writes_them(tokenizer, typed, simplified):
    assert tokenizer.tokenize(typed) == tokenizer.tokenize(simplified)
