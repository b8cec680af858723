"""Choosing how gradients are computed, and running it chunk by chunk."""

import warnings
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from hw7.engine.capacity import is_out_of_memory
from hw7.engine.chunks import chunk_size, run_in_chunks
from hw7.engine.llama.engine import LlamaEngine, fits
from hw7.engine.pointwise_tail import has_tail
from hw7.engine.progress import Progress
from hw7.engine.step_gradients import Attentions, AutogradEngine, ChunkGradients
from hw7.engine.teacher_forcing import TeacherForcing
from hw7.engine.vector_jacobian import VectorJacobian

# How far a shortcut may be from plain autograd, relative to the largest gradient. Their sums run
# in different orders; a forgotten term would be off by a thousand times as much.
RELATIVE_TOLERANCE = 1e-3

# Tokens of the text on which the two are compared, and how many of them are explained: two steps
# show whether one leaks into the other. The comparison is part of the first explanation's time.
TOKENS_COMPARED = 6
STEPS_COMPARED = 2

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
    progress: Progress,
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
    is_short = agrees_with_autograd(forcing)
    if is_short and fits(forcing):
        engine = LlamaEngine(forcing, score, attentions=attentions)
    else:
        engine = AutogradEngine(
            forcing,
            score,
            has_target=has_target,
            attentions=attentions,
            vector_jacobian=measured_before(forcing),
            is_tail_apart=is_short,
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
    """Tell whether the shortcut for this family of models gives plain autograd's gradients.

    Compared once for each model, on the beginning of its first text. A version of Transformers
    that computes something else is noticed here, and goes through plain autograd.

    Returns:
        Whether to take the shortcut; False where there is none.
    """
    network = forcing.network
    if not fits(forcing) and not has_tail(forcing):
        return False
    if network not in _agreements:
        reason = difference_from_autograd(beginning_of(forcing))
        _agreements[network] = reason is None
        if reason is not None:
            warnings.warn(
                f"{type(network).__name__} computes something in another way than expected "
                f"({reason}); its gradients are taken with autograd, exact as well but slower.",
                stacklevel=2,
            )
    return _agreements[network]


def difference_from_autograd(text: TeacherForcing) -> str | None:
    """Return None where the shortcut gives plain autograd's gradients, otherwise what it does."""
    plain = AutogradEngine(text, "logit", has_target=True)(0, text.steps)
    try:
        engine: LlamaEngine | AutogradEngine = (
            LlamaEngine(text, "logit")
            if fits(text)
            else AutogradEngine(text, "logit", has_target=True, is_tail_apart=True)
        )
        short = engine(0, text.steps)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        # Modules of this version are called or shaped otherwise.
        return f"{type(error).__name__}: {error}"
    return None if are_alike(short, plain) else "the gradients differ"


def are_alike(ours: ChunkGradients, theirs: ChunkGradients) -> bool:
    """Tell whether two ways of computing the same gradients agree."""
    for mine, reference in ((ours.source, theirs.source), (ours.target, theirs.target)):
        if mine is None or reference is None:
            continue
        distance = (mine - reference).abs().max()
        # Not `>`, which a gradient that is not a number would pass.
        if not distance <= RELATIVE_TOLERANCE * reference.abs().max():
            return False
    return True


def beginning_of(forcing: TeacherForcing) -> TeacherForcing:
    """Return the first tokens of the first text, the last of them explained."""

    def first_row(tensor: torch.Tensor | None) -> Any:
        return None if tensor is None else tensor[:1]

    ids = forcing.target_ids[:1, :TOKENS_COMPARED]
    steps = min(STEPS_COMPARED, ids.shape[1] - 1)
    return replace(
        forcing,
        source=first_row(forcing.source),
        source_mask=first_row(forcing.source_mask),
        target=forcing.target[:1, :TOKENS_COMPARED],
        target_ids=ids,
        first=forcing.first.new_tensor([ids.shape[1] - steps]),
        counts=[steps],
        contrast_ids=None,
        points=1,
    )
