"""A prompt is continued after its words, and a target follows it as the tokenizer cuts it there."""

import pytest
from tokenizers import processors

from helpers import explain
from helpers.errors import say_once
from helpers.generation import generate
from hw7.text.encoding import token_ids
from tests.support.chat_models import chat_model
from tests.support.random_models import BOS, EOS, named, random_network, random_tokenizer

QUICK = {"methods": ["saliency", "attention"], "show_progress": False}


def ending_tokenizer(*, single):
    """Return a tokenizer that puts marks around every text, as BERT's does."""
    tokenizer = random_tokenizer(is_encoder_decoder=False)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[("<bos>", BOS), ("</s>", EOS)]
    )
    return tokenizer


@pytest.mark.parametrize(
    ("single", "start"), [("$A </s>", []), ("<bos> $A </s>", [BOS]), ("<bos> $A", [BOS])]
)
def test_prompt_is_continued_after_its_words_not_after_an_end_mark(single, start, capsys):
    say_once.cache_clear()
    model = named(random_network("gpt2"), ending_tokenizer(single=single), "with-marks")
    bare = token_ids(model, "w1 w2", has_special=False)
    written = generate(model, "w1 w2", max_new_tokens=2)
    assert written.sources.input_ids[0].tolist() == start + bare
    assert written.targets.input_ids[0, : len(start + bare)].tolist() == start + bare
    said = capsys.readouterr().out
    assert ("ends every text with </s>" in said) == ("</s>" in single)


def test_left_out_end_mark_is_said_once(capsys):
    say_once.cache_clear()
    model = named(random_network("gpt2"), ending_tokenizer(single="$A </s>"), "with-marks")
    for _ in range(2):
        generate(model, "w1 w2", max_new_tokens=2)
    assert capsys.readouterr().out.count("ends every text") == 1


def test_end_mark_that_was_typed_stays():
    model = named(random_network("gpt2"), ending_tokenizer(single="$A </s>"), "with-marks")
    ids = generate(model, "w1 </s>", max_new_tokens=2).sources.input_ids[0].tolist()
    assert ids == token_ids(model, "w1 </s>", has_special=False)


def test_target_after_an_end_mark_follows_the_words(capsys):
    model = named(random_network("gpt2"), ending_tokenizer(single="<bos> $A </s>"), "with-marks")
    ids = generate(model, "w1 w2", target=" w3").targets.input_ids[0].tolist()
    assert ids == [BOS, *token_ids(model, "w1 w2 w3", has_special=False)]


@pytest.mark.bundled
@pytest.mark.parametrize(
    ("text", "target", "is_said"),
    [
        ("The capital of France is", "Paris", True),
        ("The capital of France is", " Paris", False),
        ("The capital of France is ", "Paris", False),
        ("The capital of France is (", "Paris", False),
        ("The capital of France is", ", of course", False),
        ("人工智能", "很好", False),
        ("1 + 1 =", "2", True),
    ],
)
def test_target_without_its_space_is_another_token_and_says_so(
    generator, text, target, is_said, capsys
):
    say_once.cache_clear()
    for argument in ("target", "contrast"):
        given = {"target": " London", argument: target}
        if argument == "target" or is_said:
            explain(generator, text, methods=["saliency"], show_progress=False, **given)
            said = capsys.readouterr().out
            assert (f"The {argument} {target!r} follows the prompt without a space" in said) == (
                is_said
            )


def test_contrast_of_a_chat_follows_its_template_not_the_messages(capsys):
    say_once.cache_clear()
    chat = [{"role": "user", "content": "hi"}]
    explain(chat_model(), chat=chat, target="no", contrast="yes", **QUICK)
    assert "without a space" not in capsys.readouterr().out
