"""The number that is explained for each generated token, as Inseq's step functions define it."""

from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812

Score = Literal["probability", "logit", "crossentropy"]

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
    logits: torch.Tensor, ids: torch.Tensor, score: str, contrast_ids: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the score of each token, less the score of the token it is compared with.

    The contrast follows Yin and Neubig (2022), "Interpreting Language Models with Contrastive
    Explanations": both tokens are scored after the same prefix.

    Args:
        logits: `[row, step, vocabulary]`.
        ids: The tokens, `[row, step]`.
        score: `"probability"`, `"logit"` or `"crossentropy"` (in nats).
        contrast_ids: The tokens to compare with, `[row, step]`.

    Returns:
        `[row, step]`.
    """
    if score == "probability":
        values = logits.softmax(dim=-1)
    elif score == "logit":
        values = logits
    else:
        values = -logits.log_softmax(dim=-1)
    scores = values.gather(-1, ids.to(logits.device).unsqueeze(-1)).squeeze(-1)
    if contrast_ids is None:
        return scores
    return scores - values.gather(-1, contrast_ids.to(logits.device).unsqueeze(-1)).squeeze(-1)


def crossentropy_fn(args: Any) -> torch.Tensor:
    """Return Inseq's cross-entropy of each text's next token, `[row]`, in nats.

    Inseq's own function fails for a single text, whose token ids have lost their dimension.

    Args:
        args: What Inseq gives its step functions.
    """
    logits = args.attribution_model.output2logits(args.forward_output)
    return F.cross_entropy(logits, args.target_ids.reshape(-1).to(logits.device), reduction="none")
