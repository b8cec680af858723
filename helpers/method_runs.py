"""What each method makes of the shared forward and backward passes."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from helpers.attention_scores import attention_output
from helpers.chunks import chunk_size, run_in_chunks
from helpers.inseq_outputs import StepOutputs
from helpers.row_scores import RowScores, collect, empty_scores
from helpers.step_gradients import Attentions, AutogradEngine, ChunkGradients, read_attentions
from helpers.teacher_forcing import TeacherForcing

if TYPE_CHECKING:
    from tqdm import tqdm

Options = Mapping[str, Any]

GRADIENT_METHODS = ("saliency", "input_x_gradient")


def scores_of_methods(
    forcing: TeacherForcing,
    score: str,
    methods: Mapping[str, Options],
    *,
    attribute_target: bool,
    show_progress: bool,
) -> dict[str, list[StepOutputs]]:
    """Return, for each method and each text, the step output that follows a prefix.

    Args:
        forcing: The texts.
        score: The number that is explained.
        methods: The methods' names, each with its options.
        attribute_target: Encoder-decoders: explain by the target's earlier tokens too.
        show_progress: Show a progress bar.
    """
    from tqdm.auto import tqdm

    has_target = attribute_target or forcing.source is None
    attentions = Attentions() if "attention" in methods else None
    outputs: dict[str, list[StepOutputs]] = {}
    of_gradients = {name: methods[name] for name in GRADIENT_METHODS if name in methods}
    with tqdm(total=forcing.steps, disable=not show_progress, desc="Attributing") as progress:
        if of_gradients:
            found = run_gradients(forcing, score, of_gradients, has_target, attentions, progress)
            outputs.update({name: granular_outputs(rows) for name, rows in found.items()})
    if attentions is not None:
        if not of_gradients:
            attentions = read_attentions(forcing)
        outputs["attention"] = attention_outputs(forcing, attentions, has_target)
    return outputs


def run_gradients(
    forcing: TeacherForcing,
    score: str,
    methods: Mapping[str, Options],
    has_target: bool,
    attentions: Attentions | None,
    progress: "tqdm[Any]",
) -> dict[str, list[RowScores]]:
    """Return the scores of saliency and input times gradient from the same gradients.

    Saliency is the gradient's absolute value (Simonyan et al. 2014) for each embedding
    dimension; input times gradient is what it says. The definitions are Captum's.
    """
    scores = {method: empty_scores(forcing) for method in methods}
    for chunk in gradient_chunks(forcing, score, has_target, attentions, progress):
        if "saliency" in scores:
            is_absolute = methods["saliency"].get("abs", True)
            change = torch.abs if is_absolute else torch.Tensor.detach
            collect(scores["saliency"], forcing, chunk, change, change)
        if "input_x_gradient" in scores:
            collect(
                scores["input_x_gradient"],
                forcing,
                chunk,
                partial(times, forcing.source),
                partial(times, forcing.target),
            )
    return scores


def times(embeddings: torch.Tensor | None, gradients: torch.Tensor) -> torch.Tensor:
    """Return gradients `[step, row, position, hidden]` times what they are gradients of."""
    if embeddings is None:
        raise ValueError("Gradients of the source need the source.")
    return gradients * embeddings[:, : gradients.shape[2]]


def gradient_chunks(
    forcing: TeacherForcing,
    score: str,
    has_target: bool,
    attentions: Attentions | None,
    progress: "tqdm[Any]",
) -> Iterator[ChunkGradients]:
    """Yield the gradients of all steps, chunk by chunk."""
    engine = AutogradEngine(forcing, score, has_target=has_target, attentions=attentions)
    size = chunk_size(engine.bytes_per_step(), forcing.target.device)
    for chunk in run_in_chunks(engine, forcing.steps, size):
        progress.update(chunk.steps)
        yield chunk


def granular_outputs(rows: list[RowScores]) -> list[StepOutputs]:
    """Return step outputs with one score for each embedding dimension."""
    from inseq.data import GranularFeatureAttributionStepOutput as Granular

    return [partial(row.step_output, Granular) for row in rows]


def attention_outputs(
    forcing: TeacherForcing, attentions: Attentions, has_target: bool
) -> list[StepOutputs]:
    """Return the one step output that Inseq cuts into steps itself."""
    rows = range(len(forcing.counts))
    return [partial(attention_output, forcing, attentions, has_target, row) for row in rows]
