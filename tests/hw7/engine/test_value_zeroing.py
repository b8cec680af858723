"""Value zeroing against one run for each token and layer, and against Inseq's where that runs."""

from operator import attrgetter

import pytest
import torch
import transformers
from packaging.version import Version

from hw7.engine.errors import NotExplainableError
from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.repairs import scale_embeddings_once
from hw7.engine.shared_passes import attribute_together
from hw7.engine.value_zeroing import has_attention_interface
from tests.support.attribution_checks import assert_same_output
from tests.support.random_models import encoded_texts, float64_throughout, random_model, wrapped
from tools.family_table import small_model

# Inseq keeps scores in float32.
TOLERANCE = 1e-6

# Where Inseq's hooks no longer fit the code of Transformers.
UNTIL, UNTIL_OF_GENERATORS = Version("5"), Version("4.54")

HEADS = [
    {},
    {"decoder_zeroed_units_indices": 1, "cross_zeroed_units_indices": [0, 1]},
    {"decoder_zeroed_units_indices": {0: (0, 1), 2: None}, "encoder_zeroed_units_indices": -1},
    {"output_decoder_self_scores": False, "output_encoder_self_scores": False},
]


def laid_out(family, dtype=torch.float64):
    model = random_model(family, dtype=dtype)
    scale_embeddings_once(model)
    return model, *encoded_texts(model, 5, 4)


def scores_of(model, sources, targets, **options):
    own = {"value_zeroing": options}
    found = attribute_together(model, sources, targets, ["value_zeroing"], options=own)
    return found["value_zeroing"].sequence_attributions[0]


def value_projection(family, block, is_cross):
    """Return the module that gives a block's values, and where they are in its output."""
    if family == "t5":
        place = 1 if is_cross else 0
        return (block.layer[1].EncDecAttention if place else block.layer[0].SelfAttention).v
    if family == "gpt2":
        return block.attn.c_attn
    return (block.encoder_attn if is_cross else block.self_attn).v_proj


def states_of(family, run, blocks, layer, place, is_cross=False):
    """Return a block's states `[state, hidden]` with the values of a place zero there, or not."""
    caught = {}

    def zero(module, given, output):
        output = output.clone()
        width = output.shape[-1] // 3 if family == "gpt2" else output.shape[-1]
        output[:, place, -width:] = 0
        return output

    def catch(module, given, output):
        caught["states"] = (output[0] if isinstance(output, tuple) else output)[0]

    hooks = [blocks[layer].register_forward_hook(catch)]
    if place is not None:
        projection = value_projection(family, blocks[layer], is_cross)
        hooks.append(projection.register_forward_hook(zero))
    with torch.no_grad():
        last = run()
    for hook in hooks:
        hook.remove()
    # Behind the last layer come the final norm's states.
    return last[0] if layer == len(blocks) - 1 else caught["states"]


def reference(family, run, blocks, places, *, is_cross=False, is_causal=False):
    """Return the scores `[place, state, layer]` from a run for each place and layer."""
    layers = []
    for layer in range(len(blocks)):
        clean = states_of(family, run, blocks, layer, None)
        rows = []
        for place in range(places):
            changed = states_of(family, run, blocks, layer, place, is_cross)
            cosine = (clean * changed).sum(-1) / (clean.norm(dim=-1) * changed.norm(dim=-1))
            distance = 1 - cosine
            distance[distance < 1e-5] = 0
            if is_causal:
                distance[:place] = torch.nan
            rows.append(distance)
        found = torch.stack(rows)
        layers.append(found / found.nansum(0).clamp(min=1e-300))
    return torch.stack(layers, dim=-1)


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "opt"])
def test_a_generators_scores_are_those_of_one_run_for_each_token_and_layer(family):
    if family == "opt":  # which its engine leaves to Inseq
        model = wrapped(small_model(family).double())
        sources, targets = encoded_texts(model, 5, 4)
    else:
        model, sources, targets = laid_out(family)
    found, ids, body = scores_of(model, sources, targets), targets.input_ids, model.model.base_model
    path = {"gpt2": "h", "opt": "decoder.layers"}.get(family, "layers")
    blocks = attrgetter(path)(body)
    length = ids.shape[1] - 1
    expected = reference(family, lambda: body(ids[:, :-1])[0], blocks, length, is_causal=True)
    for step in range(found.target_attributions.shape[1]):
        prefix = 5 + step
        mine, theirs = found.target_attributions[:prefix, step], expected[:prefix, prefix - 1]
        torch.testing.assert_close(mine, theirs.float(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("family", ["marian", "t5"])
def test_a_translators_scores_are_those_of_one_run_for_each_token_and_layer(family):
    model, sources, targets = laid_out(family)
    if not has_attention_interface(model.model):
        pytest.skip(f"{family} has no attention interface on this Transformers")
    network, source, target = model.model, sources.input_ids, targets.input_ids[:, :-1]
    found = scores_of(model, sources, targets)
    encoder, decoder = network.get_encoder(), network.get_decoder()
    with torch.no_grad():
        read = encoder(source)[0]

    def decode():
        return decoder(input_ids=target, encoder_hidden_states=read)[0]

    def blocks_of(stack):
        return stack.block if family == "t5" else stack.layers

    own, other = blocks_of(decoder), blocks_of(encoder)
    expected = {
        "cross": reference(family, decode, own, source.shape[1], is_cross=True),
        "decoder_self_scores": reference(family, decode, own, target.shape[1], is_causal=True),
        "encoder_self_scores": reference(
            family, lambda: encoder(source)[0], other, source.shape[1]
        ),
    }
    mine = {"cross": found.source_attributions, **found.sequence_scores}
    for name, scores in expected.items():
        torch.testing.assert_close(
            mine[name], scores.float(), rtol=0, atol=TOLERANCE, equal_nan=True, msg=name
        )


@pytest.mark.parametrize("options", HEADS)
@pytest.mark.parametrize("family", ["marian", "llama", "mistral", "qwen2"])
def test_scores_are_inseqs(family, options):
    if Version(transformers.__version__) >= (UNTIL if family == "marian" else UNTIL_OF_GENERATORS):
        pytest.skip("Inseq's value zeroing fails on this Transformers; the runs above stand for it")
    if family != "marian":
        options = {name: own for name, own in options.items() if name.startswith("decoder")}
    with float64_throughout():
        model, sources, targets = laid_out(family)
        own = {"value_zeroing": options}
        found = attribute_together(model, sources, targets, ["value_zeroing"], options=own)
        inseq = attribute_with_inseq(model, sources, targets, "value_zeroing", options=options)
    assert_same_output(found["value_zeroing"], inseq, TOLERANCE)


def test_only_the_chosen_heads_are_zeroed():
    """A layer that is not named adds nothing, and both key heads together are all."""
    model, sources, targets = laid_out("llama")
    one = scores_of(model, sources, targets, decoder_zeroed_units_indices={1: [0, 1]})
    every = scores_of(model, sources, targets)
    scores = one.target_attributions
    assert torch.equal(scores[..., 1].nan_to_num(), every.target_attributions[..., 1].nan_to_num())
    assert not scores[..., [0, 2]].nan_to_num().any()


@pytest.mark.parametrize("heads", [7, [], "0", (1, 1), True, [0.0, 1.0]])
def test_heads_that_are_not_there_are_refused_with_the_range(heads):
    model, sources, targets = laid_out("gpt2")
    with pytest.raises(NotExplainableError, match="heads from 0 to 3"):
        scores_of(model, sources, targets, decoder_zeroed_units_indices=heads)
    assert model.model.config._attn_implementation == "eager"


@pytest.mark.parametrize("layer", [3, -1, "0"])
def test_layers_that_are_not_there_are_refused_with_the_range(layer):
    model, sources, targets = laid_out("gpt2")
    with pytest.raises(NotExplainableError, match="of layers from 0 to 2, and not of"):
        scores_of(model, sources, targets, decoder_zeroed_units_indices={layer: [0]})


def test_chunks_of_the_tokens_give_the_same_scores(monkeypatch):
    model, sources, targets = laid_out("llama")
    at_once = scores_of(model, sources, targets).target_attributions
    monkeypatch.setattr("hw7.engine.value_zeroing.POSITIONS_AT_ONCE", 20)
    in_chunks = scores_of(model, sources, targets).target_attributions
    torch.testing.assert_close(at_once, in_chunks, rtol=0, atol=TOLERANCE, equal_nan=True)


def test_a_layer_without_attention_is_refused_in_a_sentence():
    model = wrapped(small_model("recurrent_gemma"))
    with pytest.raises(NotExplainableError, match=r"Not every layer .* can be zeroed"):
        scores_of(model, *encoded_texts(model, 5, 4))
