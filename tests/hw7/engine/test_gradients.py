"""The fast engine gives Inseq's scores: every family, method, score and length."""

import pytest
import torch
from inseq.data import BatchEncoding

from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.shared_passes import attribute_together
from tests.support.attribution_checks import assert_same_output, crossentropy
from tests.support.random_models import (
    FAMILIES,
    encoded_texts,
    float64_throughout,
    random_model,
)

# float32 rounds sums differently when their order changes.
FLOAT32_TOLERANCE = 1e-4
# With 1e-16 for a single rounding, this leaves room for sums of some thousand products.
FLOAT64_TOLERANCE = 1e-8

OPTIONS = {"integrated_gradients": {"n_steps": 5}}
METHODS = ["saliency", "input_x_gradient", "integrated_gradients", "occlusion", "attention"]
SCORES = ["probability", "logit", "crossentropy"]


def check_against_inseq(family, methods, score, length, dtype, tolerance):
    """Compare all methods at once."""
    model = random_model(family, dtype=dtype)
    sources, targets = encoded_texts(model, 5, length)
    fast = attribute_together(model, sources, targets, methods, score=score, options=OPTIONS)
    reference = crossentropy if score == "crossentropy" else score
    for method in methods:
        inseq = attribute_with_inseq(
            model, sources, targets, method, score=reference, options=OPTIONS.get(method)
        )
        assert_same_output(fast[method], inseq, tolerance)


# Inseq takes a pass for each token and method: beyond 8 tokens only the slow tests do.
@pytest.mark.parametrize("length", [8, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_equal_inseqs_in_float32(family, length):
    """float64 sees every score, for which rounding is no other."""
    score = "probability"
    check_against_inseq(family, METHODS, score, length, torch.float32, FLOAT32_TOLERANCE)


@pytest.mark.parametrize(
    "length", [6, *(pytest.param(length, marks=pytest.mark.slow) for length in (1, 2, 20, 60))]
)
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("family", FAMILIES)
def test_formulas_equal_inseqs_in_float64(family, score, length):
    with float64_throughout():
        check_against_inseq(family, METHODS, score, length, torch.float64, FLOAT64_TOLERANCE)


@pytest.mark.parametrize("family", FAMILIES)
def test_formulas_equal_inseqs_for_a_single_token(family):
    with float64_throughout():
        check_against_inseq(family, METHODS, "logit", 1, torch.float64, FLOAT64_TOLERANCE)


@pytest.mark.parametrize(
    "options",
    [
        {"n_steps": 4, "multiply_by_inputs": False},
        {"n_steps": 6, "method": "riemann_trapezoid"},
    ],
)
@pytest.mark.parametrize("family", ["marian", "llama"])
def test_options_of_integrated_gradients_are_inseqs(family, options):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    asked = {"score": "logit"}
    fast = attribute_together(
        model,
        sources,
        targets,
        ["integrated_gradients"],
        options={"integrated_gradients": options},
        **asked,
    )
    inseq = attribute_with_inseq(
        model, sources, targets, "integrated_gradients", options=options, **asked
    )
    assert_same_output(fast["integrated_gradients"], inseq, FLOAT32_TOLERANCE)


def test_signed_saliency_is_inseqs():
    model = random_model("gpt2")
    sources, targets = encoded_texts(model, 5, 6)
    options = {"saliency": {"abs": False}}
    fast = attribute_together(model, sources, targets, ["saliency"], options=options)["saliency"]
    inseq = attribute_with_inseq(model, sources, targets, "saliency", options=options["saliency"])
    assert (fast[0].target_attributions.nan_to_num() < 0).any()
    assert_same_output(fast, inseq, FLOAT32_TOLERANCE)


def test_the_cross_entropy_of_one_text_is_inseqs_own_of_two():
    model = random_model("marian")
    sources, targets = encoded_texts(model, 5, 6)
    alone = attribute_with_inseq(model, sources, targets, "saliency", score="crossentropy")
    twice = [doubled(encoding) for encoding in (sources, targets)]
    # Given two texts, Inseq's own function does not lose a dimension.
    method = model.get_attribution_method("saliency")
    both = method.prepare_and_attribute(*twice, attributed_fn="crossentropy")
    torch.testing.assert_close(
        alone[0].source_attributions,
        both[0][0].source_attributions,
        rtol=0,
        atol=FLOAT32_TOLERANCE,
    )


def doubled(encoding):
    return BatchEncoding(
        input_ids=encoding.input_ids.repeat(2, 1),
        attention_mask=encoding.attention_mask.repeat(2, 1),
        input_tokens=encoding.input_tokens * 2,
        baseline_ids=encoding.baseline_ids.repeat(2, 1),
    )
