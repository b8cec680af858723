"""Run many methods on one gold sentence: scores of its tokens, `[source, generated]`."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from helpers.attribution import attribute
from hw7.engine.methods import working_methods

if TYPE_CHECKING:
    import numpy
    from inseq.models import AttributionModel

    from helpers.generation import Generation

Reading = Literal["output", "input"]
READINGS: tuple[Reading, ...] = ("output", "input")

COMPARED = (
    "saliency",
    "input_x_gradient",
    "integrated_gradients",
    "deeplift",
    "gradient_shap",
    "occlusion",
    "ablation",
    "value_zeroing",
    "attention_rollout",
)
"""The methods of notebook 05 besides attention, those that run here among them."""


@dataclass(frozen=True)
class Variant:
    """One way to score, with the settings that tell it from others."""

    name: str  # in tables
    method: str
    score: str = "probability"
    layer: int | None = None  # of attention, counted from 0; None for the mean of all
    reading: Reading = "output"  # of attention, as Inseq shows it, or at the decoder's input
    options: tuple[tuple[str, Any], ...] = ()


def score_sentence(
    model: "AttributionModel", generation: "Generation", variants: Sequence[Variant]
) -> "Iterator[tuple[Variant, numpy.ndarray, float]]":
    """Yield each variant with its scores `[source, generated]` and the seconds that it took.

    Of a decoder-only model the prompt's rows come first. A method that several variants read in
    their own way runs once.
    """
    runs: dict[tuple, tuple[Any, float]] = {}
    for variant in variants:
        method = variant.method
        run = method, variant.score, variant.options
        if run not in runs:
            started = time.perf_counter()
            outputs = attribute(
                model,
                generation,
                [method],
                score=variant.score,  # type: ignore[arg-type]
                method_options={method: dict(variant.options)},
                show_progress=False,
            )
            runs[run] = outputs[method].sequence_attributions[0], time.perf_counter() - started
        sequence, seconds = runs[run]
        if method == "attention":
            weights = _input_scores(sequence)
            scores = attention_scores(weights, layer=variant.layer, reading=variant.reading)
        else:
            scores = _input_scores(sequence.aggregate())
        yield variant, scores.detach().cpu().double().numpy(), seconds


def _input_scores(sequence: Any) -> torch.Tensor:
    """Return the scores of what was read; of a decoder-only model, of prompt and generated text."""
    if sequence.source_attributions is None:
        return sequence.target_attributions
    return sequence.source_attributions


def attention_scores(
    weights: torch.Tensor, *, layer: int | None = None, reading: Reading = "output"
) -> torch.Tensor:
    """Return the cross-attention of one layer, or the mean of all, averaged over heads.

    At step `i` the decoder reads token `i - 1` and writes token `i`. Inseq shows the weights of
    that step beside the token it writes: reading ``"output"``. Beside the token it reads, reading
    ``"input"``, the same weights can align far better, in some layers of a deep decoder (Chen et
    al. 2020, "Accurate Word Alignment Induction from Neural Machine Translation").

    Args:
        weights: `[source, generated, layer, head]`, as Inseq's method ``attention`` returns them.
        layer: The layer, counted from 0; None averages all.
        reading: The side of the decoder on which a token stands.

    Returns:
        `[source, generated]`. Read at the input, the last token has no scores (NaN): no step
        reads it.
    """
    if reading == "input":
        unread = torch.full_like(weights[:, :1], torch.nan)
        weights = torch.cat([weights[:, 1:], unread], dim=1)
    layers = weights.mean(-1)
    return layers.mean(-1) if layer is None else layers[..., layer]


def standard_variants(
    model: "AttributionModel", best: Mapping[Reading, int] | None = None
) -> list[Variant]:
    """Return the variants that notebook 05 compares.

    Args:
        model: A translator from ``load_model``; methods that do not run on it are left out.
        best: The best attention layer for each reading, chosen on a development split, see
            ``best_layer``.
    """
    working = working_methods(model)
    variants = [Variant(method, method) for method in COMPARED if method in working]
    for reading in READINGS:
        name = f"attention, all layers, {reading}"
        variants.append(Variant(name, "attention", reading=reading))
        if best and reading in best:
            name = f"attention, layer {best[reading]}, {reading}"
            variants.append(Variant(name, "attention", layer=best[reading], reading=reading))
    return variants
