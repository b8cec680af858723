"""Token cleanup: readable, and never a row lost or merged."""

import unicodedata
from typing import get_args

import pandas
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders
from uniseg.derived import default_ignorable_code_point as is_ignorable

from helpers.aggregation import readable_tokens
from helpers.lookup import position
from hw7.text.spelling import (
    INCOMPLETE,
    Spelling,
    byte_of_character,
    special_tokens_of,
    spelling_of,
    token_texts,
)
from hw7.views.labels import readable
from tests.support.random_models import random_tokenizer

SPECIAL = ["<pad>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"]
CHARACTER_OF = {byte: character for character, byte in byte_of_character().items()}


def byte_level(data: bytes) -> str:
    return "".join(CHARACTER_OF[byte] for byte in data)


def test_byte_table_covers_every_byte_once():
    assert sorted(byte_of_character().values()) == list(range(256))


def test_byte_table_is_the_one_of_transformers():
    gpt2 = pytest.importorskip("transformers.models.gpt2.tokenization_gpt2")
    upstream = getattr(gpt2, "bytes_to_unicode", None)
    if upstream is None:
        from transformers.convert_slow_tokenizer import bytes_to_unicode as upstream
    assert upstream() == CHARACTER_OF


def test_sentencepiece_word_mark_is_dropped():
    assert readable_tokens(["▁machine", "▁learn", "ing"], "sentencepiece") == [
        "machine",
        "learn",
        "ing",
    ]


def test_sentencepiece_bytes_show_the_character_where_it_completes():
    tokens = [f"<0x{byte:02X}>" for byte in "智".encode()]
    assert readable_tokens(tokens, "sentencepiece") == [INCOMPLETE, INCOMPLETE, "智"]


def test_chinese_character_split_over_byte_level_tokens_appears_where_it_completes():
    data = "工".encode()
    tokens = [byte_level(data[:2]), byte_level(data[2:])]
    assert readable_tokens(tokens, "byte-level") == [INCOMPLETE, "工"]


def test_character_that_never_completes_stays_a_neutral_mark():
    tokens = [byte_level("工".encode()[:2]), "Ġend"]
    assert readable_tokens(tokens, "byte-level") == [INCOMPLETE, INCOMPLETE + " end"]


def test_newline_and_lone_space_become_visible():
    assert readable_tokens(["Ċ", "Ġ", "ĉ", "ĊĊ"], "byte-level") == ["↵", "␣", "⇥", "↵↵"]


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("spelling", ["sentencepiece", "byte-level", "wordpiece", "plain"])
def test_special_tokens_stay_as_they_are(special, spelling):
    assert readable_tokens([special], spelling, SPECIAL) == [special]


def test_special_token_ends_an_unfinished_character():
    tokens = [byte_level("工".encode()[:1]), "<|im_end|>", byte_level("工".encode()[1:])]
    cleaned = readable_tokens(tokens, "byte-level", SPECIAL)
    assert cleaned[1] == "<|im_end|>"
    assert "工" not in cleaned[2]


WITHOUT_MARK = st.text(st.characters(exclude_characters=INCOMPLETE, codec="utf-8"), max_size=60)


@given(WITHOUT_MARK, st.lists(st.integers(1, 7), min_size=1, max_size=30))
def test_any_text_cut_at_any_bytes_keeps_its_tokens_and_its_text(text, lengths):
    data, tokens, at = text.encode(), [], 0
    while at < len(data):
        step = lengths[len(tokens) % len(lengths)]
        tokens.append(byte_level(data[at : at + step]))
        at += step
    texts = token_texts(tokens, "byte-level")
    assert len(texts) == len(readable_tokens(tokens, "byte-level")) == len(tokens)
    # A token that completes nothing shows the mark; every character appears exactly once.
    assert "".join(piece for piece in texts if piece != INCOMPLETE) == text


SPELLINGS = st.sampled_from(get_args(Spelling))
IGNORABLE = [
    chr(code) for code in (*range(0x20000), *range(0xE0000, 0xE1000)) if is_ignorable(chr(code))
]
# Every code point, lone surrogates too, and often those that are drawn as nothing.
CHARACTERS = st.one_of(
    st.characters(exclude_categories=()),
    st.characters(categories=("Cc", "Cf", "Mn", "Zs", "Zl", "Zp")),
    st.sampled_from(IGNORABLE),
    st.sampled_from("\u2800\u202e\xad❤👩۱م字a "),
)
# A list, since text() would draw from all of them as if they were one alphabet.
ANY_TEXT = st.lists(CHARACTERS, max_size=8).map("".join)
ANY_TOKENS = st.lists(st.one_of(ANY_TEXT, ANY_TEXT.map("▁".__add__)), min_size=1, max_size=12)


@given(ANY_TOKENS, SPELLINGS)
def test_no_list_of_tokens_loses_or_merges_an_entry(tokens, spelling):
    assert len(readable_tokens(tokens, spelling, SPECIAL)) == len(tokens)


def is_ink(character: str) -> bool:
    """Tell whether a character is drawn, by Unicode's own tables and not by the rule under test."""
    is_drawn = unicodedata.category(character)[0] in "LNPS"
    return is_drawn and not is_ignorable(character) and character != "\u2800"


@given(ANY_TOKENS, SPELLINGS)
def test_every_label_begins_with_something_seen_and_can_be_typed(tokens, spelling):
    for label in readable_tokens(tokens, spelling, SPECIAL):
        assert is_ink(label[0])
        assert label == label.strip()
        assert label.replace(" ", "").encode("utf-8")


@given(ANY_TOKENS, SPELLINGS)
def test_nothing_but_joiners_and_variants_stays_unseen_in_a_label(tokens, spelling):
    for label in readable_tokens(tokens, spelling, SPECIAL):
        unseen = [c for c in label if not is_ink(c) and unicodedata.category(c)[0] != "M"]
        unseen += [c for c in label if c in "\u034f\u17b4\u17b5"]
        assert set(unseen) <= {" ", "\u200c", "\u200d"}
        assert not regex.search(r"\p{DI}{2}", label)


@given(ANY_TEXT, SPELLINGS)
def test_a_label_stays_as_it_is_when_it_is_shown_again(text, spelling):
    label = readable_tokens([text], spelling)[0]
    assert readable(label) == label


@given(ANY_TOKENS, SPELLINGS)
def test_what_is_shown_can_be_looked_up(tokens, spelling):
    labels = readable_tokens(tokens, spelling, SPECIAL)
    index = pandas.Index(labels, name="source")
    for place, label in enumerate(labels):
        assert position(index, label, labels[: place + 1].count(label)) == place


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("\u200d", "[U+200D]"),
        ("a\u200bb", "a[U+200B]b"),
        ("\u0301", "◌\u0301"),
        ("\u3164", "[U+3164]"),
        ("\x00", "␀"),
        ("\ue000", "[U+E000]"),
        ("\ud800", "[U+D800]"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f[U+FE0F]"),
        ("\u180b\u180b", "[U+180B][U+180B]"),
        ("م\u200d\u3164", "م[U+200D][U+3164]"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("a\ufe0f", "a[U+FE0F]"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x\U000e0041", "x[U+E0041]"),
    ],
)
def test_signs_stand_for_what_has_no_effect_that_can_be_seen(text, label):
    assert readable(text) == label


@pytest.mark.parametrize("spelling", ["end-of-word", "continued", "wordpiece", "words"])
def test_marks_of_word_borders_are_dropped(spelling):
    tokens = {
        "end-of-word": ["play", "ing</w>", "now</w>"],
        "continued": ["play@@", "ing", "now"],
        "wordpiece": ["play", "##ing", "now"],
        "words": ["playing", "now"],
    }[spelling]
    assert "".join(token_texts(tokens, spelling)).strip() == "playing now"


def test_bytes_of_byt5_show_the_character_where_it_completes():
    from transformers import ByT5Tokenizer

    tokenizer = ByT5Tokenizer()
    assert spelling_of(tokenizer) == "bytes"
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("é工")["input_ids"])
    shown = readable_tokens(tokens, "bytes", special_tokens_of(tokenizer))
    assert shown == [INCOMPLETE, "é", INCOMPLETE, INCOMPLETE, "工", "</s>"]


@pytest.mark.parametrize(
    ("decoder", "spelling"),
    [
        (decoders.Metaspace(), "sentencepiece"),
        (decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()]), "sentencepiece"),
        (decoders.Sequence([decoders.ByteLevel(), decoders.Fuse()]), "byte-level"),
        (decoders.WordPiece(), "wordpiece"),
        (None, "words"),
    ],
)
def test_spelling_is_told_from_the_decoder(decoder, spelling):
    tokenizer = random_tokenizer(is_encoder_decoder=False)
    if decoder is not None:
        tokenizer.backend_tokenizer.decoder = decoder
    assert spelling_of(tokenizer) == spelling


@given(SPELLINGS)
def test_id_without_a_token_is_shown_as_nothing(spelling):
    assert readable_tokens(["a", None], spelling)[1] == "∅"


def test_special_tokens_are_all_that_were_added_as_such():
    tokenizer = random_tokenizer(is_encoder_decoder=True)
    tokenizer.add_special_tokens({"additional_special_tokens": ["zho_Hans", "[INST]"]})
    tokenizer.add_tokens(["人工"])
    assert special_tokens_of(tokenizer) == {
        *["<pad>", "<bos>", "</s>", "<unk>", "zho_Hans", "[INST]"]
    }


@pytest.mark.bundled
def test_spelling_of_the_bundled_models_is_recognised(translator, generator):
    assert spelling_of(translator.tokenizer) == "sentencepiece"
    assert spelling_of(generator.tokenizer) == "byte-level"


@pytest.mark.bundled
@pytest.mark.parametrize("text", ["人工智能，机器学习。", "naïve café 😀\n\nend", "  two  spaces "])
def test_texts_of_the_real_tokenizer_join_to_the_input(generator, text):
    tokenizer = generator.tokenizer
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
    texts = token_texts(tokens, "byte-level", tokenizer.all_special_tokens)
    assert "".join(piece for piece in texts if piece != INCOMPLETE) == text
