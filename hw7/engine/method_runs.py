"""What each method makes of the shared forward and backward passes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.ablation import run_ablation
from hw7.engine.gradient_engines import gradient_chunks
from hw7.engine.integrated_gradients import number_of_groups, run_integrated_gradients
from hw7.engine.occlusion import run_occlusion
from hw7.engine.progress import Progress, Report
from hw7.engine.rollout import run_rollout
from hw7.engine.step_gradients import Attentions, read_attentions
from hw7.engine.step_outputs import StepScores, attention_output
from hw7.engine.teacher_forcing import TeacherForcing
from hw7.engine.value_zeroing import value_zeroing_output

if TYPE_CHECKING:
    from inseq.data.attribution import FeatureAttributionStepOutput

Options = Mapping[str, Any]

ONE_PASS_METHODS = ("occlusion", "ablation", "attention_rollout", "value_zeroing")
GRADIENT_METHODS = ("saliency", "input_x_gradient")


def scores_of_methods(
    forcing: TeacherForcing, score: str, methods: Mapping[str, Options], report: Report | None
) -> "dict[str, StepScores | FeatureAttributionStepOutput]":
    """Return the scores of each method, given with its options.

    Those of attention and of value zeroing are Inseq's one step output that holds all steps.
    """
    progress = Progress(forcing.steps * number_of_passes(forcing, methods), report)
    of_gradients = {name: methods[name] for name in GRADIENT_METHODS if name in methods}
    is_reading = "attention" in methods or "attention_rollout" in methods
    attentions = Attentions() if is_reading else None
    outputs: dict[str, StepScores | FeatureAttributionStepOutput] = {}
    if of_gradients:
        outputs.update(run_gradients(forcing, score, of_gradients, attentions, progress))
    elif is_reading:
        attentions = read_attentions(forcing)
    if (own := methods.get("integrated_gradients")) is not None:
        outputs["integrated_gradients"] = run_integrated_gradients(forcing, score, own, progress)
    if "occlusion" in methods:
        outputs["occlusion"] = run_occlusion(forcing, score, progress)
    if (own := methods.get("ablation")) is not None:
        outputs["ablation"] = run_ablation(forcing, score, own, progress)
    if attentions is not None and "attention_rollout" in methods:
        outputs["attention_rollout"] = run_rollout(forcing, attentions, progress)
    if attentions is not None and "attention" in methods:
        outputs["attention"] = attention_output(forcing, attentions)
    if (own := methods.get("value_zeroing")) is not None:
        outputs["value_zeroing"] = value_zeroing_output(forcing, own)
        progress.update(forcing.steps)
    return outputs


def number_of_passes(forcing: TeacherForcing, methods: Mapping[str, Options]) -> int:
    """Return how often the methods go through all steps, for the report of progress."""
    passes = int(any(method in methods for method in GRADIENT_METHODS))
    if "integrated_gradients" in methods:
        passes += number_of_groups(forcing, methods["integrated_gradients"])
    return passes + sum(method in methods for method in ONE_PASS_METHODS)


def run_gradients(
    forcing: TeacherForcing,
    score: str,
    methods: Mapping[str, Options],
    attentions: Attentions | None,
    progress: Progress,
) -> dict[str, StepScores]:
    """Return the scores of saliency and input times gradient from the same gradients.

    Saliency is the gradient's absolute value (Simonyan et al. 2014) for each embedding
    dimension; input times gradient is what it says. The definitions are Captum's.

    Returns:
        For each method and step `[source or prefix, hidden]`.
    """
    scores = {method: StepScores(forcing) for method in methods}
    for chunk in gradient_chunks(forcing, score, progress, attentions=attentions):
        gradients = chunk.gradients[:, 0]
        if "saliency" in scores:
            is_absolute = methods["saliency"].get("abs", True)
            scores["saliency"].append(gradients.abs() if is_absolute else gradients)
        if "input_x_gradient" in scores:
            products: torch.Tensor = gradients * forcing.inputs[0, : gradients.shape[1]]
            scores["input_x_gradient"].append(products)
    return scores
