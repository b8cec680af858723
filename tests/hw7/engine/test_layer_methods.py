"""Layer methods: the right layer in every family, and why two of them are refused."""

import pytest
import torch

from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.methods import GIVES_ZEROS
from hw7.engine.repairs import scale_embeddings_once
from tests.support.attribution_checks import assert_same_scores
from tests.support.random_models import FAMILIES, encoded_texts, random_model, wrapped
from tools.family_table import small_model

SHARED_EMBEDDINGS = ("t5", "mt5", "bart", "mbart", "m2m_100", "pegasus")

# float32 rounds sums differently when their order changes.
TOLERANCE = 1e-5


@pytest.mark.parametrize("family", [*SHARED_EMBEDDINGS, "marian"])
def test_gradient_times_activation_of_the_embeddings_is_input_times_gradient(family):
    model = wrapped(small_model(family))
    scale_embeddings_once(model)
    sources, targets = encoded_texts(model, 4, 3)
    layer = attribute_with_inseq(model, sources, targets, "layer_gradient_x_activation")
    inputs = attribute_with_inseq(model, sources, targets, "input_x_gradient")
    assert layer[0].source_attributions.abs().max() > 0
    assert_same_scores(layer[0], inputs[0], TOLERANCE)


@pytest.mark.parametrize("method", sorted(GIVES_ZEROS))
@pytest.mark.parametrize("family", FAMILIES)
def test_refused_layer_methods_still_give_nothing_but_zeros(family, method):
    """Where this fails, Inseq has been mended: take the method off the list."""
    model = random_model(family)
    sources, targets = encoded_texts(model, 4, 3)
    few = {"n_steps": 4} if method == "layer_integrated_gradients" else {}
    output = attribute_with_inseq(model, sources, targets, method, options=few)[0]
    scores = output.source_attributions
    scores = output.target_attributions if scores is None else scores
    assert torch.count_nonzero(scores.nan_to_num()) == 0
