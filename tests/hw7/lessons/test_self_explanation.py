"""Asking a chat model, and attributing its answer to the words of the review it read."""

import math

import numpy
import pandas
import pytest
import torch

from helpers.attribution import attribute
from helpers.errors import HomeworkError, TextError
from hw7.lessons.self_explanation import (
    REVIEW,
    ask,
    chat_prompt,
    classify_prompt,
    tuple_prompt,
    tuple_question,
    words_of,
)
from hw7.lessons.self_explanation.review import review_spans, score_review
from tests.support.random_models import random_model, random_text

PROMPT, TEXT = f"{random_text(4)} w1 w2 w3 w4 {random_text(3, seed=2)}", "w1 w2 w3 w4"


@pytest.fixture(scope="module", params=["gpt2", "qwen3"])
def model(request):
    return random_model(request.param)


@pytest.fixture(scope="module")
def scored(model):
    return score_review(model, PROMPT, TEXT)


def test_a_model_without_chat_template_cannot_be_asked(model):
    with pytest.raises(HomeworkError, match="no chat template"):
        classify_prompt(model)


def test_turns_are_written_in_the_models_template_with_the_start_of_the_reply(model):
    model.tokenizer.chat_template = (
        "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}"
        "{% if add_generation_prompt %}<assistant> {% endif %}"
    )
    try:
        prompt = chat_prompt(model, [("user", "w1"), ("assistant", "w2"), ("user", "w3")])
        begun = chat_prompt(model, [("user", "w1")], reply_start="w9")
    finally:
        model.tokenizer.chat_template = None
    assert prompt.text == "<user> w1 <assistant> w2 <user> w3 <assistant> "
    assert begun.text.endswith("<assistant> w9")
    assert begun.reply_start == "w9"


def test_the_answer_is_the_models_own_next_token(model, scored):
    ids = torch.tensor([model.tokenizer(PROMPT)["input_ids"]])
    with torch.no_grad():
        probabilities = model.model(ids).logits[0, -1].softmax(-1)
    assert scored.answer == model.tokenizer.decode([int(probabilities.argmax())])
    # float32, once batched and once not.
    assert scored.probability == pytest.approx(float(probabilities.max()), abs=1e-6)


def test_words_of_one_token_have_inseqs_scores(model, scored):
    raw = attribute(model, scored.generation, ["saliency"])["saliency"].sequence_attributions[0]
    expected = raw.aggregate().target_attributions[4:8, 0].tolist()
    assert list(scored.table.index) == ["w1", "w2", "w3", "w4"]
    assert scored.table["saliency"].tolist() == pytest.approx(expected)
    assert scored.positions == [(4,), (5,), (6,), (7,)]


def test_the_last_occurrence_of_the_review_is_scored(model):
    scored = score_review(model, f"{TEXT} w9 {TEXT} w8", TEXT, methods=["saliency"])
    assert scored.positions[0] == (5,)


def test_a_prompt_without_the_review_is_refused(model):
    with pytest.raises(TextError, match="does not contain"):
        score_review(model, "w5 w6", TEXT)


def test_erasing_compares_each_way_with_random_orders(model, scored):
    ways = {name: scored.table[name] for name in scored.table}
    own = pandas.Series([0.5, math.nan, -0.9, 0.1], index=scored.table.index)
    table = scored.erase(model, ways | {"own": own})
    assert list(table.index) == ["saliency", "occlusion", "own", "random, mean", "random, std"]
    assert numpy.isfinite(table.to_numpy()).all()


def test_erasing_deletes_the_words_that_a_way_scores_highest(model, scored):
    own = pandas.Series([-2.0, 0.9, 0.1, math.nan], index=scored.table.index)
    table = scored.erase(model, {"own": own}, fractions=(0.5,))
    ids = model.tokenizer(PROMPT)["input_ids"]
    answer = int(scored.generation.targets.input_ids[0, -1])

    def probability(kept):
        with torch.no_grad():
            return float(model.model(torch.tensor([kept])).logits[0, -1].softmax(-1)[answer])

    without_strongest = [number for place, number in enumerate(ids) if place not in (5, 6)]
    only_strongest = [number for place, number in enumerate(ids) if place not in (4, 7)]
    full = probability(ids)
    # float32 sums in another order.
    assert table.at["own", "comprehensiveness"] == pytest.approx(
        full - probability(without_strongest), abs=2e-6
    )
    assert table.at["own", "sufficiency"] == pytest.approx(
        full - probability(only_strongest), abs=2e-6
    )


def test_leaving_a_word_out_is_deleting_its_tokens(model, scored):
    falls = scored.leave_one_out(model)
    ids = model.tokenizer(PROMPT)["input_ids"]
    answer = int(scored.generation.targets.input_ids[0, -1])
    for (place,), fall in zip(scored.positions, falls, strict=True):
        with torch.no_grad():
            left = torch.tensor([ids[:place] + ids[place + 1 :]])
            probability = float(model.model(left).logits[0, -1].softmax(-1)[answer])
        # float32 sums in another order.
        assert fall == pytest.approx(scored.probability - probability, abs=2e-6)


def test_the_question_can_be_pasted_into_any_chat():
    assert REVIEW in tuple_question(REVIEW)
    assert "tuples" in tuple_question(REVIEW)


@pytest.mark.bundled
def test_smollm2_reads_the_review_inside_its_chat_template(generator):
    prompt = tuple_prompt(generator)
    from helpers.generation import generate

    generation = generate(generator, prompt.text, max_new_tokens=1)
    words, spans = review_spans(generator, generation, REVIEW)
    assert words == words_of(REVIEW)
    ids = generation.sources.input_ids[0]
    for word, (start, end) in zip(words, spans, strict=True):
        assert generator.tokenizer.decode(ids[start:end]).strip() == word


@pytest.mark.bundled
def test_smollm2_goes_on_after_the_start_it_was_given(generator):
    prompt = classify_prompt(generator, "Dull.")
    assert prompt.text.endswith("The review is")
    assert ask(generator, prompt, max_new_tokens=2).startswith("The review is ")
