"""Token cleanup: readable, and never a row lost or merged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.tokens import INCOMPLETE, byte_of_character, readable_tokens, spelling_of, token_texts

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


@given(st.lists(st.text(max_size=8), max_size=20), st.sampled_from(["byte-level", "sentencepiece"]))
def test_no_list_of_tokens_loses_or_merges_an_entry(tokens, spelling):
    assert len(readable_tokens(tokens, spelling, SPECIAL)) == len(tokens)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=20))
def test_no_token_is_shown_as_nothing(tokens):
    for spelling in ("byte-level", "sentencepiece", "wordpiece", "plain"):
        assert all(readable_tokens(tokens, spelling, SPECIAL))


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
