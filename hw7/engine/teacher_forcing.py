"""Teacher forcing: one forward pass over a finished text that predicts each of its tokens.

A decoder is causal: the state at a position depends on nothing after it. One pass over the whole
text therefore holds the state that Inseq computes anew, from the prefix alone, for every token.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from inseq.data import BatchEncoding, DecoderOnlyBatch, EncoderDecoderBatch
    from inseq.models import AttributionModel


@dataclass(frozen=True)
class TeacherForcing:
    """A text whose generated tokens are explained; step `k` explains the `k`-th of them.

    Embeddings have one row for each *point*: one for the text itself, more where a method looks
    at several points of a path from a baseline to the text, or at variants of it.

    Attributes:
        network: The Transformers model.
        source: Source embeddings `[point, source, hidden]`; None for decoder-only models.
        target: Target embeddings `[point, position, hidden]`: the prompt, if there is one, and
            what was generated, but for the last token, which no prediction reads.
        target_ids: All target ids, `[position + 1]`.
        first: Position of the first explained token.
        source_ids: All source ids, `[source]`; none for decoder-only models.
        contrast_ids: The token that each step's token is compared with, None beyond the end of
            the contrast; None altogether without a contrast.
        baseline: What a token of the inputs is replaced by, embeddings `[1, position, hidden]`.
    """

    network: Any
    source: torch.Tensor | None
    target: torch.Tensor
    target_ids: torch.Tensor
    first: int
    source_ids: torch.Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    contrast_ids: list[int | None] | None = None
    baseline: torch.Tensor = field(default_factory=lambda: torch.empty(0))

    @property
    def inputs(self) -> torch.Tensor:
        """The embeddings of the tokens that get scores, of the source or else of the target."""
        return self.target if self.source is None else self.source

    @property
    def steps(self) -> int:
        """The number of steps, one for each generated token."""
        return len(self.target_ids) - self.first

    @property
    def points(self) -> int:
        """The number of rows."""
        return len(self.inputs)

    @property
    def positions(self) -> int:
        """The number of token positions in a row, source and target."""
        return self.target.shape[1] + (0 if self.source is None else self.source.shape[1])

    @property
    def prompt_ids(self) -> torch.Tensor:
        """The target ids before the first explained token, `[first]`."""
        return self.target_ids[: self.first]

    def predictions(self, start: int, end: int) -> slice:
        """Return the target positions that predict the tokens of steps `start` to `end - 1`."""
        return slice(self.first - 1 + start, self.first - 1 + end)

    def explained_ids(self, start: int, end: int) -> torch.Tensor:
        """Return the token ids of steps `start` to `end - 1`, `[step]`."""
        return self.target_ids[self.first + start : self.first + end]

    def compared_ids(self, start: int, end: int) -> torch.Tensor | None:
        """Return the ids that those tokens are compared with, `[step]`; None without a contrast.

        Beyond the contrast's end a token stands against itself: a difference of zero, whose
        scores the caller leaves empty.
        """
        if self.contrast_ids is None:
            return None
        ids = self.explained_ids(start, end).clone()
        for step, contrast in enumerate(self.contrast_ids[start:end]):
            if contrast is not None:
                ids[step] = contrast
        return ids


def contrast_ids(contrast: "BatchEncoding", first: int, steps: int) -> list[int | None]:
    """Return the token of another continuation that each step's token is compared with.

    Both continuations are counted from their start, the contrast's ids `[1, target]` from position
    `first` on. The prefix stays the generated one, so that only the predicted token differs (Yin
    and Neubig 2022, "Interpreting Language Models with Contrastive Explanations").

    Returns:
        `[step]`; None for the steps beyond the end of the contrast.
    """
    ids = contrast.input_ids[0, first : first + steps].tolist()
    return [*ids, *[None] * (steps - len(ids))]


class HeadInput:
    """Lets the output head read only the positions asked for, and keeps what it has read.

    The logits of one position depend only on the state there. So no logits are computed that
    nobody asked for, and `[position, vocabulary]` never enters the backward pass.

    Attributes:
        states: What the head would have read, `[point, position, hidden]`, with its graph.
        picked: The part that it has read, `[point, step, hidden]`, the beginning of a new graph.
    """

    def __init__(self, network: Any, positions: slice | torch.Tensor) -> None:
        """Choose the positions: the same in every row, or for each row its own `[point, step]`."""
        self._head = network.get_output_embeddings()
        self._positions = positions
        self._handle: Any = None
        self.states: torch.Tensor = torch.empty(0)
        self.picked: torch.Tensor = torch.empty(0)

    def __enter__(self) -> "HeadInput":
        self._handle = self._head.register_forward_pre_hook(self._pick)
        return self

    def __exit__(self, *error: object) -> None:
        self._handle.remove()

    def _pick(self, head: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        self.states = arguments[0]
        if isinstance(self._positions, slice):
            self.picked = self.states[:, self._positions].detach()
        else:
            index = self._positions.unsqueeze(-1).expand(-1, -1, self.states.shape[-1])
            self.picked = self.states.detach().gather(1, index.to(self.states.device))
        self.picked.requires_grad_(torch.is_grad_enabled())
        return (self.picked, *arguments[1:])


def run_encoder(network: Any, source: torch.Tensor, *, output_attentions: bool = False) -> Any:
    """Run the encoder on source embeddings `[point, source, hidden]`."""
    return network.get_encoder()(
        inputs_embeds=source,
        attention_mask=torch.ones(source.shape[:2], dtype=torch.long, device=source.device),
        output_attentions=output_attentions,
        return_dict=True,
    )


def run_decoder(
    network: Any,
    target: torch.Tensor,
    source_states: torch.Tensor | None,
    *,
    output_attentions: bool = False,
) -> Any:
    """Run the model on target embeddings `[point, position, hidden]`.

    The encoder's part is done already: `source_states` are its states `[point, source, hidden]`,
    None for decoder-only models.
    """
    settings = {"use_cache": False, "output_attentions": output_attentions, "return_dict": True}
    if source_states is None:
        return network(inputs_embeds=target, **settings)
    from transformers.modeling_outputs import BaseModelOutput

    mask = torch.ones(source_states.shape[:2], dtype=torch.long, device=source_states.device)
    return network(
        encoder_outputs=BaseModelOutput(last_hidden_state=source_states),
        attention_mask=mask,
        decoder_inputs_embeds=target,
        **settings,
    )


def teacher_forcing(
    model: "AttributionModel",
    batch: "EncoderDecoderBatch | DecoderOnlyBatch",
    first: int,
    contrast: "BatchEncoding | None" = None,
) -> TeacherForcing:
    """Lay out Inseq's batch of one text, embeddings included, for teacher forcing.

    `first` is the position of the first explained token; `contrast` another continuation to
    compare with, encoded as the target is.
    """
    inputs = batch.targets if model.is_encoder_decoder else batch
    sources = batch.sources if model.is_encoder_decoder else None
    ids = batch.target_ids[0]
    baseline = inputs.baseline_embeds[:, :-1] if sources is None else sources.baseline_embeds
    return TeacherForcing(
        network=model.model,
        source=None if sources is None else sources.input_embeds.detach(),
        target=inputs.input_embeds[:, :-1].detach(),
        target_ids=ids,
        first=first,
        source_ids=ids[:0] if sources is None else sources.input_ids[0],
        contrast_ids=None if contrast is None else contrast_ids(contrast, first, len(ids) - first),
        baseline=baseline.detach(),
    )
