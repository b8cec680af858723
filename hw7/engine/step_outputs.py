"""The scores of one text as they are computed, and as Inseq's step outputs."""

from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.step_gradients import Attentions
from hw7.engine.teacher_forcing import TeacherForcing

if TYPE_CHECKING:
    from inseq.data.attribution import FeatureAttributionStepOutput


class StepScores:
    """The scores of each step, `[source, ...]` or for decoder-only models `[prefix, ...]`.

    They lie on the CPU, and keep nothing of what was computed beyond a step's own prefix.

    Attributes:
        steps: The scores of each step.
        information: What else the method has to say, for the information of Inseq's output.
    """

    def __init__(self, forcing: TeacherForcing) -> None:
        """Make room for the scores of a text."""
        self._first = forcing.first
        self._is_decoder_only = forcing.source is None
        self.steps: list[torch.Tensor] = []
        self.information: dict[str, Any] = {}

    def append(self, scores: torch.Tensor) -> None:
        """Append consecutive steps, `[step, position, ...]`."""
        for row in scores.to("cpu"):
            end = self._first + len(self.steps) if self._is_decoder_only else len(row)
            self.steps.append(row[:end].clone())

    def add(self, others: "StepScores") -> None:
        """Add the scores of the same steps; where there are none yet, these are the first."""
        pairs = zip(self.steps or map(torch.zeros_like, others.steps), others.steps, strict=True)
        self.steps = [mine + addend for mine, addend in pairs]

    def multiply(self, factors: torch.Tensor) -> None:
        """Multiply each step's scores by factors of the positions, `[position, ...]`."""
        for step in self.steps:
            step *= factors[: len(step)].to("cpu")

    def outputs(self) -> "list[FeatureAttributionStepOutput]":
        """Return the steps as Inseq's step outputs, of one score a token or of one a dimension."""
        from inseq.data import (
            CoarseFeatureAttributionStepOutput,
            GranularFeatureAttributionStepOutput,
        )

        kinds = (CoarseFeatureAttributionStepOutput, GranularFeatureAttributionStepOutput)
        kind: Any = kinds[self.steps[0].dim() > 1]
        scored, other = "source_attributions", "target_attributions"
        if self._is_decoder_only:
            scored, other = other, scored
        return [kind(**{scored: step[None], other: None}) for step in self.steps]


def attention_output(
    forcing: TeacherForcing, attentions: Attentions
) -> "FeatureAttributionStepOutput":
    """Return the weights of all layers and heads, put in order by Inseq itself.

    The one output holds all steps; Inseq cuts it into them.
    """
    from inseq.attr.feat.internals_attribution import AttentionWeightsAttribution

    class _Kind:
        is_encoder_decoder = forcing.source is not None

    weights = {"decoder_self_attentions": _stacked(attentions.decoder)}
    if forcing.source is not None:
        weights["encoder_self_attentions"] = _stacked(attentions.encoder)
        weights["cross_attentions"] = _stacked(attentions.cross)
    reader = AttentionWeightsAttribution.AttentionWeights(_Kind())
    return reader.attribute(inputs=(None,), additional_forward_args=(), **weights)


def _stacked(layers: Any) -> torch.Tensor:
    """Return `[1, layer, head, to, from]` on the CPU."""
    return torch.stack([layer.to("cpu") for layer in layers], dim=1)
