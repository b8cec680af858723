"""Step gradients of Llama-like models: one forward pass, then a backward pass written out."""

from dataclasses import dataclass
from typing import Any

import torch

from hw7.engine.llama.backward import (
    add_attention_gradient,
    add_feed_forward_gradient,
    add_norm_gradient,
)
from hw7.engine.llama.layers import (
    AttentionState,
    FeedForwardState,
    NormState,
    attention_state,
    feed_forward_state,
    norm_state,
    recorder_of,
)
from hw7.engine.llama.matrix_products import FastLinear, product
from hw7.engine.llama.pair_rows import EndRows, PairRows
from hw7.engine.recorder import Recorder
from hw7.engine.step_gradients import Attentions, ChunkGradients, detached, score_gradients
from hw7.engine.teacher_forcing import HeadInput, TeacherForcing, run_decoder

# Rows from which on a matrix product runs at full speed; measured on two cores.
ROWS_AT_FULL_SPEED = {"cpu": 1024}
ROWS_ON_ACCELERATORS = 4096
# With several points of a path, chunks hold few steps, whose prefixes are about equally long: twice
# the rows take 6% less time then, where those of one text would take more.
ROWS_OF_A_PATH = 2

LLAMA_LIKE = frozenset({"llama", "mistral", "qwen2", "qwen3"})


@dataclass(frozen=True)
class ModelState:
    """What the texts left in all layers, and in the norm behind them."""

    layers: list[tuple[AttentionState, FeedForwardState]]
    norm: NormState


class LlamaEngine:
    """Computes step gradients like `AutogradEngine`, for Llama-like models only."""

    def __init__(
        self, forcing: TeacherForcing, score: str, *, attentions: Attentions | None = None
    ) -> None:
        """Run the model forward once.

        Args:
            forcing: The texts.
            score: The number that is differentiated.
            attentions: Filled with attention weights; None where not wanted.
        """
        self.forcing = forcing
        self._score = score
        network = forcing.network
        positions = forcing.prediction_positions(0, forcing.steps)
        target = forcing.target[:, : int(positions.max()) + 1]
        with torch.no_grad():
            watched = HeadInput(network, positions[:, :1])
            with FastLinear(), recorder_of(network) as recorder, watched as head:
                output = run_decoder(forcing, target, None, output_attentions=True)
            self._states = head.states
            self._state = model_state(network, recorder, output)
        if attentions is not None:
            attentions.decoder = detached(output.attentions)

    def bytes_per_step(self) -> int:
        """Return about how much memory the backward pass of one more step takes."""
        rows, length, hidden = self.forcing.target.shape
        config = self.forcing.network.config
        width = 4 * hidden + 2 * config.intermediate_size
        width += config.num_attention_heads * (length + 4 * config.head_dim)
        width = self.forcing.points * width + rows * hidden
        return int(width * length * self.forcing.target.element_size())

    def best_chunk(self, start: int) -> int:
        """Return how many steps are fastest together.

        As many as keep matrix products at full speed; more only take memory.
        """
        rows = ROWS_AT_FULL_SPEED.get(self.forcing.target.device.type, ROWS_ON_ACCELERATORS)
        if self.forcing.points > 1:
            rows *= ROWS_OF_A_PATH
        prefix, steps = int(self.forcing.first.max()) + start, 1
        while rows > 0:
            rows -= self.forcing.points * (prefix + steps)
            steps += 1
        return max(2, steps - 1)

    def __call__(self, start: int, end: int) -> ChunkGradients:
        """Return the gradients of the steps from `start` to `end - 1`."""
        forcing = self.forcing
        positions = forcing.prediction_positions(start, end)
        index = positions.unsqueeze(-1).expand(-1, -1, self._states.shape[-1])
        head = forcing.network.get_output_embeddings()
        with torch.no_grad(), FastLinear():
            logits = head(self._states.gather(1, index)).requires_grad_()
        with torch.enable_grad():
            of_logits = score_gradients(forcing, self._score, start, end, logits, logits)
        at_head = product(of_logits, head.weight.detach())
        del logits, of_logits
        shape = (end - start, len(positions), int(positions.max()) + 1, at_head.shape[-1])
        gradients = at_head.new_zeros(shape)
        with torch.no_grad():
            for text in range(len(positions) // forcing.points):
                # One text at all points of its path; their prefixes are equally long.
                rows = slice(text, None, len(positions) // forcing.points)
                found, pairs = text_gradients(self._state, at_head[rows], rows, positions[text])
                for step, (part, read) in enumerate(pairs.pieces(found)):
                    gradients[step][read] = part
        return ChunkGradients(start, None, gradients)


def model_state(network: Any, recorder: Recorder, output: Any) -> ModelState:
    """Return what the texts left in a model, from its forward pass; the recorder gives it away."""
    body = network.base_model
    cosines, sines = recorder.outputs[body.rotary_emb]
    # One table serves all texts, for all of them begin at position 0.
    rotation = (cosines[0], sines[0])
    layers = [
        (
            attention_state(layer, recorder, rotation, weights),
            feed_forward_state(layer, recorder),
        )
        for layer, weights in zip(body.layers, output.attentions, strict=True)
    ]
    return ModelState(layers, norm_state(body.norm, recorder.inputs[body.norm]))


def text_gradients(
    state: ModelState, at_head: torch.Tensor, texts: slice, positions: torch.Tensor
) -> tuple[torch.Tensor, PairRows]:
    """Return gradients `[pair, hidden]`, and which pairs of text, step and position they are.

    Args:
        state: What the texts left in the model.
        at_head: Each step's gradient at the head's input, `[text, step, hidden]`.
        texts: Which texts these are; their prefixes are equally long.
        positions: Where that is, `[step]`.
    """
    ends = EndRows(texts, len(at_head), positions)
    rows = PairRows(texts, len(at_head), positions)
    at_ends = at_head.flatten(0, 1)
    total = torch.zeros_like(at_ends)
    width = state.layers[0][1].gate.shape[-1]
    spare = at_ends.new_empty(len(rows), width)
    add_norm_gradient(total, at_ends.clone(), state.norm, ends)
    (last_attention, last_feed_forward), *others = reversed(state.layers)
    # Before the last attention, a step's score depends on nothing but its own position.
    add_feed_forward_gradient(total, last_feed_forward, ends, spare)
    total = rows.placed(total)
    add_attention_gradient(total, last_attention, rows)
    for attention, feed_forward in others:
        add_feed_forward_gradient(total, feed_forward, rows, spare)
        add_attention_gradient(total, attention, rows)
    return total, rows


def fits(forcing: TeacherForcing) -> bool:
    """Tell whether the model is one whose backward pass is written out here.

    Its projections must be plain and on one device, in a precision in which the order of sums
    does not matter. Other models go through autograd.
    """
    network = forcing.network
    if network.config.model_type not in LLAMA_LIKE:
        return False
    if forcing.target.dtype not in (torch.float32, torch.float64):
        return False
    projections = [
        module for name, module in network.named_modules() if name.endswith(("_proj", "lm_head"))
    ]
    is_plain = all(type(module) is torch.nn.Linear for module in projections)
    devices = {parameter.device for parameter in network.parameters()}
    return is_plain and devices == {forcing.target.device}
