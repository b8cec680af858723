"""The scores of one text as they are computed, and as Inseq's step outputs."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.teacher_forcing import TeacherForcing

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


def append(
    scores: list[RowScores],
    forcing: TeacherForcing,
    start: int,
    source: torch.Tensor | None,
    target: torch.Tensor | None,
) -> None:
    """Append the scores of consecutive steps, without what stands for padding.

    Args:
        scores: One for each text.
        forcing: The texts.
        start: The first of the steps.
        source: `[step, row, source, ...]`, or None.
        target: `[step, row, position, ...]`, or None.
    """
    source = None if source is None else source.to("cpu")
    target = None if target is None else target.to("cpu")
    lengths = source_lengths(forcing)
    for row, scored in enumerate(scores):
        for step in range(forcing.counts[row] - start):
            if source is not None and step < len(source):
                scored.source.append(source[step, row, : lengths[row]].clone())
            if target is not None and step < len(target):
                prefix = scored.first + start + step
                scored.target.append(target[step, row, :prefix].clone())
