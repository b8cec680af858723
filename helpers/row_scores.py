"""The scores of one text as they are computed, and as Inseq's step outputs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from helpers.step_gradients import ChunkGradients
from helpers.teacher_forcing import TeacherForcing

if TYPE_CHECKING:
    from inseq.data.attribution import FeatureAttributionStepOutput


@dataclass
class RowScores:
    """The scores of one text, step by step, on the CPU.

    Attributes:
        first: Length of the prefix of the first step.
        source: `[source, ...]` for each step; empty for decoder-only models.
        target: `[prefix, ...]` for each step; empty where the target is not explained.
    """

    first: int
    source: list[torch.Tensor] = field(default_factory=list)
    target: list[torch.Tensor] = field(default_factory=list)

    def step_output(self, kind: Any, prefix: int) -> "FeatureAttributionStepOutput":
        """Return the step that follows a prefix as Inseq's step output of class `kind`."""
        step = prefix - self.first
        return kind(
            source_attributions=self.source[step][None] if self.source else None,
            target_attributions=self.target[step][None] if self.target else None,
        )


def empty_scores(forcing: TeacherForcing) -> list[RowScores]:
    """Return room for the scores of every text."""
    return [RowScores(first) for first in forcing.first.tolist()]


def source_lengths(forcing: TeacherForcing) -> list[int]:
    """Return how many source tokens each text has."""
    if forcing.source_mask is None:
        return [0] * len(forcing.counts)
    return forcing.source_mask.sum(dim=1).tolist()


def collect(
    scores: list[RowScores],
    forcing: TeacherForcing,
    chunk: ChunkGradients,
    of_source: Callable[[torch.Tensor], torch.Tensor],
    of_target: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """Cut the padding off a chunk's gradients and append what a method makes of them.

    Args:
        scores: One for each text; appended to.
        forcing: The texts.
        chunk: Gradients `[step, row, position, hidden]`.
        of_source: Makes scores of source gradients.
        of_target: Makes scores of target gradients `[step, row, position, hidden]`.
    """
    source = None if chunk.source is None else of_source(chunk.source).to("cpu")
    target = None if chunk.target is None else of_target(chunk.target).to("cpu")
    lengths = source_lengths(forcing)
    for row, scored in enumerate(scores):
        steps = range(min(chunk.steps, forcing.counts[row] - chunk.start))
        for step in steps:
            prefix = scored.first + chunk.start + step
            if source is not None:
                scored.source.append(source[step, row, : lengths[row]].clone())
            if target is not None:
                scored.target.append(target[step, row, :prefix].clone())
