"""Attention rollout against the product of the model's own attention matrices."""

import numpy as np
import pytest
import torch

from helpers.attribution import attribute
from helpers.errors import MethodError
from helpers.generation import generate
from hw7.engine.shared_passes import attribute_together
from tests.support.random_models import encoded_texts, random_model, random_text, wrapped
from tools.family_table import small_model

# A product of some matrices of weights below 1 in float32.
TOLERANCE = 1e-6


@pytest.mark.parametrize("methods", [["attention_rollout"], ["saliency", "attention_rollout"]])
@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_scores_are_rows_of_the_product_over_all_layers(family, methods):
    is_left_to_inseq = family == "opt"
    model = wrapped(small_model(family)) if is_left_to_inseq else random_model(family)
    sources, targets = encoded_texts(model, 5, 4)
    methods = methods[-1:] if is_left_to_inseq else methods
    found = attribute_together(model, sources, targets, methods)["attention_rollout"]
    ids = targets.input_ids
    with torch.no_grad():
        layers = model.model(ids, output_attentions=True).attentions
    product = np.eye(ids.shape[1])
    for weights in layers:
        mean = weights[0].double().numpy().mean(axis=0)
        product = (0.5 * np.eye(len(mean)) + 0.5 * mean) @ product
    scores = found.sequence_attributions[0].target_attributions.nan_to_num().numpy()
    for step, column in enumerate(scores.T):
        # The last position before a token predicts it.
        np.testing.assert_allclose(column, product[4 + step][: len(column)], atol=TOLERANCE)
        assert column.sum() == pytest.approx(1, abs=TOLERANCE)


def test_a_translators_two_stacks_are_refused_in_a_sentence():
    model = random_model("t5")
    generation = generate(model, random_text(4), target=random_text(3, seed=5))
    with pytest.raises(MethodError, match="one stack of layers"):
        attribute(model, generation, ["attention_rollout"], show_progress=False)


def test_a_model_without_attention_is_refused_in_a_sentence():
    model = wrapped(small_model("mamba"))
    generation = generate(model, random_text(4), target=" " + random_text(3, seed=5))
    with pytest.raises(MethodError, match="gives attention weights"):
        attribute(model, generation, ["attention_rollout"], show_progress=False)
