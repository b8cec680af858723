"""Faithfulness: does the model depend on the tokens a method points at?

Comprehensiveness and sufficiency of ERASER (DeYoung et al. 2020, "ERASER: A Benchmark to Evaluate
Rationalized NLP Models"), for each generated token instead of a class:

* *comprehensiveness*: how far the token's probability falls when the strongest source tokens are
  deleted (high is good);
* *sufficiency*: how far it falls when only they are left (low is good).

Both are means over several fractions of deleted tokens (ERASER's area over the perturbation
curve). Every method deletes the same number of tokens, so only its ranking counts: soft variants
that delete in proportion to the score reward mere score mass (arXiv 2601.03089).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy

from helpers.generation import Generation
from hw7.lessons.which_method.erasure import (
    Positions,
    erased_probabilities,
    generated_ids,
    removable_positions,
)

if TYPE_CHECKING:
    import pandas
    from inseq.models import AttributionModel
    from numpy.typing import NDArray

    Scores = NDArray[numpy.float64]

FRACTIONS = (0.1, 0.2, 0.3, 0.5)
"""Shares of the source tokens that are deleted (ERASER: 1, 5, 10, 20 and 50% of long texts)."""


def faithfulness(
    model: "AttributionModel",
    generation: Generation,
    scores: "Mapping[str, Scores]",
    *,
    groups: Sequence[Positions] | None = None,
    fractions: Sequence[float] = FRACTIONS,
) -> "pandas.DataFrame":
    """Measure comprehensiveness and sufficiency of several methods over one generation.

    Args:
        model: Inseq's model.
        generation: The text that is explained.
        scores: For each method, scores `[group, generated]`.
        groups: What may be deleted, each a group of source positions (the tokens of a word);
            by default every source token that is not special, alone.
        fractions: Shares of the groups to delete; at least one group is deleted.

    Returns:
        One row per method and generated token, special tokens left out: ``method``, ``step``,
        ``probability`` with the whole source, ``comprehensiveness`` and ``sufficiency``, means
        over the fractions, in units of probability.

    Raises:
        ValueError: Scores have another shape than `[group, generated]`.
    """
    import pandas

    chosen = [(place,) for place in removable_positions(model, generation)]
    units = list(groups) if groups is not None else chosen
    special = set(model.tokenizer.all_special_ids)
    ids = generated_ids(model, generation).tolist()
    steps = [step for step, number in enumerate(ids) if number not in special]
    plan = {
        (method, step): _kept_units(_column(values, step, (len(units), len(ids))), fractions)
        for method, values in scores.items()
        for step in steps
    }
    everything = tuple(range(len(units)))
    needed = {everything, *(kept for both in plan.values() for half in both for kept in half)}
    probability = _probabilities(model, generation, units, needed)
    rows = []
    for (method, step), (without_strongest, only_strongest) in plan.items():
        full = float(probability[everything][step])
        fallen = [[full - probability[kept][step] for kept in without_strongest]]
        fallen += [[full - probability[kept][step] for kept in only_strongest]]
        rows.append((method, step, full, *(float(numpy.mean(drops)) for drops in fallen)))
    names = ["method", "step", "probability", "comprehensiveness", "sufficiency"]
    return pandas.DataFrame(rows, columns=names)


def _column(values: "Scores", step: int, shape: tuple[int, int]) -> "Scores":
    """Return the scores of one generated token."""
    if values.shape != shape:
        raise ValueError(f"Scores must have the shape [group, generated] {shape}: {values.shape}.")
    return values[:, step]


def _kept_units(
    scores: "Scores", fractions: Sequence[float]
) -> tuple[list[Positions], list[Positions]]:
    """Return what is left without the strongest units, and the strongest ones alone."""
    ranking = numpy.argsort(-scores, kind="stable").tolist()
    counts = [math.ceil(fraction * len(ranking)) for fraction in fractions]
    without = [tuple(sorted(ranking[count:])) for count in counts]
    only = [tuple(sorted(ranking[:count])) for count in counts]
    return without, only


def _probabilities(
    model: "AttributionModel",
    generation: Generation,
    units: Sequence[Positions],
    needed: Iterable[Positions],
) -> "dict[Positions, Scores]":
    """Run the model once on each different part of the source; many methods share one."""
    removable = {place for unit in units for place in unit}
    length = generation.sources.input_ids.shape[1]
    always = [place for place in range(length) if place not in removable]
    parts = sorted(needed)
    kept = [tuple(sorted([*always, *(p for unit in part for p in units[unit])])) for part in parts]
    probabilities = erased_probabilities(model, generation, kept).double().numpy()
    return dict(zip(parts, probabilities, strict=True))


def random_scores(shape: tuple[int, ...], seed: int | Sequence[int]) -> "Scores":
    """Return scores of a method that knows nothing: uniform numbers, the same for a seed."""
    return numpy.random.default_rng(seed).random(shape)
