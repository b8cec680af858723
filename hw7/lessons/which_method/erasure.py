"""Probabilities of a finished text when the model reads only a part of its source."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from helpers.generation import Generation

if TYPE_CHECKING:
    from inseq.models import AttributionModel

Positions = tuple[int, ...]

# Numbers in the largest tensor of a batch, `[row, position, vocabulary]`.
LARGEST_BATCH = 2**25


def generated_ids(model: "AttributionModel", generation: Generation) -> torch.Tensor:
    """Return the ids that the model wrote, `[generated]`, without start token or prompt."""
    start = 1 if model.is_encoder_decoder else generation.sources.input_ids.shape[1]
    return generation.targets.input_ids[0, start:]


def removable_positions(model: "AttributionModel", generation: Generation) -> list[int]:
    """Return the positions of the source tokens that may be deleted: all but special tokens."""
    special = set(model.tokenizer.all_special_ids)
    ids = generation.sources.input_ids[0].tolist()
    return [place for place, number in enumerate(ids) if number not in special]


def erased_probabilities(
    model: "AttributionModel", generation: Generation, kept: Sequence[Positions]
) -> torch.Tensor:
    """Return the probability of each generated token when only some source tokens are read.

    Tokens are deleted, not masked, as in ERASER; the generated text stays the same (teacher
    forcing), so that each token is scored after the same words.

    Args:
        model: Inseq's model.
        generation: The text that is explained.
        kept: For each row, the source positions that are left, in order.

    Returns:
        `[row, generated]`, on the CPU.

    Raises:
        ValueError: A decoder-only model would have no token to start from.
    """
    if not model.is_encoder_decoder and not all(kept):
        raise ValueError("Nothing of the prompt would be left. Delete less, or keep one token.")
    source = generation.sources.input_ids[0]
    written = generated_ids(model, generation)
    size = max(1, LARGEST_BATCH // (model.model.config.vocab_size * max(1, len(written))))
    # Rows of like length need little padding.
    order = sorted(range(len(kept)), key=lambda row: len(kept[row]))
    probabilities = torch.empty(len(kept), len(written))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        sources = [source[list(kept[row])] for row in rows]
        run = _translate if model.is_encoder_decoder else _continue
        with torch.inference_mode():
            logits = run(model, generation, sources, written)
            scores = logits.float().log_softmax(-1)
            picked = scores.gather(-1, written.expand(len(rows), -1).unsqueeze(-1)).squeeze(-1)
        probabilities[rows] = picked.exp().cpu()
    return probabilities


def _translate(
    model: "AttributionModel",
    generation: Generation,
    sources: Sequence[torch.Tensor],
    written: torch.Tensor,
) -> torch.Tensor:
    """Return the logits `[row, generated, vocabulary]` of an encoder-decoder."""
    ids, mask = _padded(sources, model.tokenizer.pad_token_id)
    read = generation.targets.input_ids[:, :-1].expand(len(sources), -1)
    output = model.model(
        input_ids=ids, attention_mask=mask, decoder_input_ids=read, use_cache=False
    )
    return output.logits


def _continue(
    model: "AttributionModel",
    generation: Generation,
    prompts: Sequence[torch.Tensor],
    written: torch.Tensor,
) -> torch.Tensor:
    """Return the logits `[row, generated, vocabulary]` of a decoder-only model."""
    texts = [torch.cat([prompt, written]) for prompt in prompts]
    # Padding stands at the right end, where no token of the text can see it.
    ids, mask = _padded(texts, model.tokenizer.pad_token_id)
    logits = model.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=logits.device)
    steps = torch.arange(len(written), device=logits.device)
    places = lengths[:, None] - 1 + steps[None, :]
    return logits.gather(1, places.unsqueeze(-1).expand(-1, -1, logits.shape[-1]))


def _padded(rows: Sequence[torch.Tensor], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask `[row, position]`, padded at the right."""
    from torch.nn.utils.rnn import pad_sequence

    ids = pad_sequence(list(rows), batch_first=True, padding_value=padding)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return ids, mask
