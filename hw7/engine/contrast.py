"""Which token of another continuation each generated token is compared with."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel


def contrast_ids(
    model: "AttributionModel",
    target: "BatchEncoding",
    contrast: "BatchEncoding",
    first_step: int,
) -> torch.Tensor:
    """Return the ids that the generated tokens of one text are compared with, `[step]`.

    Inseq aligns the two continuations token by token from their ends. The prefix stays the
    generated one, so that only the predicted token differs.

    Args:
        model: Inseq's model.
        target: The text, `[1, target]`, without padding.
        contrast: The other continuation, encoded in the same way.
        first_step: Position of the first generated token.
    """
    from inseq.utils import get_aligned_idx

    has_targets = model.is_encoder_decoder
    alignment = model.formatter.format_contrast_targets_alignments(
        contrast_targets_alignments=None,
        target_sequences=model.decode(target.input_ids),
        target_tokens=model.clean_tokens(target.input_tokens, as_targets=has_targets),
        contrast_sequences=model.decode(contrast.input_ids),
        contrast_tokens=model.clean_tokens(contrast.input_tokens, as_targets=has_targets),
        special_tokens=model.special_tokens,
        start_pos=first_step,
        end_pos=target.input_ids.shape[1],
    )[0]
    steps = range(first_step, target.input_ids.shape[1])
    aligned = [get_aligned_idx(step, alignment) for step in steps]
    return contrast.input_ids[0, aligned]
