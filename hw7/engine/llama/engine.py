"""Step gradients of Llama-like models: one forward pass, then a backward pass written out."""

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import linear

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
from hw7.engine.llama.pair_rows import PairRows
from hw7.engine.llama.recorder import Recorder
from hw7.engine.step_gradients import Attentions, ChunkGradients, detached, score_gradients
from hw7.engine.teacher_forcing import HeadInput, TeacherForcing, run_decoder

# Rows from which on a matrix product runs at full speed; measured on two cores.
ROWS_AT_FULL_SPEED = {"cpu": 1024}
ROWS_ON_ACCELERATORS = 4096
# With several points of a path, chunks hold few steps, whose prefixes are about equally long: twice
# the rows take 6% less time then, where those of one text would take more.
ROWS_OF_A_PATH = 2

# Tokens of the vocabulary that a product with the output head takes at once.
TOKENS_AT_ONCE = 1024

LLAMA_LIKE = frozenset({"llama", "mistral", "qwen2", "qwen3"})


@dataclass(frozen=True)
class ModelState:
    """What the text left in all layers, and in the norm behind them."""

    layers: list[tuple[AttentionState, FeedForwardState]]
    norm: NormState


class LlamaEngine:
    """Computes step gradients like `AutogradEngine`, for Llama-like models only."""

    def __init__(
        self, forcing: TeacherForcing, score: str, *, attentions: Attentions | None = None
    ) -> None:
        """Run the model forward once; what is given is as for `AutogradEngine`."""
        self.forcing = forcing
        self._score = score
        network = forcing.network
        # The head reads nothing here: each chunk asks for its own positions.
        watched = HeadInput(network, slice(0, 0))
        with torch.no_grad(), recorder_of(network) as recorder, watched as head:
            output = run_decoder(network, forcing.target, None, output_attentions=True)
            self._states = head.states
            self._state = model_state(network, recorder, output)
        if attentions is not None:
            attentions.decoder = detached(output.attentions)

    def best_chunk(self, start: int) -> int:
        """Return how many steps are fastest together.

        As many as keep matrix products at full speed; more only take memory.
        """
        rows = ROWS_AT_FULL_SPEED.get(self.forcing.target.device.type, ROWS_ON_ACCELERATORS)
        if self.forcing.points > 1:
            rows *= ROWS_OF_A_PATH
        prefix, steps = self.forcing.first + start, 1
        while rows > 0:
            rows -= self.forcing.points * (prefix + steps)
            steps += 1
        return max(2, steps - 1)

    def __call__(self, start: int, end: int) -> ChunkGradients:
        """Return the gradients of the steps from `start` to `end - 1`."""
        positions = self.forcing.predictions(start, end)
        head = self.forcing.network.get_output_embeddings()
        with torch.no_grad():
            logits = logits_of(self._states[:, positions], head.weight).requires_grad_()
        with torch.enable_grad():
            of_logits = score_gradients(self.forcing, self._score, start, end, logits, logits)
        with torch.no_grad():
            at_head = of_logits @ head.weight
            del logits, of_logits
            ends = range(positions.start, positions.stop)
            gradients = text_gradients(self._state, at_head, ends)
        return ChunkGradients(start, gradients)


def logits_of(states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the logits `[point, step, vocabulary]` of states `[point, step, hidden]`.

    Few rows times a whole vocabulary of 151,936 take 1.6 times as long as part by part.
    """
    return torch.cat([linear(states, part) for part in weight.split(TOKENS_AT_ONCE)], dim=-1)


def model_state(network: Any, recorder: Recorder, output: Any) -> ModelState:
    """Return what the text left in a model, from its forward pass; the recorder gives it away."""
    body = network.base_model
    cosines, sines = recorder.outputs[body.rotary_emb]
    # One table serves all points, for all of them begin at position 0.
    rotation = (cosines[0], sines[0])
    layers = [
        (
            attention_state(layer, recorder, rotation, weights),
            feed_forward_state(layer, recorder),
        )
        for layer, weights in zip(body.layers, output.attentions, strict=True)
    ]
    return ModelState(layers, norm_state(body.norm, recorder.inputs[body.norm]))


def text_gradients(state: ModelState, at_head: torch.Tensor, ends: range) -> torch.Tensor:
    """Return the gradients of the embeddings, `[step, point, position, hidden]`.

    Args:
        state: What the text left in the model.
        at_head: Each step's gradient at the head's input, `[point, step, hidden]`.
        ends: At which position that is, for each step.
    """
    points, length, _ = state.norm.normed.shape
    at_ends = PairRows(points, length, ends, at_head.device, has_only_ends=True)
    rows = PairRows(points, length, ends, at_head.device)
    beginning = at_head.flatten(0, 1)
    total = torch.zeros_like(beginning)
    add_norm_gradient(total, beginning.clone(), state.norm, at_ends)
    (last_attention, last_feed_forward), *others = reversed(state.layers)
    # Before the last attention, a step's score depends on nothing but its own position.
    add_feed_forward_gradient(total, last_feed_forward, at_ends)
    total = rows.from_ends(total)
    add_attention_gradient(total, last_attention, rows)
    for attention, feed_forward in others:
        add_feed_forward_gradient(total, feed_forward, rows)
        add_attention_gradient(total, attention, rows)
    return rows.by_step(total)


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
    has_plain_head = is_plain and network.get_output_embeddings().bias is None
    return has_plain_head and devices == {forcing.target.device}
