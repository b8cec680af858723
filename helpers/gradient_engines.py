"""Choosing how gradients are computed, and running it chunk by chunk."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from helpers.chunks import chunk_size, run_in_chunks
from helpers.step_gradients import Attentions, AutogradEngine, ChunkGradients
from helpers.teacher_forcing import TeacherForcing

if TYPE_CHECKING:
    from tqdm import tqdm


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
    engine = AutogradEngine(forcing, score, has_target=has_target, attentions=attentions)
    size = chunk_size(engine.bytes_per_step(), forcing.target.device)
    for chunk in run_in_chunks(engine, forcing.steps, size):
        progress.update(chunk.steps)
        yield chunk
