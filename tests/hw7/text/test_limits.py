"""Every text that becomes tokens is checked against every limit before work begins."""

import re

import pytest
import torch
from hypothesis import given, strategies
from transformers import GPT2LMHeadModel, MarianMTModel

from helpers import explain
from helpers.errors import TextError
from helpers.generation import generate
from hw7.text.encoding import source_ids, token_ids
from hw7.text.limits import check_text, longest_source, longest_target
from tests.support.random_models import named, random_network, random_text, random_tokenizer

LIMIT = 12
LENGTHS = range(1, LIMIT + 6)
QUICK = {"methods": ["saliency", "attention"], "show_progress": False}


@pytest.fixture(scope="module")
def short_translator():
    """A translator with 12 positions on either side; `</s>` ends every text."""
    config = random_network("marian").config
    config.max_position_embeddings = LIMIT
    torch.manual_seed(0)
    return named(MarianMTModel(config), random_tokenizer(is_encoder_decoder=True), "short")


@pytest.fixture(scope="module")
def short_generator():
    """A decoder-only model with 12 positions."""
    config = random_network("gpt2").config
    config.n_positions = LIMIT
    torch.manual_seed(0)
    return named(GPT2LMHeadModel(config), random_tokenizer(is_encoder_decoder=False), "short")


def outcome(model, text, **settings):
    """Return the shape of the table, or the numbers in the sentence that refuses the text."""
    try:
        return explain(model, text, **QUICK, **settings).table("saliency").shape
    except TextError as error:
        return str(error)


@pytest.mark.parametrize("stated", [-1, 0])
def test_model_that_states_no_limit_takes_what_its_tokenizer_takes(stated):
    model = named(random_network("gpt2"), random_tokenizer(is_encoder_decoder=False), "endless")
    model.tokenizer.model_max_length = 1000
    model.model.config.n_positions = stated  # -1 is what XLNet says: its positions are relative
    assert longest_source(model) == 1000


@pytest.mark.parametrize("length", LENGTHS)
def test_source_is_explained_whole_or_refused_with_the_numbers(short_translator, length):
    found = outcome(short_translator, random_text(length), target="w1")
    if length + 1 <= LIMIT:
        assert found == (length + 1, 2)
    else:
        assert f"has {length + 1} tokens, but short takes {LIMIT}" in found


@pytest.mark.parametrize("use_fast_engine", [True, False])
@pytest.mark.parametrize("length", LENGTHS)
def test_target_is_explained_whole_or_refused_with_the_numbers(
    short_translator, length, use_fast_engine
):
    settings = {"target": random_text(length), "use_fast_engine": use_fast_engine}
    found = outcome(short_translator, "w1 w2", **settings)
    if length + 1 <= LIMIT:
        assert found == (3, length + 1)
    else:
        assert f"target has {length + 1} tokens, but short writes at most {LIMIT}" in found


@pytest.mark.parametrize("length", LENGTHS)
def test_contrast_beyond_the_limit_is_refused_with_the_numbers(short_translator, length):
    found = outcome(short_translator, "w1 w2", target="w3 w4", contrast=random_text(length))
    if length + 1 <= LIMIT:
        assert found == (3, 3)
    else:
        assert f"contrast has {length + 1} tokens, but short writes at most {LIMIT}" in found


@pytest.mark.parametrize("length", LENGTHS)
def test_new_tokens_beyond_the_limit_are_refused_before_writing(short_translator, length):
    found = outcome(short_translator, "w1 w2", max_new_tokens=length)
    if length <= LIMIT:
        assert found[0] == 3
        assert found[1] <= length
    else:
        assert f"max_new_tokens is {length}, but short writes at most {LIMIT}" in found


@pytest.mark.parametrize("prompt", [1, 5, LIMIT - 1, LIMIT, LIMIT + 3])
@pytest.mark.parametrize("length", [1, 2, 6, 7, 8, LIMIT, LIMIT + 5])
@pytest.mark.parametrize("setting", ["target", "max_new_tokens"])
def test_prompt_and_continuation_share_the_limit(short_generator, prompt, length, setting):
    value = random_text(length) if setting == "target" else length
    if setting == "target":
        value = f" {value}"
    found = outcome(short_generator, random_text(prompt), **{setting: value})
    if prompt + length <= LIMIT:
        assert found[0] == prompt + found[1]
        assert found[1] <= length if setting == "max_new_tokens" else found[1] == length
    else:
        assert re.search(rf"has {prompt} tokens?\b", found)
        assert f"{length} " in found
        assert f"{LIMIT} together" in found


@pytest.mark.parametrize("family", ["marian", "gpt2"])
def test_tokenizers_own_limit_counts_too(short_translator, short_generator, family, monkeypatch):
    model = short_translator if family == "marian" else short_generator
    monkeypatch.setattr(model.tokenizer, "model_max_length", 5)
    assert longest_source(model) == longest_target(model) == 5
    with pytest.raises(TextError, match=r"takes \d"):
        explain(model, random_text(6), max_new_tokens=1, **QUICK)


@pytest.mark.bundled
@pytest.mark.parametrize("tokens", [127, 128, 129, 361])
def test_long_target_of_the_bundled_translator_is_never_cut(translator, tokens):
    words = " ".join(["I"] * (tokens - 1))
    assert len(token_ids(translator, words, is_target=True)) == tokens
    if tokens > 128:
        with pytest.raises(TextError, match=rf"{tokens} tokens, but tiny-zh-en writes at most 128"):
            generate(translator, "我喜欢机器学习。", target=words)
    else:
        written = generate(translator, "我喜欢机器学习。", target=words)
        assert written.targets.input_ids.shape[1] == tokens + 1


@pytest.mark.parametrize("argument", ["text", "target", "contrast"])
@pytest.mark.parametrize("value", [5, b"w1", 1.5, {"w1"}, "", "  ", "\n\t", "w1 \ud83d", "\udc00"])
def test_what_is_no_text_is_refused_in_a_sentence_that_names_the_argument(
    short_generator, argument, value
):
    given = {"text": "w1 w2", "target": " w3", argument: value}
    with pytest.raises(TextError, match=rf"{argument} (is|must)|of the {argument} is half"):
        explain(short_generator, given.pop("text"), **given, **QUICK)


def test_none_is_no_text(short_generator):
    with pytest.raises(TextError, match="The text is None, but must be a string"):
        explain(short_generator, None, **QUICK)


@given(strategies.text(alphabet=strategies.characters(codec=None), min_size=1, max_size=8))
def test_any_string_is_encoded_or_refused(text):
    model = ANY_TEXT
    try:
        ids = source_ids(model, check_text(text), print)
    except ValueError:
        has_surrogate = any("\ud800" <= character <= "\udfff" for character in text)
        assert has_surrogate or not text.strip()
    else:
        assert all(isinstance(number, int) for number in ids)


ANY_TEXT = named(random_network("gpt2"), random_tokenizer(is_encoder_decoder=False), "any")
