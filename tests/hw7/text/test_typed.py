"""Tokens are shown with the characters that were typed."""

from hypothesis import given
from hypothesis import strategies as st

from hw7.text.typed import as_written


def test_tokens_keep_the_characters_that_were_typed():
    tokens = ["▁我", "喜欢", "机器", "。", "</s>"]
    assert as_written(tokens, " 我喜歡 機器.", ["</s>"]) == ["▁我", "喜歡", "機器", "。", "</s>"]


def test_tokens_that_do_not_spell_the_text_stay_as_they_are():
    tokens = ["我", "<unk>", "。"]
    assert as_written(tokens, "我喜歡貓。") == tokens


@given(st.lists(st.text("我喜欢机器学习和人工智能。，ab▁", min_size=1, max_size=4), max_size=8))
def test_a_text_written_as_the_model_reads_it_changes_no_token(tokens):
    assert as_written(tokens, "".join(tokens).replace("▁", "")) == tokens
