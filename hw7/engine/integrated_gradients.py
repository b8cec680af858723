"""Integrated gradients: the gradients along the way from a baseline to the text."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from hw7.engine.gradient_engines import gradient_chunks
from hw7.engine.progress import Progress
from hw7.engine.row_scores import RowScores, append, empty_scores
from hw7.engine.teacher_forcing import TeacherForcing

# Captum's own defaults.
DEFAULT_POINTS = 50
DEFAULT_RULE = "gausslegendre"

# Token positions that one forward pass may hold: enough to fill the machine with small models.
POSITIONS_AT_ONCE = 1024


def run_integrated_gradients(
    forcing: TeacherForcing,
    score: str,
    options: Mapping[str, Any],
    *,
    has_target: bool,
    progress: Progress,
) -> list[RowScores]:
    """Return the scores of integrated gradients (Sundararajan et al. 2017).

    The text at one point of the path from the baseline is a text like any other: all its tokens
    share a forward pass. Points and weights of the quadrature are Captum's.

    Args:
        forcing: The texts, with baselines.
        score: The number that is differentiated.
        options: `n_steps`, the points of the path; `method`, the quadrature rule; and
            `multiply_by_inputs`, whether gradients are multiplied by input less baseline.
        has_target: Whether the target's tokens explain too.
        progress: Moved on by each step of each group of points.
    """
    totals: list[RowScores] = []
    for alphas, weights in groups_of_points(forcing, options):
        stretched = texts_along_path(forcing, alphas, has_target=has_target)
        rows = empty_scores(forcing)
        for chunk in gradient_chunks(
            stretched, score, has_target=has_target, attentions=None, progress=progress
        ):
            source = None if chunk.source is None else weighted_sum(chunk.source, weights)
            target = None if chunk.target is None else weighted_sum(chunk.target, weights)
            append(rows, forcing, chunk.start, source, target)
        totals = rows if not totals else added(totals, rows)
    if options.get("multiply_by_inputs", True):
        multiply_by_difference(totals, forcing)
    return totals


def number_of_groups(forcing: TeacherForcing, options: Mapping[str, Any]) -> int:
    """Return how many times the texts are run through, several points of the path at a time."""
    points = options.get("n_steps", DEFAULT_POINTS)
    return -(-points // _points_at_once(forcing))


def _points_at_once(forcing: TeacherForcing) -> int:
    rows, length, _ = forcing.target.shape
    source = 0 if forcing.source is None else forcing.source.shape[1]
    return max(1, POSITIONS_AT_ONCE // (rows * (length + source)))


def groups_of_points(
    forcing: TeacherForcing, options: Mapping[str, Any]
) -> Iterator[tuple[list[float], torch.Tensor]]:
    """Yield groups of points on the path, from 0 to 1, with their weights `[point]`.

    Captum rounds the weights to float32.
    """
    from captum.attr._utils.approximation_methods import approximation_parameters

    points = options.get("n_steps", DEFAULT_POINTS)
    weights_of, alphas_of = approximation_parameters(options.get("method", DEFAULT_RULE))
    weights, alphas = torch.tensor(weights_of(points)).float(), list(alphas_of(points))
    size = _points_at_once(forcing)
    for start in range(0, points, size):
        yield alphas[start : start + size], weights[start : start + size]


def texts_along_path(
    forcing: TeacherForcing, alphas: list[float], *, has_target: bool
) -> TeacherForcing:
    """Return the texts at some points of the path, one block of rows for each point.

    Where only the source explains, the target stays as it is.
    """

    def stretched(
        inputs: torch.Tensor | None, baseline: torch.Tensor | None
    ) -> torch.Tensor | None:
        if inputs is None or baseline is None:
            return None
        return torch.cat([baseline + alpha * (inputs - baseline) for alpha in alphas])

    def repeated(tensor: torch.Tensor | None) -> Any:
        return None if tensor is None else torch.cat([tensor] * len(alphas))

    target = stretched(forcing.target, forcing.target_baseline) if has_target else None
    return replace(
        forcing,
        source=stretched(forcing.source, forcing.source_baseline),
        source_mask=repeated(forcing.source_mask),
        target=repeated(forcing.target) if target is None else target,
        target_ids=repeated(forcing.target_ids),
        first=repeated(forcing.first),
        counts=forcing.counts * len(alphas),
        contrast_ids=repeated(forcing.contrast_ids),
        points=len(alphas),
    )


def weighted_sum(gradients: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum gradients `[step, point * row, ...]` over the points, to `[step, row, ...]`."""
    apart = gradients.unflatten(1, (len(weights), -1))
    weights = weights.to(gradients)
    return torch.einsum("p,sp...->s...", weights, apart)


def added(totals: list[RowScores], others: list[RowScores]) -> list[RowScores]:
    """Add the scores of other points to the totals, in place."""
    for total, other in zip(totals, others, strict=True):
        for ours, theirs in ((total.source, other.source), (total.target, other.target)):
            for mine, addend in zip(ours, theirs, strict=True):
                mine += addend
    return totals


def multiply_by_difference(totals: list[RowScores], forcing: TeacherForcing) -> None:
    """Multiply the scores by the inputs less their baseline, in place."""
    for row, total in enumerate(totals):
        for scores, inputs, baseline in (
            (total.source, forcing.source, forcing.source_baseline),
            (total.target, forcing.target, forcing.target_baseline),
        ):
            if scores and inputs is not None and baseline is not None:
                difference = (inputs[row] - baseline[row]).to("cpu")
                for step in scores:
                    step *= difference[: len(step)]
