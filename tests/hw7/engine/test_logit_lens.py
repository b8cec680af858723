"""The logit lens: each layer's state unembedded by hand; the last layer is the model itself."""

import pytest
import torch
from transformers import OPTConfig, OPTForCausalLM

from hw7.engine.errors import NotExplainableError
from hw7.engine.logit_lens import logit_lens
from tests.support.random_models import VOCABULARY_SIZE, encoded_texts, random_model, wrapped
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
    states = states[: len(body.h)]  # of the text; what runs later lets the model end on them
    assert len(found) == len(body.h)
    for layer, state in zip(found, states, strict=True):
        centred = state - state.mean()
        scale = (centred.square().mean() + body.ln_f.eps).sqrt()
        normed = centred / scale * body.ln_f.weight + body.ln_f.bias
        logits = body.wte.weight @ normed
        shares = (logits - logits.logsumexp(0)).exp()
        best = [i for i in shares.argsort(descending=True).tolist() if i != layer.id][:5]
        assert [rival for rival, _ in layer.rivals] == best
        assert layer.probability == pytest.approx(shares[layer.id].item(), abs=1e-10)


SETTINGS = {
    "gemma2": "final_logit_softcapping",
    "cohere": "logit_scale",
    "granite": "logits_scaling",
}


def ends_of(family, config, logits):
    """What these families do to the logits of their output head."""
    number = getattr(config, SETTINGS[family])
    if family == "gemma2":
        return number * (logits / number).tanh()
    return logits * number if family == "cohere" else logits / number


@pytest.mark.parametrize("family", SETTINGS)
def test_logits_are_capped_or_scaled_as_by_the_model(family):
    network = small_model(family)
    setattr(network.config, SETTINGS[family], 3.0)
    setattr(network, SETTINGS[family], 3.0)  # where the model keeps it beside its settings
    model = wrapped(network)
    targets = encoded_texts(model, 5, 4)[1]
    found = logit_lens(model, targets, PLACE)
    with torch.no_grad():
        states = network(targets.input_ids[:, :PLACE], output_hidden_states=True).hidden_states
        logits = network.lm_head(network.model.norm(states[1][0, -1]))
    shares = ends_of(family, network.config, logits).softmax(-1)
    assert found[0].probability == pytest.approx(shares[found[0].id].item(), abs=1e-6)
    assert shares[found[0].id] != pytest.approx(logits.softmax(-1)[found[0].id].item(), abs=1e-6)


def test_what_is_projected_before_the_output_head_is_read():
    network = OPTForCausalLM(
        OPTConfig(
            vocab_size=VOCABULARY_SIZE, hidden_size=32, ffn_dim=48, num_hidden_layers=3,
            num_attention_heads=4, word_embed_proj_dim=16, init_std=0.25,
        )
    )  # fmt: skip
    model = wrapped(network.eval())
    targets = encoded_texts(model, 5, 4)[1]
    found = logit_lens(model, targets, PLACE)
    with torch.no_grad():
        output = network(targets.input_ids[:, :PLACE], output_hidden_states=True)
        body = network.model.decoder
        state = body.project_out(body.final_layer_norm(output.hidden_states[1][0, -1]))
        shares = network.lm_head(state).softmax(-1)
    assert found[0].probability == pytest.approx(shares[found[0].id].item(), abs=1e-6)
    assert len(found) == 3


@pytest.mark.parametrize("family", ["xglm", "biogpt", "bloom"])
def test_final_norms_of_other_names_are_found(family):
    model = wrapped(small_model(family))
    targets = encoded_texts(model, 5, 4)[1]
    last = logit_lens(model, targets, PLACE)[-1]
    with torch.no_grad():
        shares = model.model(targets.input_ids[:, :PLACE]).logits[0, -1].softmax(-1)
    assert last.probability == pytest.approx(shares[last.id].item(), abs=1e-5)


@pytest.mark.parametrize("family", ["marian", "t5", "openai-gpt"])
def test_a_model_that_ends_otherwise_is_refused_in_a_sentence(family):
    """Translators, and a family without a norm before the output head."""
    is_random = family in ("marian", "t5")
    model = random_model(family) if is_random else wrapped(small_model(family))
    with pytest.raises(NotExplainableError, match=r"does not end in a norm and an output head"):
        logit_lens(model, encoded_texts(model, 5, 4)[1], 3)
