"""Gradients of every generated token's score, from shared forward passes and autograd.

The graph of one forward pass serves all the steps of a chunk. Each step is a vector-Jacobian
product of it, and the products of a chunk are taken in one batch where that is faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from hw7.engine.pointwise_tail import first_module, gradients_before
from hw7.engine.recorder import Recorder
from hw7.engine.step_scores import step_scores
from hw7.engine.teacher_forcing import HeadInput, TeacherForcing, run_decoder, run_encoder
from hw7.engine.vector_jacobian import VectorJacobian

# Numbers in the gradient of a layer's states, over all steps of a chunk. Measured between widths
# of 128 and 576 and between 20 and 240 tokens on two cores.
NUMBERS_AT_ONCE = 2**20


@dataclass(frozen=True)
class ChunkGradients:
    """The gradients of some consecutive steps.

    Attributes:
        start: The first step.
        source: `[step, row, source, hidden]`; None for decoder-only models.
        target: `[step, row, position, hidden]`; None where the target is not explained.
    """

    start: int
    source: torch.Tensor | None
    target: torch.Tensor | None

    @property
    def steps(self) -> int:
        """The number of steps."""
        gradients = self.target if self.source is None else self.source
        return 0 if gradients is None else len(gradients)


@dataclass
class Attentions:
    """Attention weights of the one pass over everything, `[row, head, to, from]` for each layer."""

    encoder: Sequence[torch.Tensor] | None = None
    cross: Sequence[torch.Tensor] | None = None
    decoder: Sequence[torch.Tensor] | None = None


class AutogradEngine:
    """Step gradients by autograd, for every architecture."""

    def __init__(
        self,
        forcing: TeacherForcing,
        score: str,
        *,
        has_target: bool,
        attentions: Attentions | None = None,
        vector_jacobian: VectorJacobian | None = None,
        is_tail_apart: bool = False,
    ) -> None:
        """Run the encoder, if there is one; it is not run again.

        Args:
            forcing: The texts.
            score: The number that is differentiated.
            has_target: Whether gradients of the target embeddings are wanted.
            attentions: Filled with attention weights in passing; None where not wanted.
            vector_jacobian: Knows which way of going backward is faster.
            is_tail_apart: Go through the model's tail once for all steps; `has_tail` tells
                whether that can be.
        """
        self.forcing = forcing
        self._score = score
        self._has_target = has_target
        self._attentions = attentions
        self._vector_jacobian = vector_jacobian or VectorJacobian()
        self._is_tail_apart = is_tail_apart
        self._source: torch.Tensor | None = None
        self._source_states: torch.Tensor | None = None
        if forcing.source is not None:
            with torch.enable_grad():
                self._source = forcing.source.detach().requires_grad_()
                self._source_states = self._encode(self._source)

    def _encode(self, source: torch.Tensor) -> torch.Tensor:
        """Return the encoder's states `[row, source, hidden]` with their graph."""
        is_wanted = self._attentions is not None
        output = run_encoder(self.forcing, source, output_attentions=is_wanted)
        if self._attentions is not None:
            self._attentions.encoder = detached(output.attentions)
        return output.last_hidden_state

    def bytes_per_step(self) -> int:
        """Return about how much memory the backward pass of one more step takes."""
        rows, length, hidden = self.forcing.target.shape
        config = self.forcing.network.config
        source = 0 if self.forcing.source is None else self.forcing.source.shape[1]
        width = 8 * hidden + 3 * config.num_attention_heads * (length + source)
        return int(rows * (length + source) * width * self.forcing.target.element_size())

    def best_chunk(self, start: int) -> int:
        """Return how many steps are fastest together.

        More steps share a forward pass and its operators; but each goes through the prefix of
        the chunk's last one, and their gradients should stay in the processor's cache.
        """
        rows, length, hidden = self.forcing.target.shape
        source = 0 if self.forcing.source is None else self.forcing.source.shape[1]
        return max(4, min(64, NUMBERS_AT_ONCE // (rows * (length + source) * hidden)))

    def __call__(self, start: int, end: int) -> ChunkGradients:
        """Return the gradients of the steps from `start` to `end - 1`."""
        with torch.enable_grad():
            return self._gradients(start, end)

    def _gradients(self, start: int, end: int) -> ChunkGradients:
        forcing = self.forcing
        positions = forcing.prediction_positions(start, end)
        target = forcing.target[:, : int(positions.max()) + 1].detach()
        inputs = []
        if self._source_states is not None:
            # The chunks end here; one pass through the encoder's own graph follows.
            inputs.append(self._source_states.detach().requires_grad_())
        states = inputs[0] if inputs else None
        if self._has_target:
            inputs.append(target.requires_grad_())
        attentions = self._attentions if end == forcing.steps else None
        tail = Recorder([first_module(forcing.network)] if self._is_tail_apart else [], [])
        with HeadInput(forcing.network, positions) as head, tail:
            output = run_decoder(forcing, target, states, output_attentions=attentions is not None)
        if attentions is not None:
            keep_attentions(attentions, output)
        vectors = score_gradients(forcing, self._score, start, end, output.logits, head.picked)
        read = head.states
        for beginning in tail.inputs.values():
            vectors = gradients_before(beginning, read, vectors, positions)
            read = beginning
        gradients = self._vector_jacobian(read, inputs, vectors, positions)
        of_target = gradients[-1] if self._has_target else None
        if self._source is None or self._source_states is None:
            return ChunkGradients(start, None, of_target)
        of_source = self._vector_jacobian.dense(self._source_states, self._source, gradients[0])
        return ChunkGradients(start, of_source, of_target)


def score_gradients(
    forcing: TeacherForcing,
    score: str,
    start: int,
    end: int,
    logits: torch.Tensor,
    inputs: torch.Tensor,
) -> torch.Tensor:
    """Return the gradients of the steps' scores with respect to what the logits came from.

    Inputs and result are `[row, step, ...]`: the states that the head read, or the logits.

    A step's score depends on the state at its own position only, so one ordinary backward pass
    of the sum gives every step its gradient. Steps that a row does not have get zero.
    """
    contrast = forcing.contrast_ids
    ids = forcing.predicted_ids(start, end)
    if contrast is not None:
        contrast = contrast[:, start:end]
    scores = step_scores(logits, ids, score, contrast)
    scores = scores * forcing.is_explained(start, end).to(scores.device)
    return torch.autograd.grad(scores.sum(), inputs)[0]


def keep_attentions(attentions: Attentions, output: Any) -> None:
    """Keep the attention weights of the decoder's pass."""
    if hasattr(output, "cross_attentions") and output.cross_attentions:
        attentions.cross = detached(output.cross_attentions)
        attentions.decoder = detached(output.decoder_attentions)
    else:
        attentions.decoder = detached(output.attentions)


def detached(weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the weights without the graph they came from."""
    return [layer.detach() for layer in weights]


def read_attentions(forcing: TeacherForcing) -> Attentions:
    """Return the attention weights from one pass without gradients."""
    attentions = Attentions()
    with torch.no_grad():
        states = None
        if forcing.source is not None:
            encoded = run_encoder(forcing, forcing.source, output_attentions=True)
            attentions.encoder = detached(encoded.attentions)
            states = encoded.last_hidden_state
        positions = forcing.prediction_positions(0, forcing.steps)
        target = forcing.target[:, : int(positions.max()) + 1]
        with HeadInput(forcing.network, positions[:, -1:]):
            output = run_decoder(forcing, target, states, output_attentions=True)
        keep_attentions(attentions, output)
    return attentions
