"""The number that is explained for each generated token, as Inseq's step functions define it."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

# What each score is called in Inseq, alone and compared with another continuation.
STEP_FUNCTIONS = {"probability": "probability", "logit": "logit", "crossentropy": "crossentropy"}
CONTRASTIVE_STEP_FUNCTIONS = {
    "probability": "contrast_prob_diff",
    "logit": "contrast_logits_diff",
}


def step_function_name(score: str, *, is_contrastive: bool) -> str:
    """Return the name of Inseq's step function for a score.

    Raises:
        ValueError: Inseq has no such step function; the message lists what there is.
    """
    functions = CONTRASTIVE_STEP_FUNCTIONS if is_contrastive else STEP_FUNCTIONS
    if score not in functions:
        kind = "a contrastive explanation" if is_contrastive else "an explanation"
        raise ValueError(
            f"No score {score!r} for {kind}. Use one of {', '.join(map(repr, functions))}."
        )
    return functions[score]


def step_scores(
    logits: torch.Tensor, ids: torch.Tensor, score: str, compared: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the score of each token, less the score of the token it is compared with.

    Args:
        logits: `[point, step, vocabulary]`.
        ids: The tokens, `[step]`.
        score: `"probability"`, `"logit"` or `"crossentropy"` (in nats).
        compared: The tokens to compare with, scored after the same prefix, `[step]`, or None.

    Returns:
        `[point, step]`.
    """
    values = score_of_vocabulary(logits, score)
    scores = _picked(values, ids)
    return scores if compared is None else scores - _picked(values, compared)


def score_of_vocabulary(logits: torch.Tensor, score: str) -> torch.Tensor:
    """Turn logits `[..., vocabulary]` into the score of each token of the vocabulary."""
    if score == "probability":
        return logits.softmax(dim=-1)
    if score == "logit":
        return logits
    return -logits.log_softmax(dim=-1)


def _picked(values: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    index = ids.to(values.device).expand(len(values), -1).unsqueeze(-1)
    return values.gather(-1, index).squeeze(-1)


def crossentropy_fn(args: Any) -> torch.Tensor:
    """Return Inseq's cross-entropy of each text's next token, `[row]`, in nats.

    Inseq's own function fails for a single text, whose token ids have lost their dimension.

    Args:
        args: What Inseq gives its step functions.
    """
    logits = args.attribution_model.output2logits(args.forward_output)
    return F.cross_entropy(logits, args.target_ids.reshape(-1).to(logits.device), reduction="none")


class ContrastFunction:
    """Inseq's step function that subtracts the score of the contrast's token.

    Inseq's own functions align the two texts from their ends; here token `k` stands against
    token `k` of the contrast, both after the same prefix.
    """

    def __init__(self, score: str, ids: Sequence[int | None], first: int) -> None:
        """Take the ids `[step]` to compare with, and the length of the first step's prefix."""
        self._score, self._ids, self._first = score, ids, first
        self.__name__ = step_function_name(score, is_contrastive=True)

    def __call__(self, args: Any) -> torch.Tensor:
        """Return the difference `[row]`; zero beyond the end of the contrast."""
        logits = args.attribution_model.output2logits(args.forward_output)
        values = score_of_vocabulary(logits, self._score)
        written = args.target_ids.reshape(-1, 1).to(logits.device)
        scores = values.gather(-1, written).squeeze(-1)
        compared = self._ids[args.decoder_input_ids.shape[1] - self._first]
        return scores - (scores if compared is None else values[:, compared])
