"""Teacher forcing: one forward pass over a finished text that predicts each of its tokens.

A decoder is causal: the state at a position depends on nothing after it. One pass over the whole
text therefore holds the state that Inseq computes anew, from the prefix alone, for every token.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from inseq.data import DecoderOnlyBatch, EncoderDecoderBatch
    from inseq.models import AttributionModel


@dataclass(frozen=True)
class TeacherForcing:
    """Texts whose generated tokens are explained, one a row, padding at the right end.

    With the padding at the right no generated token can see it, so that each row has the scores
    it has alone. Step `k` explains the token at position `first[row] + k`, which the model
    predicts at the position before.

    Attributes:
        network: The Transformers model.
        source: Source embeddings `[row, source, hidden]`; None for decoder-only models.
        source_mask: 1 for source tokens, 0 for padding, `[row, source]`.
        target: Target embeddings `[row, target, hidden]`, prompt included for decoder-only models.
        target_ids: `[row, target]`.
        first: Position of the first explained token of each row, `[row]`.
        counts: How many tokens are explained in each row.
        contrast_ids: Tokens to compare with, `[row, step]`, or None.
        source_baseline: What a source token is replaced by, embeddings like `source`.
        target_baseline: What a target token is replaced by, embeddings like `target`.
        points: At how many points of a path each text stands, one block of rows for each point.
    """

    network: Any
    source: torch.Tensor | None
    source_mask: torch.Tensor | None
    target: torch.Tensor
    target_ids: torch.Tensor
    first: torch.Tensor
    counts: list[int]
    contrast_ids: torch.Tensor | None = None
    source_baseline: torch.Tensor | None = None
    target_baseline: torch.Tensor | None = None
    points: int = 1

    @property
    def steps(self) -> int:
        """The number of steps: explained tokens of the longest row."""
        return max(self.counts)

    def prediction_positions(self, start: int, end: int) -> torch.Tensor:
        """Return where the tokens of steps `start` to `end - 1` are predicted, `[row, step]`.

        A row that has fewer steps repeats its last position; `is_explained` tells which.
        """
        steps = torch.arange(start, end, device=self.first.device)
        last = self.first + torch.tensor(self.counts, device=self.first.device) - 2
        positions = self.first[:, None] - 1 + steps[None, :]
        return torch.minimum(positions, last[:, None].clamp(min=0))

    def is_explained(self, start: int, end: int) -> torch.Tensor:
        """Return which rows have a token at each of the steps, `[row, step]`."""
        counts = torch.tensor(self.counts, device=self.first.device)
        return torch.arange(start, end, device=self.first.device)[None, :] < counts[:, None]

    def predicted_ids(self, start: int, end: int) -> torch.Tensor:
        """Return the explained token ids of some steps, `[row, step]`."""
        return self.target_ids.gather(1, self.prediction_positions(start, end) + 1)


def single_text(forcing: TeacherForcing, row: int) -> TeacherForcing:
    """Return one of the texts alone, without padding, its last token left out.

    Nothing is predicted after the last token, so no pass needs to read it.
    """
    length = int(forcing.first[row]) + forcing.counts[row]
    read = 0 if forcing.source_mask is None else int(forcing.source_mask[row].sum())

    def cut(tensor: torch.Tensor | None, end: int) -> torch.Tensor | None:
        return None if tensor is None else tensor[row : row + 1, :end]

    return replace(
        forcing,
        source=cut(forcing.source, read),
        source_mask=cut(forcing.source_mask, read),
        target=forcing.target[row : row + 1, : length - 1],
        target_ids=forcing.target_ids[row : row + 1, :length],
        first=forcing.first[row : row + 1],
        counts=forcing.counts[row : row + 1],
        contrast_ids=cut(forcing.contrast_ids, forcing.counts[row]),
        source_baseline=cut(forcing.source_baseline, read),
        target_baseline=cut(forcing.target_baseline, length - 1),
    )


class HeadInput:
    """Watches the output head for one forward pass and lets it read only some positions.

    The logits of one position depend only on what the head reads there. So the head computes no
    logits that nobody asked for, and `[position, vocabulary]` never enters the backward pass.

    Attributes:
        states: What the head would have read, `[row, position, hidden]`, with its graph.
        picked: The states at the positions asked for, `[row, step, hidden]`, without it.
    """

    def __init__(self, network: Any, positions: torch.Tensor) -> None:
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
        positions = self._positions.to(self.states.device)
        index = positions.unsqueeze(-1).expand(-1, -1, self.states.shape[-1])
        self.picked = self.states.detach().gather(1, index)
        self.picked.requires_grad_(torch.is_grad_enabled())
        return (self.picked, *arguments[1:])


def run_encoder(
    forcing: TeacherForcing, source: torch.Tensor, *, output_attentions: bool = False
) -> Any:
    """Run the encoder on source embeddings `[row, source, hidden]`."""
    return forcing.network.get_encoder()(
        inputs_embeds=source,
        attention_mask=forcing.source_mask,
        output_attentions=output_attentions,
        return_dict=True,
    )


def run_decoder(
    forcing: TeacherForcing,
    target: torch.Tensor,
    source_states: torch.Tensor | None,
    *,
    output_attentions: bool = False,
) -> Any:
    """Run the model on target embeddings `[row, position, hidden]`, the encoder's part done."""
    settings = {"use_cache": False, "output_attentions": output_attentions, "return_dict": True}
    if source_states is None:
        return forcing.network(inputs_embeds=target, **settings)
    from transformers.modeling_outputs import BaseModelOutput

    return forcing.network(
        encoder_outputs=BaseModelOutput(last_hidden_state=source_states),
        attention_mask=forcing.source_mask,
        decoder_inputs_embeds=target,
        **settings,
    )


def teacher_forcing(
    model: "AttributionModel",
    batch: "EncoderDecoderBatch | DecoderOnlyBatch",
    first_step: int,
    contrast_ids: torch.Tensor | None = None,
) -> TeacherForcing:
    """Lay out Inseq's batch for teacher forcing.

    Args:
        model: Inseq's model.
        batch: Inseq's batch, embeddings included.
        first_step: The column of the first explained token.
        contrast_ids: Tokens to compare with, `[row, step]`.
    """
    mask = batch.target_mask
    padding = mask.ne(0).int().argmax(dim=1)
    columns = torch.arange(mask.shape[1], device=mask.device)
    # Roll each row to the left by its padding; what wraps around lands behind the text.
    order = (columns[None, :] + padding[:, None]) % mask.shape[1]
    inputs = batch.targets if model.is_encoder_decoder else batch
    sources = batch.sources if model.is_encoder_decoder else None

    def rolled(embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings.detach().gather(1, order.unsqueeze(-1).expand_as(embeddings))

    return TeacherForcing(
        network=model.model,
        source=None if sources is None else sources.input_embeds.detach(),
        source_mask=None if sources is None else sources.attention_mask,
        target=rolled(inputs.input_embeds),
        target_ids=batch.target_ids.gather(1, order),
        first=first_step - padding,
        counts=mask[:, first_step:].sum(dim=1).tolist(),
        contrast_ids=contrast_ids,
        source_baseline=None if sources is None else sources.baseline_embeds.detach(),
        target_baseline=rolled(inputs.baseline_embeds),
    )
