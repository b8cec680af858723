"""The list of methods that work: each one runs here, each other one says why it does not."""

import pytest
import torch

from helpers.attribution import attribute
from helpers.errors import MethodError
from helpers.generation import generate
from hw7.engine.exactness import ONLY_HERE
from hw7.engine.inseq_outputs import method_of_inseq
from hw7.engine.methods import EXTRA_PACKAGES, missing_methods, working_methods
from tests.support.random_models import random_model, random_text, wrapped
from tools.family_table import small_model

FAMILIES = ("marian", "llama", "gpt2", "qwen3")

# Few steps: whether a method runs does not depend on their number.
OPTIONS = {
    "integrated_gradients": {"n_steps": 4},
    "layer_integrated_gradients": {"n_steps": 4},
    "sequential_integrated_gradients": {"n_steps": 4},
    "discretized_integrated_gradients": {"n_steps": 4},
    "gradient_shap": {"n_samples": 2},
    "lime": {"n_samples": 10},
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    return random_model(request.param)


def scores_of(model, method):
    generation = generate(model, random_text(4), target=random_text(3, seed=5))
    options = {method: OPTIONS.get(method, {})}
    output = attribute(model, generation, [method], method_options=options, show_progress=False)[
        method
    ]
    attribution = output.sequence_attributions[0]
    return attribution.source_attributions, attribution.target_attributions


def inseqs_methods():
    """Return all methods that Inseq knows, but the one it tests itself with."""
    import inseq

    return set(inseq.list_feature_attribution_methods()) - {"dummy"}


def test_every_method_of_inseq_is_listed_once(model):
    working, missing = working_methods(model), missing_methods(model)
    assert not set(working) & set(missing)
    assert len(set(working)) == len(working)
    assert set(working) | set(missing) == inseqs_methods() | set(ONLY_HERE)


def test_every_method_listed_as_working_runs_and_gives_numbers(model):
    for method in working_methods(model):
        found = [scores for scores in scores_of(model, method) if scores is not None]
        assert found, method
        assert any(torch.isfinite(scores).any() for scores in found), method


def test_every_method_listed_as_missing_is_refused_with_its_reason(model):
    for method, reason in missing_methods(model).items():
        with pytest.raises(MethodError) as error:
            scores_of(model, method)
        assert reason in str(error.value)
        assert "saliency" in str(error.value)


def test_refused_method_leaves_the_model_as_it_was(model):
    before = scores_of(model, "attention")
    for method in missing_methods(model):
        with pytest.raises(MethodError):
            scores_of(model, method)
    for old, new in zip(before, scores_of(model, "attention"), strict=True):
        if old is not None:
            torch.testing.assert_close(old, new, rtol=0, atol=0, equal_nan=True)


def test_method_comes_back_when_its_package_is_installed(model, monkeypatch):
    from hw7.engine import methods

    monkeypatch.setattr(methods, "is_installed", lambda name: False)
    assert set(EXTRA_PACKAGES) <= set(missing_methods(model))
    monkeypatch.setattr(methods, "is_installed", lambda name: True)
    assert not set(EXTRA_PACKAGES) & set(missing_methods(model))


def test_a_family_outside_the_attention_interface_says_that_its_values_cannot_be_zeroed():
    assert "AttentionInterface" in missing_methods(wrapped(small_model("bloom")))["value_zeroing"]


def test_neighbours_in_the_vocabulary_are_those_of_these_weights():
    # Both models have the same name, by which Inseq alone would find the first one's again.
    first, second = random_model("marian"), random_model("llama")
    assert first.model_name == second.model_name
    graphs = [
        method_of_inseq(model, "discretized_integrated_gradients", {}).method.path_builder.knn_graph
        for model in (first, second)
    ]
    assert (graphs[0] != graphs[1]).nnz > 0
