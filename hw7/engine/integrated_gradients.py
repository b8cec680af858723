"""Integrated gradients: the gradients along the way from a baseline to the text."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from hw7.engine.gradient_engines import gradient_chunks
from hw7.engine.progress import Progress
from hw7.engine.step_outputs import StepScores
from hw7.engine.teacher_forcing import TeacherForcing

# Captum's own defaults.
DEFAULT_POINTS = 50
DEFAULT_RULE = "gausslegendre"

# Token positions that one forward pass may hold: enough to fill the machine with small models.
POSITIONS_AT_ONCE = 1024


def run_integrated_gradients(
    forcing: TeacherForcing, score: str, options: Mapping[str, Any], progress: Progress
) -> StepScores:
    """Return the scores of integrated gradients (Sundararajan et al. 2017).

    The text at one point of the path from the baseline is a text like any other: all its tokens
    share a forward pass. Points and weights of the quadrature are Captum's.

    Args:
        forcing: The text, with its baseline.
        score: The number that is differentiated.
        options: `n_steps`, the points of the path; `method`, the quadrature rule; and
            `multiply_by_inputs`, whether gradients are multiplied by input less baseline.
        progress: Moved on by each step of each group of points.

    Returns:
        For each step `[source or prefix, hidden]`.
    """
    totals = StepScores(forcing)
    way = forcing.inputs - forcing.baseline
    for alphas, weights in groups_of_points(forcing, options):
        points = torch.cat([forcing.baseline + alpha * way for alpha in alphas])
        found = StepScores(forcing)
        for chunk in gradient_chunks(with_inputs(forcing, points), score, progress):
            found.append(
                torch.einsum("p,sp...->s...", weights.to(chunk.gradients), chunk.gradients)
            )
        totals.add(found)
    if options.get("multiply_by_inputs", True):
        totals.multiply(way[0])
    return totals


def number_of_groups(forcing: TeacherForcing, options: Mapping[str, Any]) -> int:
    """Return how many times the text is run through, several points of the path at a time."""
    return -(-options.get("n_steps", DEFAULT_POINTS) // _points_at_once(forcing))


def _points_at_once(forcing: TeacherForcing) -> int:
    return max(1, POSITIONS_AT_ONCE // forcing.positions)


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


def with_inputs(forcing: TeacherForcing, inputs: torch.Tensor) -> TeacherForcing:
    """Return the text with other inputs, `[point, position, hidden]`, one row for each point.

    Of a translator only the source moves; the target stays as it is.
    """
    if forcing.source is None:
        return replace(forcing, target=inputs)
    return replace(forcing, source=inputs, target=forcing.target.expand(len(inputs), -1, -1))
