"""Embeddings and token ids must mean the same to a translator's decoder."""

import pytest
import torch

from helpers.attribution import attribute
from helpers.generation import generate
from hw7.engine.errors import NotExplainableError
from hw7.engine.repairs import scale_embeddings_once
from tests.support.attribution_checks import are_embeddings_scaled_once
from tests.support.random_models import random_model, random_text, wrapped
from tools.family_table import small_model


@pytest.fixture
def marian():
    return random_model("marian")


def true_probabilities(model, generation):
    """What a plain forward pass over token ids gives each generated token."""
    ids = generation.targets.input_ids
    with torch.no_grad():
        output = model.model(input_ids=generation.sources.input_ids, decoder_input_ids=ids[:, :-1])
    return output.logits[0].softmax(-1).gather(-1, ids[0, 1:, None])[:, 0]


def inseqs_probabilities(model, generation):
    """What Inseq's attribution sees."""
    with torch.no_grad():
        output = model.model(
            inputs_embeds=model.embed(generation.sources.input_ids),
            decoder_inputs_embeds=model.embed(generation.targets.input_ids[:, :-1]),
        )
    ids = generation.targets.input_ids
    return output.logits[0].softmax(-1).gather(-1, ids[0, 1:, None])[:, 0]


def test_after_the_repair_attribution_sees_the_models_own_probabilities(marian):
    generation = generate(marian, random_text(6), target=random_text(5, seed=1))
    scale_embeddings_once(marian)
    expected = true_probabilities(marian, generation)
    # float32 rounding of one division and one product.
    assert torch.allclose(inseqs_probabilities(marian, generation), expected, atol=1e-5)


def test_the_repair_is_needed_exactly_where_the_decoder_scales_twice(marian):
    generation = generate(marian, random_text(6), target=random_text(5, seed=1))
    expected = true_probabilities(marian, generation)
    ratio = inseqs_probabilities(marian, generation) / expected
    # Rounding moves a probability by a millionth of itself, a wrong scale by a part of it.
    was_wrong = bool((ratio - 1).abs().max() > 1e-3)
    assert scale_embeddings_once(marian) is was_wrong
    assert are_embeddings_scaled_once(marian)


def test_a_second_repair_changes_nothing(marian):
    scale_embeddings_once(marian)
    assert scale_embeddings_once(marian) is False


@pytest.mark.parametrize("family", ["t5", "gpt2", "qwen3"])
def test_other_families_are_left_alone(family):
    assert scale_embeddings_once(random_model(family)) is False


def test_generation_from_token_ids_stays_the_same(marian):
    before = generate(marian, random_text(6), max_new_tokens=8).targets.input_ids
    scale_embeddings_once(marian)
    assert torch.equal(generate(marian, random_text(6), max_new_tokens=8).targets.input_ids, before)


def test_saliency_is_the_gradient_of_the_models_own_probability(marian):
    """Against autograd over a forward pass that reads the target as token ids."""
    scale_embeddings_once(marian)
    generation = generate(marian, random_text(4), target=random_text(3, seed=1))
    raw = attribute(marian, generation, ["saliency"])["saliency"].sequence_attributions[0]
    ids = generation.targets.input_ids
    source = marian.embed(generation.sources.input_ids).detach().requires_grad_()
    logits = marian.model(inputs_embeds=source, decoder_input_ids=ids[:, :-1]).logits
    for step in range(ids.shape[1] - 1):
        probability = logits[0, step].softmax(-1)[ids[0, step + 1]]
        (gradient,) = torch.autograd.grad(probability, source, retain_graph=True)
        found = raw.source_attributions[:, step]
        assert torch.allclose(found, gradient[0].abs(), atol=1e-5, rtol=1e-3)


def test_a_model_that_changes_its_embeddings_in_place_is_given_copies():
    """Otherwise the second token's pass would read what the first one's has left."""
    model = wrapped(small_model("ctrl"))
    assert scale_embeddings_once(model) is True
    embeddings = model.embed(torch.tensor([[5, 6, 7]])).detach()
    before = embeddings.clone()
    with torch.no_grad():
        model.model(inputs_embeds=embeddings, use_cache=False)
    assert torch.equal(embeddings, before)
    assert scale_embeddings_once(model) is False


def test_a_model_that_cannot_be_run_on_embeddings_is_refused():
    model = wrapped(small_model("fsmt"))
    with pytest.raises(NotExplainableError, match="embeddings"):
        scale_embeddings_once(model)
