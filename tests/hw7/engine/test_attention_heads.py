"""Attention by layer and head: the numbers are the weights of the model's own forward pass."""

import numpy as np
import pytest
import torch

from helpers import explain
from helpers.attribution import attribute
from helpers.errors import MethodError
from helpers.generation import generate
from hw7.engine.attention_heads import head_weights
from tests.support.random_models import random_model, random_text, wrapped
from tools.family_table import small_model

# A mean of weights below 1 in float32.
TOLERANCE = 1e-6


@pytest.fixture(scope="module", params=["marian", "gpt2", "opt"])
def case(request):
    """A model, its generation, and the weights `[layer, head, source, generated]`."""
    is_own_loop = request.param == "opt"  # its attention is left to Inseq
    model = wrapped(small_model("opt")) if is_own_loop else random_model(request.param)
    generation = generate(model, random_text(4), target=" " + random_text(3, seed=5))
    return model, generation, plain_weights(model, generation)


def plain_weights(model, generation):
    ids, first = generation.targets.input_ids, generation.first
    read, name = {"input_ids": ids}, "attentions"
    if model.is_encoder_decoder:
        read = {"input_ids": generation.sources.input_ids, "decoder_input_ids": ids}
        name = "cross_attentions"
    with torch.no_grad():
        layers = getattr(model.model(**read, output_attentions=True), name)
    # The last position before a token predicts it.
    return torch.cat(list(layers)).transpose(2, 3)[..., first - 1 : -1]


def scores(model, generation, own):
    found = attribute(
        model, generation, ["attention"], method_options={"attention": own}, show_progress=False
    )
    sequence = found["attention"].sequence_attributions[0].aggregate()
    chosen = sequence.source_attributions
    return (sequence.target_attributions if chosen is None else chosen).nan_to_num()


@pytest.mark.parametrize(
    ("own", "layers", "heads"),
    [
        ({"layers": 1}, [1], slice(None)),
        ({"heads": [0, 2]}, slice(None), [0, 2]),
        ({"layers": [0, 1], "heads": 1}, [0, 1], [1]),
    ],
)
def test_chosen_layers_and_heads_are_the_mean_of_their_weights(case, own, layers, heads):
    model, generation, weights = case
    expected = weights[layers][:, heads].mean((0, 1))
    found = scores(model, generation, own)
    torch.testing.assert_close(found, expected[: len(found)], rtol=0, atol=TOLERANCE)


def test_none_takes_all(case):
    model, generation, _ = case
    assert torch.equal(
        scores(model, generation, {"layers": None, "heads": None}), scores(model, generation, {})
    )


def test_numbers_count_once_whoever_counted_them(case):
    model, generation, _ = case
    found = scores(model, generation, {"layers": np.int64(1), "heads": [0, 2, 0]})
    assert torch.equal(found, scores(model, generation, {"layers": 1, "heads": [0, 2]}))


def test_the_weights_of_a_token_are_those_of_its_layers_and_heads(case):
    model, generation, weights = case
    output = attribute(model, generation, ["attention"], show_progress=False)["attention"]
    for step in range(weights.shape[-1]):
        found = head_weights(output, step)
        expected = weights[:, :, : found.shape[-1], step]
        torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE)


def test_their_mean_is_the_heatmaps_column():
    model = random_model("marian")
    settings = {"methods": ["attention"], "target": "w3 w4", "show_progress": False}
    own = {"attention": {"layers": 2, "heads": [1, 3]}}
    column = explain(model, "w1 w2", method_options=own, **settings).table().to_numpy()[:, 1]
    generation = generate(model, "w1 w2", target="w3 w4")
    output = attribute(model, generation, ["attention"], show_progress=False)["attention"]
    weights = head_weights(output, 1)[2, [1, 3]].mean(0)
    assert column.tolist() == pytest.approx(weights.tolist(), abs=TOLERANCE)


@pytest.mark.parametrize("chosen", [9, -1, True, 1.0, "1", [], [0, 9]])
@pytest.mark.parametrize(("option", "last"), [("layers", 2), ("heads", 3)])
def test_what_is_not_there_is_refused_with_the_range(option, last, chosen):
    model = random_model("gpt2")
    generation = generate(model, "w1 w2", target=" w3")
    with pytest.raises(MethodError, match=f"{option} of attention .* from 0 to {last}"):
        scores(model, generation, {option: chosen})
