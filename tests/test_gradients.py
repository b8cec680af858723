"""The fast engine gives Inseq's scores: every family, method, score and length."""

import pytest
import torch
from random_models import ENCODER_DECODER_FAMILIES, FAMILIES, random_model, random_text

from helpers.gradients import attribute_together
from helpers.inseq_outputs import attribute_with_inseq

# float32 rounds sums differently when their order changes.
FLOAT32_TOLERANCE = 1e-4

GRADIENT_METHODS = ["saliency", "input_x_gradient"]


def encoded(model, source_length, target_length):
    source, target = random_text(source_length), random_text(target_length, seed=1)
    sources = model.encode([source], return_baseline=True)
    if model.is_encoder_decoder:
        return sources, model.encode([target], as_targets=True, return_baseline=True)
    return sources, model.encode([f"{source} {target}"], return_baseline=True)


def assert_same_scores(fast, inseq, tolerance):
    for ours, theirs in zip(fast.aggregate(), inseq.aggregate(), strict=True):
        assert ours.target == theirs.target
        assert ours.source == theirs.source
        assert type(ours) is type(theirs)
        for name in ("source_attributions", "target_attributions"):
            mine, reference = getattr(ours, name), getattr(theirs, name)
            assert (mine is None) == (reference is None)
            if mine is not None:
                torch.testing.assert_close(mine, reference, rtol=0, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("length", [1, 2, 20])
@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_equal_inseqs(family, score, length):
    model = random_model(family)
    sources, targets = encoded(model, 6, length)
    for attribute_target in {False, family in ENCODER_DECODER_FAMILIES}:
        asked = {"score": score, "attribute_target": attribute_target, "show_progress": False}
        methods = [*GRADIENT_METHODS, "attention"]
        fast = attribute_together(model, sources, targets, methods, **asked)
        for method in methods:
            inseq = attribute_with_inseq(model, sources, targets, method, **asked)
            assert_same_scores(fast[method], inseq, FLOAT32_TOLERANCE)
