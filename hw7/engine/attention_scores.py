"""Attention weights of the shared forward pass as Inseq's step output."""

from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.step_gradients import Attentions
from hw7.engine.teacher_forcing import TeacherForcing

if TYPE_CHECKING:
    from inseq.data.attribution import FeatureAttributionStepOutput


def attention_output(
    forcing: TeacherForcing, attentions: Attentions, has_target: bool, row: int, prefix: int
) -> "FeatureAttributionStepOutput":
    """Return one text's weights of all layers and heads, put in order by Inseq itself.

    Args:
        forcing: The texts.
        attentions: The weights, padding included.
        has_target: Encoder-decoders: show what the target's tokens attend to.
        row: Which text.
        prefix: Length of everything but the last token.
    """
    from inseq.attr.feat.internals_attribution import AttentionWeightsAttribution

    class _Kind:
        is_encoder_decoder = forcing.source is not None

    weights: dict[str, Any] = {
        "decoder_self_attentions": _stacked(attentions.decoder, row, prefix, prefix)
    }
    if forcing.source_mask is not None:
        read = int(forcing.source_mask[row].sum())
        weights["encoder_self_attentions"] = _stacked(attentions.encoder, row, read, read)
        weights["cross_attentions"] = _stacked(attentions.cross, row, prefix, read)
    inputs = (None, None) if has_target else (None,)
    reader = AttentionWeightsAttribution.AttentionWeights(_Kind())
    return reader.attribute(inputs=inputs, additional_forward_args=(), **weights)


def _stacked(layers: Any, row: int, to: int, source: int) -> torch.Tensor:
    """Return `[1, layer, head, to, from]` on the CPU."""
    return torch.stack([layer[row : row + 1, :, :to, :source].to("cpu") for layer in layers], dim=1)
