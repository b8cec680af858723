"""How likely a model thought each token of a text, and which others it thought likely."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

RIVALS = 5


class TokenProbability(NamedTuple):
    """What the model thought at the step that wrote a token."""

    id: int
    probability: float  # 0 to 1
    rank: int  # 1 where no token was likelier
    rivals: list[tuple[int, float]]  # the likeliest other tokens, ids with their probabilities


def token_probabilities(
    model: "AttributionModel", sources: "BatchEncoding", targets: "BatchEncoding", first: int
) -> list[TokenProbability]:
    """Return the probability of each target token from place `first` on.

    They come from one teacher-forced pass: the softmax of the logits in float32.

    Args:
        model: Inseq's model.
        sources: The source, or the prompt, ids `[1, source]`.
        targets: With the start token, or with the prompt in front, ids `[1, target]`.
        first: Place of the first explained token in the targets.
    """
    ids = targets.input_ids
    read: dict[str, Any] = {"input_ids": ids[:, :-1]}
    if model.is_encoder_decoder:
        read = {"input_ids": sources.input_ids, "decoder_input_ids": ids[:, :-1]}
    with torch.no_grad():
        # Nothing is kept for later; some families cannot keep a cache without attention.
        logits = model.model(**read, use_cache=False).logits
        shares = logits[0, first - 1 :].float().softmax(-1)
    return [told(own, row) for own, row in zip(ids[0, first:].tolist(), shares, strict=True)]


def named_probabilities(
    found: Sequence[TokenProbability], names: Sequence[str], name_of: Callable[[int], str]
) -> list[dict[str, Any]]:
    """Return probabilities as plain data: tokens are called by `names`, rivals by `name_of`."""
    return [
        {
            "generated": name,
            "probability": token.probability,
            "rank": token.rank,
            "rivals": [[name_of(rival), share] for rival, share in token.rivals],
        }
        for name, token in zip(names, found, strict=True)
    ]


def told(own: int, shares: torch.Tensor) -> TokenProbability:
    """Return what a row of probabilities `[vocabulary]` says of the token written."""
    others = [other for other in shares.topk(RIVALS + 1).indices.tolist() if other != own]
    return TokenProbability(
        id=own,
        probability=float(shares[own]),
        rank=int((shares > shares[own]).sum()) + 1,
        rivals=[(other, float(shares[other])) for other in others[:RIVALS]],
    )
