"""What each method makes of the shared forward and backward passes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from hw7.engine.attention_scores import attention_output
from hw7.engine.gradient_engines import gradient_chunks
from hw7.engine.inseq_outputs import StepOutputs
from hw7.engine.integrated_gradients import number_of_groups, run_integrated_gradients
from hw7.engine.occlusion import run_occlusion
from hw7.engine.progress import Progress, Report
from hw7.engine.row_scores import RowScores, append, empty_scores
from hw7.engine.step_gradients import Attentions, read_attentions
from hw7.engine.teacher_forcing import TeacherForcing

Options = Mapping[str, Any]

GRADIENT_METHODS = ("saliency", "input_x_gradient")


def scores_of_methods(
    forcing: TeacherForcing,
    score: str,
    methods: Mapping[str, Options],
    *,
    attribute_target: bool,
    report: Report | None,
) -> dict[str, list[StepOutputs]]:
    """Return, for each method and each text, the step output that follows a prefix.

    Args:
        forcing: The texts.
        score: The number that is explained.
        methods: The methods' names, each with its options.
        attribute_target: Encoder-decoders: explain by the target's earlier tokens too.
        report: Called with the steps done and the steps there are.
    """
    has_target = attribute_target or forcing.source is None
    attentions = Attentions() if "attention" in methods else None
    outputs: dict[str, list[StepOutputs]] = {}
    of_gradients = {name: methods[name] for name in GRADIENT_METHODS if name in methods}
    progress = Progress(forcing.steps * number_of_passes(forcing, methods), report)
    if of_gradients:
        found = run_gradients(forcing, score, of_gradients, has_target, attentions, progress)
        outputs.update({name: granular_outputs(rows) for name, rows in found.items()})
    if "integrated_gradients" in methods:
        own = methods["integrated_gradients"]
        rows = run_integrated_gradients(
            forcing, score, own, has_target=has_target, progress=progress
        )
        outputs["integrated_gradients"] = granular_outputs(rows)
    if "occlusion" in methods:
        rows = run_occlusion(forcing, score, has_target=has_target, progress=progress)
        outputs["occlusion"] = coarse_outputs(rows)
    if attentions is not None:
        if not of_gradients:
            attentions = read_attentions(forcing)
        outputs["attention"] = attention_outputs(forcing, attentions, has_target)
    return outputs


def number_of_passes(forcing: TeacherForcing, methods: Mapping[str, Options]) -> int:
    """Return how often the methods go through all steps, for the progress bar."""
    passes = int(any(method in methods for method in GRADIENT_METHODS))
    if "integrated_gradients" in methods:
        passes += number_of_groups(forcing, methods["integrated_gradients"])
    return passes + len(forcing.counts) * int("occlusion" in methods)


def run_gradients(
    forcing: TeacherForcing,
    score: str,
    methods: Mapping[str, Options],
    has_target: bool,
    attentions: Attentions | None,
    progress: Progress,
) -> dict[str, list[RowScores]]:
    """Return the scores of saliency and input times gradient from the same gradients.

    Saliency is the gradient's absolute value (Simonyan et al. 2014) for each embedding
    dimension; input times gradient is what it says. The definitions are Captum's.
    """
    scores = {method: empty_scores(forcing) for method in methods}
    for chunk in gradient_chunks(
        forcing, score, has_target=has_target, attentions=attentions, progress=progress
    ):
        both = (chunk.source, chunk.target)
        if "saliency" in scores:
            is_absolute = methods["saliency"].get("abs", True)
            made = [part.abs() if is_absolute and part is not None else part for part in both]
            append(scores["saliency"], forcing, chunk.start, *made)
        if "input_x_gradient" in scores:
            made = [times(chunk.source, forcing.source), times(chunk.target, forcing.target)]
            append(scores["input_x_gradient"], forcing, chunk.start, *made)
    return scores


def times(gradients: torch.Tensor | None, embeddings: torch.Tensor | None) -> torch.Tensor | None:
    """Return gradients `[step, row, position, hidden]` times what they are gradients of."""
    if gradients is None or embeddings is None:
        return None
    return gradients * embeddings[:, : gradients.shape[2]]


def granular_outputs(rows: list[RowScores]) -> list[StepOutputs]:
    """Return step outputs with one score for each embedding dimension."""
    from inseq.data import GranularFeatureAttributionStepOutput as Granular

    return [partial(row.step_output, Granular) for row in rows]


def coarse_outputs(rows: list[RowScores]) -> list[StepOutputs]:
    """Return step outputs with one score for each token."""
    from inseq.data import CoarseFeatureAttributionStepOutput as Coarse

    return [partial(row.step_output, Coarse) for row in rows]


def attention_outputs(
    forcing: TeacherForcing, attentions: Attentions, has_target: bool
) -> list[StepOutputs]:
    """Return the one step output that Inseq cuts into steps itself."""
    rows = range(len(forcing.counts))
    return [partial(attention_output, forcing, attentions, has_target, row) for row in rows]
