"""Attention by layer and reading position, against weights taken from the model itself."""

import numpy
import pytest
import torch

from helpers.attribution import attribute
from helpers.generation import generate
from hw7.engine.repairs import scale_embeddings_once
from hw7.lessons.which_method import attention_scores, best_layer
from tests.support.random_models import random_model, random_text


@pytest.fixture(scope="module")
def model():
    model = random_model("marian")
    scale_embeddings_once(model)
    return model


@pytest.fixture(scope="module")
def generation(model):
    return generate(model, random_text(6), target=random_text(5, seed=1))


@pytest.fixture(scope="module")
def raw(model, generation):
    return attribute(model, generation, ["attention"])["attention"].sequence_attributions[0]


@pytest.fixture(scope="module")
def weights(model, generation):
    """Cross-attention `[layer, head, decoder position, source]` of one plain forward pass."""
    with torch.no_grad():
        output = model.model(
            input_ids=generation.sources.input_ids,
            decoder_input_ids=generation.targets.input_ids,
            output_attentions=True,
        )
    return torch.cat(output.cross_attentions)


def read(raw, **how):
    return attention_scores(raw.source_attributions, **how).double().numpy()


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_read_at_the_output_a_token_has_the_weights_of_the_step_that_writes_it(raw, weights, layer):
    found = read(raw, layer=layer, reading="output")
    expected = weights[layer].mean(0)[:-1].T.double().numpy()
    # Two float32 passes over a small model.
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_read_at_the_input_a_token_has_the_weights_of_the_step_that_reads_it(raw, weights, layer):
    found = read(raw, layer=layer, reading="input")
    # Position 0 reads the start token; position i reads the i-th generated token.
    expected = weights[layer].mean(0)[1:-1].T.double().numpy()
    assert found[:, :-1] == pytest.approx(expected, abs=1e-5)
    assert numpy.isnan(found[:, -1]).all()


def test_all_layers_read_at_the_output_are_inseqs_own_heatmap(raw):
    expected = raw.aggregate().source_attributions.double().numpy()
    assert read(raw) == pytest.approx(expected, abs=1e-6)


def test_reading_leaves_inseqs_output_as_it_was(raw):
    before = raw.source_attributions.clone()
    read(raw, layer=1, reading="input")
    assert torch.equal(raw.source_attributions, before)


def test_the_best_layer_has_the_lowest_error_rate_of_its_reading():
    import pandas

    rows = [
        {"method": f"{layer} {reading}", "sentence": 0, "layer": layer, "reading": reading}
        | {"matched": matched, "drawn": 10, "hits": 10 - matched, "linked_words": 10}
        for reading, row in (("output", (2, 7, 5)), ("input", (9, 1, 3)))
        for layer, matched in enumerate(row)
    ]
    counts = pandas.DataFrame(rows)
    assert best_layer(counts) == {"output": 1, "input": 0}
