"""Random families, methods, scores, contrasts and odd texts: the engine against two references."""

import random

import pytest
import torch
from inseq.data import BatchEncoding

from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.shared_passes import attribute_together
from tests.support.attribution_checks import crossentropy
from tests.support.random_models import (
    BOS,
    EOS,
    FAMILIES,
    LLAMA_LIKE_FAMILIES,
    PAD,
    UNK,
    VOCABULARY_SIZE,
    float64_throughout,
    random_model,
)

pytestmark = pytest.mark.slow

BATCHES, CASES = 10, 30
METHODS = ["saliency", "input_x_gradient", "integrated_gradients", "occlusion", "attention"]
ALL_FAMILIES = sorted({*FAMILIES, *LLAMA_LIKE_FAMILIES, "smollm3"})

# With 1e-16 for a single rounding, this leaves room for sums of some thousand products.
TOLERANCE = 1e-8


def odd_ids(draw, length):
    """Ids of a text with special and unknown tokens, and runs of the same one, in its middle."""
    odd = [PAD, BOS, EOS, UNK]
    ids = [draw.randrange(4, VOCABULARY_SIZE) for _ in range(length)]
    for _ in range(draw.randrange(3)):
        ids[draw.randrange(length)] = draw.choice([*odd, ids[0]])
    return ids


def encoding(model, ids):
    """Inseq's encoding of ids, whatever they are."""
    ids = torch.tensor([ids])
    baseline = torch.where(ids.eq(EOS), ids, torch.full_like(ids, UNK))
    if model.is_encoder_decoder:
        baseline[:, 0] = ids[:, 0]
    return BatchEncoding(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        input_tokens=model.convert_ids_to_tokens(ids, skip_special_tokens=False),
        baseline_ids=baseline,
    )


def reference(model, sources, targets, contrast, score, *, is_saliency):
    """Gradients by autograd, one plain forward pass for each token; NaN where nothing compares."""
    network, first = model.model, 1 if model.is_encoder_decoder else sources.input_ids.shape[1]
    written = targets.input_ids[0]
    other = None if contrast is None else contrast.input_ids[0]
    columns = []
    for position in range(first, len(written)):
        prefix = written[None, :position]
        if model.is_encoder_decoder:
            read = model.embed(sources.input_ids).detach().requires_grad_()
            embeddings = model.embed(prefix, as_targets=True)
            logits = network(inputs_embeds=read, decoder_inputs_embeds=embeddings).logits
        else:
            read = model.embed(prefix).detach().requires_grad_()
            logits = network(inputs_embeds=read, use_cache=False).logits
        forms = {"probability": torch.softmax, "logit": lambda values, dim: values}
        form = forms.get(score, lambda values, dim: -values.log_softmax(dim))
        values = form(logits[0, -1], -1)
        number = values[written[position]]
        if other is not None and position < len(other):
            number = number - values[other[position]]
        gradient = torch.autograd.grad(number, read)[0][0]
        scores = gradient.abs() if is_saliency else gradient * read.detach()[0]
        is_empty = other is not None and position >= len(other)
        columns.append(torch.full_like(scores, torch.nan) if is_empty else scores)
    return columns


def scores_of(output):
    sequence = output[0]
    found = sequence.source_attributions
    return sequence.target_attributions if found is None else found


def largest(ours, theirs):
    """The largest difference; infinite where one is a number and the other is not."""
    if ours.shape != theirs.shape or not torch.equal(ours.isnan(), theirs.isnan()):
        return float("inf")
    scale = max(1.0, theirs.nan_to_num().abs().max().item())
    return (ours - theirs).nan_to_num().abs().max().item() / scale


def differences(draw):
    """Draw a case and return what it is, and how far the engine is from both references."""
    family, method = draw.choice(ALL_FAMILIES), draw.choice(METHODS)
    score = draw.choice(["probability", "logit", "crossentropy"])
    model = random_model(family, dtype=torch.float64)
    source = odd_ids(draw, draw.randint(1, 12))
    written = odd_ids(draw, draw.randint(1, 10))
    start = [PAD] if model.is_encoder_decoder else source
    sources, targets = encoding(model, source), encoding(model, start + written)
    contrast = None
    if score != "crossentropy" and draw.random() < 0.5:
        contrast = encoding(model, start + odd_ids(draw, draw.randint(1, 12)))
    options = {"n_steps": draw.randint(1, 5)} if method == "integrated_gradients" else {}
    fast = attribute_together(
        model, sources, targets, [method], score=score, contrast=contrast, options={method: options}
    )[method]
    inseq = attribute_with_inseq(
        model,
        sources,
        targets,
        method,
        score=crossentropy if score == "crossentropy" else score,
        contrast=contrast,
        options=options,
    )
    found = [largest(scores_of(fast), scores_of(inseq))]
    if method in METHODS[:2]:
        columns = reference(
            model, sources, targets, contrast, score, is_saliency=method == "saliency"
        )
        ours = scores_of(fast)
        found += [largest(ours[: len(own), step], own) for step, own in enumerate(columns)]
    kind = [family, method, score, "contrast" if contrast else "", len(source), len(written)]
    return " ".join(map(str, kind)), max(found)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_engine_equals_inseqs_loop_and_autograd_token_by_token(batch, capsys):
    draw = random.Random(batch)
    with float64_throughout():
        results = [differences(draw) for _ in range(CASES)]
    kind, worst = max(results, key=lambda result: result[1])
    with capsys.disabled():
        print(f"\nworst of {CASES} random cases: {worst:.0e} ({kind})")
    assert worst <= TOLERANCE, kind
