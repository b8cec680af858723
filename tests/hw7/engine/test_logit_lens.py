"""The logit lens: each layer's state unembedded by hand; the last layer is the model itself."""

import pytest
import torch

from hw7.engine.errors import NotExplainableError
from hw7.engine.logit_lens import logit_lens
from tests.support.random_models import encoded_texts, random_model, wrapped
from tools.family_table import small_model

PLACE = 7

# In float64 the same operators in the same order, in float32 sums in another one.
TOLERANCES = [(torch.float64, 1e-10), (torch.float32, 1e-5)]


def laid_out(family, dtype):
    model = random_model(family, dtype=dtype)
    return model, encoded_texts(model, 5, 4)[1]


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES, ids=["float64", "float32"])
@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2"])
def test_the_last_layer_is_the_models_own_output(family, dtype, tolerance):
    model, targets = laid_out(family, dtype)
    last = logit_lens(model, targets, PLACE)[-1]
    with torch.no_grad():
        shares = model.model(targets.input_ids[:, :PLACE]).logits[0, -1].softmax(-1)
    written = int(targets.input_ids[0, PLACE])
    assert last.id == written
    assert last.probability == pytest.approx(shares[written].item(), abs=tolerance)
    assert last.rank == 1 + int((shares > shares[written]).sum())
    for rival, share in last.rivals:
        assert share == pytest.approx(shares[rival].item(), abs=tolerance)


def test_each_layers_state_is_normed_and_unembedded():
    model, targets = laid_out("gpt2", torch.float64)
    body, states = model.model.transformer, []
    for block in body.h:
        block.register_forward_hook(
            lambda module, given, output: states.append(
                (output[0] if isinstance(output, tuple) else output)[0, -1]
            )
        )
    found = logit_lens(model, targets, PLACE)
    assert len(found) == len(body.h) == len(states)
    for layer, state in zip(found, states, strict=True):
        centred = state - state.mean()
        scale = (centred.square().mean() + body.ln_f.eps).sqrt()
        normed = centred / scale * body.ln_f.weight + body.ln_f.bias
        logits = body.wte.weight @ normed
        shares = (logits - logits.logsumexp(0)).exp()
        best = [i for i in shares.argsort(descending=True).tolist() if i != layer.id][:5]
        assert [rival for rival, _ in layer.rivals] == best
        assert layer.probability == pytest.approx(shares[layer.id].item(), abs=1e-10)


@pytest.mark.parametrize("family", ["marian", "t5", "gemma2", "cohere"])
def test_a_model_that_ends_otherwise_is_refused_in_a_sentence(family):
    """Translators, and families that bend or scale the logits behind the output head."""
    is_random = family in ("marian", "t5")
    model = random_model(family) if is_random else wrapped(small_model(family))
    with pytest.raises(NotExplainableError, match=r"does not end in a norm and an output head"):
        logit_lens(model, encoded_texts(model, 5, 4)[1], 3)
