"""The attention of every layer and head, packed so that a page can hold it."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.attention_heads import HEAD_OPTIONS, head_weights

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput

STEPS = 65535
"""A weight is kept as a number of such steps: within 0.00001 of what it was."""
MOST_CHARACTERS = 200_000


def packed_heads(
    output: "FeatureAttributionOutput", steps: Sequence[int], first: int | None
) -> dict[str, Any]:
    """Return the weights of some generated tokens as plain data.

    Args:
        output: Inseq's output of attention for one text, not yet aggregated.
        steps: The generated tokens, counted from 0.
        first: For decoder-only models the place of the first generated token; else None.

    Returns:
        The numbers of the ``layers`` and ``heads``, and for each token base64 of little-endian
        16-bit numbers `[layer, head, source]`, of the sources before it; or, where that takes
        more than ``MOST_CHARACTERS``, how many ``characters`` it would take.
    """
    shown, shape = [], torch.Size()
    for step in steps:
        weights = head_weights(output, step)
        shape = weights.shape[:2]
        known = weights if first is None else weights[:, :, : first + step]
        numbers = (known.double() * STEPS).round().numpy().astype("<u2")
        shown.append(base64.b64encode(numbers.tobytes()).decode("ascii"))
    size = sum(map(len, shown))
    if size > MOST_CHARACTERS:
        return {"characters": size}
    names = zip(HEAD_OPTIONS, shape, strict=True)
    numbered = {name: output.info.get(name) or [*range(count)] for name, count in names}
    # In the order in which Inseq's files keep them.
    return {"columns": shown, **dict(sorted(numbered.items()))}
