"""Attention layer by layer and head by head: choosing some of them, and reading all of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hw7.engine.errors import NotExplainableError

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import FeatureAttributionSequenceOutput

HEAD_OPTIONS = ("layers", "heads")


def choose_heads(output: "FeatureAttributionOutput", options: Mapping[str, Any]) -> None:
    """Leave only some layers and heads in an output of attention, not yet aggregated.

    What is made of it later, the mean over heads and layers, is then theirs alone.

    Args:
        output: Inseq's output of one text; its information notes what was chosen.
        options: `layers` and `heads`, each a number from 0 on, a list of them, or None for all.

    Raises:
        NotExplainableError: There is no such layer or head; the message tells the range.
    """
    if all(options.get(name) is None for name in HEAD_OPTIONS):
        return
    sequence = output.sequence_attributions[0]
    name, weights = _weights(sequence)
    for axis, option in zip((-2, -1), HEAD_OPTIONS, strict=True):
        chosen = _numbers(option, options.get(option), weights.shape[axis])
        weights = weights.index_select(axis, torch.tensor(chosen))
        output.info[option] = chosen
    setattr(sequence, name, weights)


def head_weights(output: "FeatureAttributionOutput", step: int) -> torch.Tensor:
    """Return the weights of each layer and head when a token was written.

    Args:
        output: Inseq's output of attention for one text, not yet aggregated.
        step: The generated token, counted from 0.

    Returns:
        `[layer, head, source]`, for decoder-only models `[layer, head, position]` with 0 from the
        token itself on: the numbers whose mean is the heatmap's column.
    """
    _, weights = _weights(output.sequence_attributions[0])
    return weights[:, step].nan_to_num().permute(1, 2, 0)


def _weights(sequence: "FeatureAttributionSequenceOutput") -> tuple[str, torch.Tensor]:
    """Return which attributions explain the tokens, `[source, generated, layer, head]`."""
    is_translation = sequence.source_attributions is not None
    name = "source_attributions" if is_translation else "target_attributions"
    return name, getattr(sequence, name)


def _numbers(option: str, chosen: Any, count: int) -> list[int]:
    if chosen is None:
        return list(range(count))
    numbers = list(chosen) if isinstance(chosen, (list, tuple, range)) else [chosen]
    is_usable = [
        isinstance(number, (int, np.integer))
        and not isinstance(number, bool)
        and 0 <= number < count
        for number in numbers
    ]
    if not numbers or not all(is_usable):
        raise NotExplainableError(
            f"{option} of attention must be a number from 0 to {count - 1}, or a list of such "
            f"numbers, and not {chosen!r}; None takes all."
        )
    return list(dict.fromkeys(map(int, numbers)))
