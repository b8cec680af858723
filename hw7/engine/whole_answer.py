"""A whole answer, or a span of it, explained at once: one backward pass, or one ablation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.ablation import Surrogate, ablate, log_likelihoods, log_odds
from hw7.engine.inseq_outputs import attribution_batch
from hw7.engine.repairs import keep_differentiable
from hw7.engine.step_gradients import score_gradients
from hw7.engine.teacher_forcing import HeadInput, run_decoder, run_encoder, teacher_forcing

if TYPE_CHECKING:
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel


@dataclass(frozen=True)
class AnswerScores:
    """What the tokens read before a span are worth to all of it.

    Attributes:
        log_likelihood: The sum of the log-probabilities of the span's tokens, in nats.
        lengths: The L2 norm of its gradient at each token, `[read]`: how much the tokens matter.
    """

    log_likelihood: float
    lengths: torch.Tensor


def answer_scores(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    span: tuple[int, int] | None = None,
) -> AnswerScores:
    """Explain a span of what was generated with one forward and one backward pass.

    Args:
        model: Inseq's model.
        sources: The encoded source, or the prompt, ids `[1, source]`.
        targets: The target with its start token, or the prompt followed by what was generated,
            ids `[1, target]`.
        span: The first generated token of the span and the first behind it; all where None.

    Returns:
        Scores of the source's tokens, or for decoder-only models of all tokens before the span.
    """
    keep_differentiable(model.model)
    forcing = teacher_forcing(model, *attribution_batch(model, sources, targets))
    start, end = span or (0, forcing.steps)
    positions = forcing.predictions(start, end)
    with torch.enable_grad():
        source, states, target = forcing.source, None, forcing.target[:, : positions.stop]
        if source is None:
            inputs = target = target.detach().requires_grad_()
        else:
            inputs = source.detach().requires_grad_()
            states = run_encoder(forcing.network, inputs).last_hidden_state
        with HeadInput(forcing.network, positions) as head:
            logits = run_decoder(forcing.network, target, states).logits
        at_head = -score_gradients(forcing, "crossentropy", start, end, logits, head.picked)
        vector = torch.zeros_like(head.states)
        vector[:, positions] = at_head
        (gradient,) = torch.autograd.grad(head.states, inputs, vector)
    read = slice(0, None if source is not None else forcing.first + start)
    likelihood = log_likelihoods(logits.detach(), forcing.explained_ids(start, end)).sum()
    return AnswerScores(float(likelihood), gradient[0, read].norm(dim=-1).cpu())


def answer_ablation(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    span: tuple[int, int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Surrogate:
    """Explain the log-odds of a span by leaving out parts of the input.

    What is given is as for `answer_scores`, `options` as for `hw7.engine.ablation.ablate`; the
    surrogate has a single column.
    """
    forcing = teacher_forcing(model, *attribution_batch(model, sources, targets))
    start, end = span or (0, forcing.steps)

    def of_span(logits: torch.Tensor) -> torch.Tensor:
        found = log_likelihoods(logits[:, start:end], forcing.explained_ids(start, end))
        return log_odds(found.sum(dim=1, keepdim=True))

    return ablate(forcing, options or {}, of_span)
