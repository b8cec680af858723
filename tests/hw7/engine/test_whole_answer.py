"""A whole answer or a span: one backward pass equals autograd over the plain model."""

import pytest
import torch

from hw7.engine.repairs import scale_embeddings_once
from hw7.engine.whole_answer import answer_scores
from tests.support.random_models import (
    FAMILIES,
    encoded_texts,
    float64_throughout,
    random_model,
    wrapped,
)
from tools.family_table import read_embeddings, small_model

# Sums of some thousand products in float64.
TOLERANCE = 1e-9


def reference(model, sources, targets, start, end):
    """The sum of log-probabilities and its gradient, from one plain pass with a graph."""
    ids = targets.input_ids
    if model.is_encoder_decoder:
        read, first = model.embed(sources.input_ids).detach().requires_grad_(), 1
        written = model.embed(ids[:, :-1], as_targets=True)
        logits = model.model(inputs_embeds=read, decoder_inputs_embeds=written).logits[0]
    else:
        read, first = model.embed(ids).detach().requires_grad_(), sources.input_ids.shape[1]
        logits = model.model(inputs_embeds=read).logits[0]
    likelihoods = logits.log_softmax(-1)
    places = range(first + start, first + end)
    total = sum(likelihoods[place - 1, ids[0, place]] for place in places)
    (gradient,) = torch.autograd.grad(total, read)
    rows = slice(0, None if model.is_encoder_decoder else first + start)
    return total.item(), gradient[0, rows]


@pytest.mark.parametrize("span", [None, (0, 1), (2, 5), (5, 6)])
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_the_gradient_of_the_sum_of_log_probabilities(family, span):
    with float64_throughout():
        model = random_model(family, dtype=torch.float64)
        sources, targets = encoded_texts(model, 5, 6)
        steps = targets.input_ids.shape[1] - (1 if model.is_encoder_decoder else 5)
        start, end = span or (0, steps)
        likelihood, gradient = reference(model, sources, targets, start, end)
        found = answer_scores(model, sources, targets, span)
    assert found.log_likelihood == pytest.approx(likelihood, abs=TOLERANCE)
    assert torch.allclose(found.lengths, gradient.norm(dim=-1), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("family", ["gemma2", "bloom", "opt", "cohere", "mamba", "bart", "mbart"])
def test_scores_of_families_that_inseq_was_not_compared_with_are_those_from_ids(family):
    model = wrapped(small_model(family))
    scale_embeddings_once(model)
    sources, targets = encoded_texts(model, 5, 6)
    ids, source = targets.input_ids, sources.input_ids
    first = 1 if model.is_encoder_decoder else source.shape[1]
    given = {"input_ids": ids[:, :-1]}
    if model.is_encoder_decoder:
        given = {"input_ids": source, "decoder_input_ids": ids[:, :-1]}
    with read_embeddings(model.model) as read:
        logits = model.model(**given, use_cache=False).logits[0, first - 1 :]
        total = logits.log_softmax(-1).gather(-1, ids[0, first:, None]).sum()
        (gradient,) = torch.autograd.grad(total, read[0])
        found = answer_scores(model, sources, targets)
    expected = gradient[0, : None if model.is_encoder_decoder else first].norm(dim=-1)
    # Shares: some families scale what they look up. All is float32.
    torch.testing.assert_close(
        found.lengths / found.lengths.sum(), expected / expected.sum(), rtol=0, atol=1e-5
    )
    assert found.log_likelihood == pytest.approx(total.item(), abs=1e-4)


def test_it_takes_one_backward_pass(monkeypatch):
    model = random_model("llama")
    sources, targets = encoded_texts(model, 5, 6)
    calls = []
    original = torch.autograd.grad
    monkeypatch.setattr(
        torch.autograd, "grad", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    answer_scores(model, sources, targets)
    # One through the head, whose graph is apart, and one through the layers.
    assert len(calls) == 2
