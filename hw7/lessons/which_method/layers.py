"""Attention layer by layer, read at the decoder's input or at its output."""

import copy
from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from inseq.data import FeatureAttributionSequenceOutput

Reading = Literal["output", "input"]
READINGS: tuple[Reading, ...] = ("output", "input")


def layer_count(sequence: "FeatureAttributionSequenceOutput") -> int:
    """Return the number of layers in Inseq's raw attention `[source, generated, layer, head]`."""
    return int(sequence.source_attributions.shape[-2])


def layer_attribution(
    sequence: "FeatureAttributionSequenceOutput",
    *,
    layer: int | None = None,
    reading: Reading = "output",
) -> "FeatureAttributionSequenceOutput":
    """Return the cross-attention of one layer, or the mean of all, averaged over heads.

    At step `i` the decoder reads token `i - 1` and writes token `i`. Inseq shows the weights of
    that step beside the token it writes: reading ``"output"``. Beside the token it reads, reading
    ``"input"``, the same weights can align far better, in some layers of a deep decoder (Chen et
    al. 2020, "Accurate Word Alignment Induction from Neural Machine Translation").

    Args:
        sequence: Inseq's output of the method ``attention``, not aggregated.
        layer: The layer, counted from 0; None averages all.
        reading: The side of the decoder on which a token stands.

    Returns:
        An output aggregated to `[source, generated]`. Read at the input, the last token has no
        scores (NaN): no step reads it.
    """
    attention = copy.copy(sequence)
    # The encoder's own weights are not needed, and may have another number of layers.
    attention.sequence_scores = {}
    if reading == "input":
        attention.source_attributions = read_at_input(sequence.source_attributions)
    heads = attention.aggregate("mean", do_post_aggregation_checks=False)
    if layer is None:
        return heads.aggregate("mean")
    return heads.aggregate("scores", select_idx=layer)


def read_at_input(weights: torch.Tensor) -> torch.Tensor:
    """Move weights `[source, generated, ...]` from the token a step writes to the one it reads."""
    unread = torch.full_like(weights[:, :1], torch.nan)
    return torch.cat([weights[:, 1:], unread], dim=1)
