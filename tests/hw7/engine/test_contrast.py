"""A contrast stands token against token from the start of the continuation, after one prefix."""

import pytest
import torch
from inseq.data import BatchEncoding

from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.shared_passes import attribute_together
from tests.support.attribution_checks import assert_same_scores
from tests.support.random_models import (
    FAMILIES,
    encoded_texts,
    float64_throughout,
    random_model,
    random_text,
)

# Inseq rounds its step outputs to float32; sums of some thousand products in float64 do not show.
FLOAT64_TOLERANCE = 1e-8
FLOAT32_TOLERANCE = 1e-4
SOURCE, WRITTEN = 5, 6


def contrast_of(model, sources, length):
    """Another continuation of so many words, encoded as the explained one is."""
    text = random_text(length, seed=500)
    if model.is_encoder_decoder:
        return model.encode([text], as_targets=True, return_baseline=True)
    ids = torch.cat([sources.input_ids, model.encode([text]).input_ids], dim=1)
    return BatchEncoding(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        input_tokens=model.convert_ids_to_tokens(ids, skip_special_tokens=False),
        baseline_ids=ids,
    )


def reference(model, sources, targets, contrast, score):
    """Gradients of the difference by autograd, one plain forward pass for each token.

    Returns:
        For each generated token that there is something to compare with, `[source, hidden]`.
    """
    network, first = model.model, 1 if model.is_encoder_decoder else sources.input_ids.shape[1]
    written, other = targets.input_ids[0], contrast.input_ids[0]
    gradients = []
    for position in range(first, min(len(written), len(other))):
        if model.is_encoder_decoder:
            read = model.embed(sources.input_ids).detach().requires_grad_()
            prefix = model.embed(written[None, :position], as_targets=True)
            output = network(inputs_embeds=read, decoder_inputs_embeds=prefix, use_cache=False)
        else:
            read = model.embed(written[None, :position]).detach().requires_grad_()
            output = network(inputs_embeds=read, use_cache=False)
        values = output.logits[0, -1]
        values = values.softmax(-1) if score == "probability" else values
        difference = values[written[position]] - values[other[position]]
        gradients.append(torch.autograd.grad(difference, read)[0][0])
    return gradients


@pytest.mark.parametrize(
    "length",
    [2, pytest.param(WRITTEN, marks=pytest.mark.slow), 9],
    ids=["shorter", "as_long", "longer"],
)
@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_the_difference_at_the_same_place(family, score, length):
    with float64_throughout():
        model = random_model(family, dtype=torch.float64)
        sources, targets = encoded_texts(model, SOURCE, WRITTEN)
        contrast = contrast_of(model, sources, length)
        expected = reference(model, sources, targets, contrast, score)
        asked = {"score": score, "contrast": contrast}
        signed = {"abs": False}
        outputs = [
            attribute_together(
                model, sources, targets, ["saliency"], options={"saliency": signed}, **asked
            )["saliency"],
            attribute_with_inseq(model, sources, targets, "saliency", options=signed, **asked),
        ]
    for output in outputs:
        found = output[0].source_attributions
        found = output[0].target_attributions if found is None else found
        for step, gradient in enumerate(expected):
            scores = found[: len(gradient), step]
            assert (scores - gradient).abs().max() <= FLOAT64_TOLERANCE
        assert found[:, len(expected) :].isnan().all()


@pytest.mark.parametrize("length", [2, 9])
@pytest.mark.parametrize("family", ["marian", "llama"])
def test_an_output_names_what_each_token_was_compared_with(family, length):
    model = random_model(family)
    sources, targets = encoded_texts(model, SOURCE, WRITTEN)
    contrast = contrast_of(model, sources, length)
    first = 1 if model.is_encoder_decoder else SOURCE
    steps = targets.input_ids.shape[1] - first
    ids = contrast.input_ids[0, first:].tolist()
    expected = [ids[step] if step < len(ids) else None for step in range(steps)]
    methods = ["saliency", "occlusion", "integrated_gradients", "attention"]
    outputs = attribute_together(model, sources, targets, methods, contrast=contrast)
    outputs["deeplift"] = attribute_with_inseq(
        model, sources, targets, "deeplift", contrast=contrast
    )
    plain = targets.input_tokens[0]
    for output in outputs.values():
        assert output.info["contrast_ids"] == [expected]
        assert [token.token for token in output[0].target] == plain


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
@pytest.mark.parametrize("length", [2, pytest.param(9, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", ["t5", "gpt2", "qwen3"])
def test_other_methods_equal_inseqs_loop(family, length, method):
    model = random_model(family)
    sources, targets = encoded_texts(model, SOURCE, WRITTEN)
    asked = {"score": "logit", "contrast": contrast_of(model, sources, length)}
    options = {"n_steps": 4} if method == "integrated_gradients" else {}
    fast = attribute_together(model, sources, targets, [method], options={method: options}, **asked)
    inseq = attribute_with_inseq(model, sources, targets, method, options=options, **asked)
    assert_same_scores(fast[method][0], inseq[0], FLOAT32_TOLERANCE)


def test_weights_of_attention_are_compared_with_nothing():
    model = random_model("marian")
    sources, targets = encoded_texts(model, SOURCE, WRITTEN)
    contrast = contrast_of(model, sources, 2)
    with_contrast = attribute_together(model, sources, targets, ["attention"], contrast=contrast)
    without = attribute_together(model, sources, targets, ["attention"])
    assert_same_scores(with_contrast["attention"][0], without["attention"][0], 0.0)


def test_an_output_with_empty_columns_can_be_aggregated_and_saved(tmp_path):
    model = random_model("llama")
    sources, targets = encoded_texts(model, SOURCE, WRITTEN)
    contrast = contrast_of(model, sources, 2)
    output = attribute_together(model, sources, targets, ["saliency"], contrast=contrast)[
        "saliency"
    ]
    scores = output[0].aggregate().target_attributions
    # Every column that is compared sums to one, the others are empty.
    assert torch.allclose(scores[:, :2].nansum(dim=0), torch.ones(2))
    assert scores[:, 2:].isnan().all()
    output.save(tmp_path / "contrast.json")
    loaded = type(output).load(tmp_path / "contrast.json")
    assert loaded.info["contrast_ids"] == output.info["contrast_ids"]
