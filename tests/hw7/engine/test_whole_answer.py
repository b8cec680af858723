"""A whole answer or a span: one backward pass equals autograd over the plain model."""

import pytest
import torch

from hw7.engine.whole_answer import answer_scores
from tests.support.random_models import FAMILIES, encoded_texts, float64_throughout, random_model

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
