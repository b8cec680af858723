"""Bootstrap confidence intervals of a ratio over sentences."""

from collections.abc import Sequence
from typing import Any

RESAMPLES = 1000
CONFIDENCE = 0.95


def bootstrap_interval(
    numerators: Sequence[float],
    denominators: Sequence[float],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of ``sum(numerators) / sum(denominators)``.

    Whole sentences are drawn anew, with replacement, because the words of one sentence are not
    independent (Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation").

    Args:
        numerators: One number per sentence.
        denominators: One number per sentence.
        confidence: How often such an interval covers the true value.
        resamples: How many times to draw.
        seed: Draws the same sentences again.

    Returns:
        The lower and the upper end; both are the ratio itself where there is one sentence only.
    """
    import numpy
    from scipy.stats import bootstrap

    above, below = numpy.asarray(numerators, float), numpy.asarray(denominators, float)
    if len(above) < 2:
        only = float(_ratio(above, below))
        return only, only
    result = bootstrap(
        (above, below),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        # SciPy 1.15 renamed it to rng, and still takes the old name.
        random_state=numpy.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _ratio(above: Any, below: Any, axis: int = -1) -> Any:
    return above.sum(axis=axis) / below.sum(axis=axis)
