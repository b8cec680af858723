"""Probabilities of written tokens, against plain forward passes over each prefix."""

import pytest
import torch

from helpers.generation import generate
from hw7.engine.token_probabilities import token_probabilities
from tests.support.random_models import random_model, random_text


@pytest.mark.parametrize("family", ["gpt2", "marian", "t5"])
def test_probabilities_are_those_of_plain_forward_passes(family):
    model = random_model(family)
    generation = generate(model, random_text(4), target=" " + random_text(3, seed=2))
    ids, prompt = generation.targets.input_ids, generation.sources.input_ids
    start = generation.first
    found = token_probabilities(model, generation.sources, generation.targets, start)
    assert len(found) == ids.shape[1] - start
    for step, token in enumerate(found):
        prefix = ids[:, : start + step]
        with torch.no_grad():
            if model.is_encoder_decoder:
                logits = model.model(input_ids=prompt, decoder_input_ids=prefix).logits[0, -1]
            else:
                logits = model.model(input_ids=prefix).logits[0, -1]
        shares = logits.double().exp() / logits.double().exp().sum()
        own = int(ids[0, start + step])
        assert token.id == own
        # Float32: a pass over the whole text sums in another order.
        assert token.probability == pytest.approx(float(shares[own]), abs=1e-5)
        assert token.rank == 1 + int((shares > shares[own]).sum())
        best = [i for i in shares.argsort(descending=True).tolist() if i != own][:5]
        assert [rival for rival, _ in token.rivals] == best
        told = [share for _, share in token.rivals]
        assert told == pytest.approx(shares[best].tolist(), abs=1e-5)
