"""Tokens are shown with the characters that were typed; unknown words are named."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw7.text.typed import as_written, check_words


def test_tokens_keep_the_characters_that_were_typed():
    tokens = ["▁我", "喜欢", "机器", "。", "</s>"]
    assert as_written(tokens, " 我喜歡 機器.", ["</s>"]) == ["▁我", "喜歡", "機器", "。", "</s>"]


def test_tokens_that_do_not_spell_the_text_stay_as_they_are():
    tokens = ["我", "<unk>", "。"]
    assert as_written(tokens, "我喜歡貓。") == tokens


@given(st.lists(st.text("我喜欢机器学习和人工智能。，ab▁", min_size=1, max_size=4), max_size=8))
def test_a_text_written_as_the_model_reads_it_changes_no_token(tokens):
    assert as_written(tokens, "".join(tokens).replace("▁", "")) == tokens


VOCABULARY = {"<unk>": 0, "▁我": 1, "喜欢": 2, "机器": 3}


def reader(unknown):
    """Return a tokenizer that cuts a text at its spaces."""
    return SimpleNamespace(
        tokenize=str.split,
        convert_tokens_to_ids=lambda tokens: [VOCABULARY.get(token, unknown) for token in tokens],
        get_vocab=lambda: VOCABULARY,
        unk_token_id=unknown,
    )


def test_unknown_words_are_named_once_with_the_nearest_known_ones():
    with pytest.raises(ValueError, match=r"^made does not know 机会 \(.*机器\), 猫; "):
        check_words(reader(0), "made", "▁我 机会 猫 猫 喜欢")


def test_known_words_pass_and_a_tokenizer_without_unknown_words_takes_all():
    check_words(reader(0), "made", "▁我 喜欢")
    check_words(reader(None), "made", "▁我 猫")
