"""Choosing how gradients are computed, and running it chunk by chunk."""

import warnings
import weakref
from collections.abc import Iterator
from typing import Any

from hw7.engine.chunks import run_in_chunks
from hw7.engine.llama.engine import LlamaEngine, fits
from hw7.engine.llama.twin import fault_of
from hw7.engine.progress import Progress
from hw7.engine.step_gradients import Attentions, AutogradEngine, ChunkGradients
from hw7.engine.teacher_forcing import TeacherForcing

_is_sound: "weakref.WeakKeyDictionary[Any, bool]" = weakref.WeakKeyDictionary()


def gradient_chunks(
    forcing: TeacherForcing,
    score: str,
    progress: Progress,
    *,
    attentions: Attentions | None = None,
) -> Iterator[ChunkGradients]:
    """Yield the gradients of all steps, chunk by chunk.

    Args:
        forcing: The text.
        score: The number that is differentiated.
        progress: Moved on by each step.
        attentions: Filled with attention weights in passing; None where not wanted.
    """
    engine: LlamaEngine | AutogradEngine
    if fits(forcing) and is_sound(forcing.network):
        engine = LlamaEngine(forcing, score, attentions=attentions)
    else:
        engine = AutogradEngine(forcing, score, attentions=attentions)
    for chunk in run_in_chunks(engine, forcing.steps, engine.best_chunk):
        progress.update(len(chunk.gradients))
        yield chunk


def is_sound(network: Any) -> bool:
    """Tell whether the backward pass written out for a model gives autograd's gradients.

    Compared once for each model, on a twin small enough to cost milliseconds. A version of
    Transformers that computes something else is noticed here, and goes through autograd.
    """
    if network not in _is_sound:
        fault = fault_of(network)
        _is_sound[network] = fault is None
        if fault is not None:
            warnings.warn(
                f"{type(network).__name__} computes something in another way than expected "
                f"({fault}); its gradients are taken with autograd, exact as well but slower.",
                stacklevel=2,
            )
    return _is_sound[network]
