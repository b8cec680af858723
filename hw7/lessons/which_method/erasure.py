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
import torch

from helpers.generation import Generation
from hw7.engine.ablation import log_likelihoods, logits_without
from hw7.engine.inseq_outputs import attribution_batch
from hw7.engine.occlusion import rows_at_once
from hw7.engine.teacher_forcing import teacher_forcing

if TYPE_CHECKING:
    import pandas
    from inseq.models import AttributionModel
    from numpy.typing import NDArray

    Scores = NDArray[numpy.float64]

Positions = tuple[int, ...]

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

    units = groups or [(place,) for place in removable_positions(model, generation)]
    special = set(model.tokenizer.all_special_ids)
    ids = generated_ids(generation).tolist()
    plan: dict[tuple[str, int], tuple[list[Positions], list[Positions]]] = {}
    for method, values in scores.items():
        if values.shape != (len(units), len(ids)):
            wanted = (len(units), len(ids))
            raise ValueError(
                f"Scores must have the shape [group, generated] {wanted}: {values.shape}."
            )
        for step, number in enumerate(ids):
            if number not in special:
                halves = [cut(values[:, step], fraction) for fraction in fractions]
                plan[method, step] = [rest for _, rest in halves], [first for first, _ in halves]
    everything = tuple(range(len(units)))
    needed = {everything, *(part for both in plan.values() for half in both for part in half)}
    logs = unit_log_probabilities(model, generation, units, needed)
    rows = []
    for (method, step), both in plan.items():
        full = math.exp(logs[everything][step])
        left = [float(numpy.mean([math.exp(logs[part][step]) for part in half])) for half in both]
        rows.append((method, step, full, full - left[0], full - left[1]))
    names = ["method", "step", "probability", "comprehensiveness", "sufficiency"]
    return pandas.DataFrame(rows, columns=names)


def cut(scores: "Scores", fraction: float) -> tuple[Positions, Positions]:
    """Return the strongest units, a share of all but one at least, and the units that are left."""
    ranking = numpy.argsort(-scores, kind="stable").tolist()
    count = math.ceil(fraction * len(ranking))
    return tuple(sorted(ranking[:count])), tuple(sorted(ranking[count:]))


def unit_log_probabilities(
    model: "AttributionModel",
    generation: Generation,
    units: Sequence[Positions],
    needed: Iterable[Positions],
) -> "dict[Positions, Scores]":
    """Return each generated token's log-probability for each set of units that is left.

    The model reads each set once; many methods share one.
    """
    removable = {place for unit in units for place in unit}
    length = generation.sources.input_ids.shape[1]
    always = [place for place in range(length) if place not in removable]
    parts = sorted(needed)
    kept = [tuple(sorted([*always, *(p for unit in part for p in units[unit])])) for part in parts]
    logs = erased_log_probabilities(model, generation, kept).double().numpy()
    return dict(zip(parts, logs, strict=True))


def random_scores(shape: tuple[int, ...], seed: int | Sequence[int]) -> "Scores":
    """Return scores of a method that knows nothing: uniform numbers, the same for a seed."""
    return numpy.random.default_rng(seed).random(shape)


def generated_ids(generation: Generation) -> torch.Tensor:
    """Return the ids that the model wrote, `[generated]`, without start token or prompt."""
    return generation.targets.input_ids[0, generation.first :]


def removable_positions(model: "AttributionModel", generation: Generation) -> list[int]:
    """Return the positions of the source tokens that may be deleted: all but special tokens."""
    special = set(model.tokenizer.all_special_ids)
    ids = generation.sources.input_ids[0].tolist()
    return [place for place, number in enumerate(ids) if number not in special]


def erased_log_probabilities(
    model: "AttributionModel", generation: Generation, kept: Sequence[Positions]
) -> torch.Tensor:
    """Return the log-probability of each generated token when only some source tokens are read.

    Tokens are deleted, not masked, as in ERASER; the generated text stays the same (teacher
    forcing), so that each token is scored after the same words.

    Args:
        model: Inseq's model.
        generation: The text that is explained.
        kept: For each row, the source positions that are left.

    Returns:
        `[row, generated]`, on the CPU.

    Raises:
        ValueError: A decoder-only model would have no token to start from.
    """
    if not model.is_encoder_decoder and not all(kept):
        raise ValueError("Nothing of the prompt would be left. Delete less, or keep one token.")
    batch = attribution_batch(model, generation.sources, generation.targets)
    forcing = teacher_forcing(model, *batch)
    written = forcing.explained_ids(0, forcing.steps)
    is_kept = torch.zeros(len(kept), generation.sources.input_ids.shape[1], dtype=torch.bool)
    for row, places in zip(is_kept, kept, strict=True):
        row[list(places)] = True
    logs = torch.empty(len(kept), forcing.steps)
    # Rows of like length need little padding.
    for rows in is_kept.sum(dim=1).argsort(stable=True).split(rows_at_once(forcing)):
        with torch.no_grad():
            logits = logits_without(forcing, is_kept[rows]).float()
            logs[rows] = log_likelihoods(logits, written).cpu()
    return logs
