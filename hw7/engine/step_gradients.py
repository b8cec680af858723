"""Gradients of every generated token's score, from shared forward passes and autograd.

The graph of one forward pass serves all the steps of a chunk. Each step is a vector-Jacobian
product of it, and the products of a chunk are taken in one backward pass of batched operators.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from hw7.engine.step_scores import step_scores
from hw7.engine.teacher_forcing import HeadInput, TeacherForcing, run_decoder, run_encoder

# Numbers in the gradient of a layer's states, over all steps of a chunk: they should stay in the
# processor's cache. Measured between widths of 128 and 576 and 20 and 240 tokens on two cores.
NUMBERS_AT_ONCE = 2**20
STEPS_AT_ONCE = range(4, 64)


@dataclass(frozen=True)
class ChunkGradients:
    """The gradients of some consecutive steps.

    Attributes:
        start: The first step.
        gradients: Of the source embeddings `[step, point, source, hidden]`, or for decoder-only
            models of the target embeddings `[step, point, position, hidden]`, as many positions
            as the last step has read.
    """

    start: int
    gradients: torch.Tensor


@dataclass
class Attentions:
    """Attention weights of the one pass over everything, `[1, head, to, from]` for each layer."""

    encoder: Sequence[torch.Tensor] | None = None
    cross: Sequence[torch.Tensor] | None = None
    decoder: Sequence[torch.Tensor] | None = None


class AutogradEngine:
    """Step gradients by autograd, for every architecture."""

    def __init__(
        self, forcing: TeacherForcing, score: str, *, attentions: Attentions | None = None
    ) -> None:
        """Run the encoder, if there is one; it is not run again.

        Args:
            forcing: The text.
            score: The number that is differentiated.
            attentions: Filled with attention weights in passing; None where not wanted.
        """
        self.forcing = forcing
        self._score = score
        self._attentions = attentions
        self._source: torch.Tensor | None = None
        self._source_states: torch.Tensor | None = None
        if forcing.source is not None:
            with torch.enable_grad():
                self._source = forcing.source.detach().requires_grad_()
                self._source_states = self._encode(self._source)

    def _encode(self, source: torch.Tensor) -> torch.Tensor:
        """Return the encoder's states `[point, source, hidden]` with their graph."""
        is_wanted = self._attentions is not None
        output = run_encoder(self.forcing.network, source, output_attentions=is_wanted)
        if self._attentions is not None:
            self._attentions.encoder = detached(output.attentions)
        return output.last_hidden_state

    def best_chunk(self, start: int) -> int:
        """Return how many steps are fastest together.

        More steps share a forward pass and its operators; but each goes through the prefix of
        the chunk's last one, and their gradients should stay in the processor's cache.
        """
        numbers = self.forcing.points * self.forcing.positions * self.forcing.target.shape[-1]
        return max(STEPS_AT_ONCE.start, min(STEPS_AT_ONCE.stop, NUMBERS_AT_ONCE // numbers))

    def __call__(self, start: int, end: int) -> ChunkGradients:
        """Return the gradients of the steps from `start` to `end - 1`."""
        with torch.enable_grad():
            return ChunkGradients(start, self._gradients(start, end))

    def _gradients(self, start: int, end: int) -> torch.Tensor:
        forcing = self.forcing
        positions = forcing.predictions(start, end)
        target, states = forcing.target[:, : positions.stop].detach(), None
        if self._source_states is None:
            inputs = target.requires_grad_()
        else:
            # The chunks end here; one pass through the encoder's own graph follows.
            inputs = states = self._source_states.detach().requires_grad_()
        attentions = self._attentions if end == forcing.steps else None
        with HeadInput(forcing.network, positions) as head:
            output = run_decoder(
                forcing.network, target, states, output_attentions=attentions is not None
            )
        if attentions is not None:
            keep_attentions(attentions, output)
        at_head = score_gradients(forcing, self._score, start, end, output.logits, head.picked)
        vectors = spread(at_head, head.states, positions)
        gradients = vector_jacobian_products(head.states, inputs, vectors)
        if self._source is None or self._source_states is None:
            return gradients
        return vector_jacobian_products(self._source_states, self._source, gradients)


def score_gradients(
    forcing: TeacherForcing,
    score: str,
    start: int,
    end: int,
    logits: torch.Tensor,
    inputs: torch.Tensor,
) -> torch.Tensor:
    """Return the gradients of the steps' scores with respect to what the logits came from.

    A step's score depends on the state at its own position only, so one ordinary backward pass
    of the sum gives every step its gradient.

    Args:
        forcing: The text.
        score: The number that is differentiated.
        start: The first step.
        end: The first step that is not asked for.
        logits: `[point, step, vocabulary]`.
        inputs: What they came from, `[point, step, ...]`: the states the head read, or themselves.

    Returns:
        The shape of the inputs.
    """
    ids, compared = forcing.explained_ids(start, end), forcing.compared_ids(start, end)
    scores = step_scores(logits, ids, score, compared)
    return torch.autograd.grad(scores.sum(), inputs)[0]


def spread(at_head: torch.Tensor, states: torch.Tensor, positions: slice) -> torch.Tensor:
    """Put each step's gradient `[point, step, hidden]` at its own position, zeros elsewhere.

    Returns:
        `[step, point, position, hidden]`.
    """
    steps = torch.arange(at_head.shape[1], device=states.device)
    vectors = states.new_zeros(len(steps), *states.shape)
    vectors[steps, :, positions.start + steps] = at_head.transpose(0, 1).to(states.device)
    return vectors


def vector_jacobian_products(
    outputs: torch.Tensor, inputs: torch.Tensor, vectors: torch.Tensor
) -> torch.Tensor:
    """Return the product of each vector with the Jacobian of a graph.

    One backward pass of batched operators takes all of them. A loop over the vectors, which takes
    twice as long (the homework's sentence 22 instead of 12 ms, 20 tokens of SmolLM2 3.4 instead of
    1.8 s), is left to graphs with an operator that has no batched form.

    Args:
        outputs: `[point, ...]`, with the graph.
        inputs: `[point, ...]`, in the graph.
        vectors: `[step, *outputs]`.

    Returns:
        `[step, *inputs]`.
    """
    try:
        return torch.autograd.grad(
            outputs, inputs, vectors, is_grads_batched=True, retain_graph=True
        )[0]
    except RuntimeError as error:
        if "vmap" not in str(error):
            raise
    products = [
        torch.autograd.grad(outputs, inputs, vector, retain_graph=True)[0] for vector in vectors
    ]
    return torch.stack(products)


def keep_attentions(attentions: Attentions, output: Any) -> None:
    """Keep the attention weights of the decoder's pass."""
    if getattr(output, "cross_attentions", None):
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
            encoded = run_encoder(forcing.network, forcing.source, output_attentions=True)
            attentions.encoder = detached(encoded.attentions)
            states = encoded.last_hidden_state
        last = forcing.predictions(forcing.steps - 1, forcing.steps)
        with HeadInput(forcing.network, last):
            output = run_decoder(forcing.network, forcing.target, states, output_attentions=True)
        keep_attentions(attentions, output)
    return attentions
