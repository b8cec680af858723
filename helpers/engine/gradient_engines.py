"""Choosing how gradients are computed, and running it chunk by chunk."""

import warnings
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from helpers.engine.chunks import chunk_size, run_in_chunks
from helpers.engine.llama_engine import LlamaEngine, fits
from helpers.engine.step_gradients import Attentions, AutogradEngine, ChunkGradients
from helpers.engine.teacher_forcing import TeacherForcing
from helpers.engine.vector_jacobian import VectorJacobian

if TYPE_CHECKING:
    from tqdm import tqdm

# How far the written-out backward pass may be from autograd's, relative to the largest gradient.
# Their sums run in different orders; a forgotten term would be off by a thousand times as much.
RELATIVE_TOLERANCE = 1e-3

# Tokens of the text on which the two are compared.
TOKENS_COMPARED = 6

_agreements: "weakref.WeakKeyDictionary[Any, bool]" = weakref.WeakKeyDictionary()
_vector_jacobians: "weakref.WeakKeyDictionary[Any, dict[int, VectorJacobian]]" = (
    weakref.WeakKeyDictionary()
)


def gradient_chunks(
    forcing: TeacherForcing,
    score: str,
    *,
    has_target: bool,
    attentions: Attentions | None,
    progress: "tqdm[Any]",
) -> Iterator[ChunkGradients]:
    """Yield the gradients of all steps, chunk by chunk.

    Args:
        forcing: The texts.
        score: The number that is differentiated.
        has_target: Whether gradients of the target embeddings are wanted.
        attentions: Filled with attention weights in passing; None where not wanted.
        progress: Moved on by each step.
    """
    engine: LlamaEngine | AutogradEngine
    if fits(forcing) and agrees_with_autograd(forcing):
        engine = LlamaEngine(forcing, score, attentions=attentions)
    else:
        engine = AutogradEngine(
            forcing,
            score,
            has_target=has_target,
            attentions=attentions,
            vector_jacobian=measured_before(forcing),
        )
    fitting = chunk_size(engine.bytes_per_step(), forcing.target.device, most=forcing.steps)
    for chunk in run_in_chunks(
        engine, forcing.steps, lambda start: min(fitting, engine.best_chunk(start))
    ):
        progress.update(chunk.steps)
        yield chunk


def measured_before(forcing: TeacherForcing) -> VectorJacobian:
    """Return the way of going backward that was measured for texts about as long, if any was."""
    rows, length, _ = forcing.target.shape
    of_network = _vector_jacobians.setdefault(forcing.network, {})
    return of_network.setdefault((rows * length).bit_length(), VectorJacobian())


def agrees_with_autograd(forcing: TeacherForcing) -> bool:
    """Tell whether the written-out backward pass gives autograd's gradients for this model.

    Compared once for each model, on the beginning of its first text. A version of Transformers
    that computes something else is noticed here, and goes through autograd.
    """
    network = forcing.network
    if network not in _agreements:
        beginning = beginning_of(forcing)
        ours = LlamaEngine(beginning, "logit")(0, 1).target
        theirs = AutogradEngine(beginning, "logit", has_target=True)(0, 1).target
        if ours is None or theirs is None:
            raise ValueError("Gradients of the target need the target.")
        distance = (ours - theirs).abs().max()
        _agreements[network] = bool(distance <= RELATIVE_TOLERANCE * theirs.abs().max())
        if not _agreements[network]:
            warnings.warn(
                f"{type(network).__name__} computes something in another way than expected; its "
                "gradients are taken with autograd, exact as well but slower.",
                stacklevel=2,
            )
    return _agreements[network]


def beginning_of(forcing: TeacherForcing) -> TeacherForcing:
    """Return the first tokens of the first text, the last of them explained."""
    ids = forcing.target_ids[:1, :TOKENS_COMPARED]
    return replace(
        forcing,
        target=forcing.target[:1, :TOKENS_COMPARED],
        target_ids=ids,
        first=forcing.first.new_tensor([ids.shape[1] - 1]),
        counts=[1],
        contrast_ids=None,
    )
