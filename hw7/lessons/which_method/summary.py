"""From counts per sentence to one table: each measure with its bootstrap interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from helpers.errors import HomeworkError
from hw7.lessons.which_method.measurements import RANDOM

if TYPE_CHECKING:
    import pandas

    from hw7.lessons.which_method.scoring import Reading

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Measure:
    """A ratio of two sums over sentences.

    Attributes:
        above: The column that is added up above the line.
        below: The column below it.
        is_error: True where the measure is 1 less the ratio.
        better: Whether a high or a low value is good.
    """

    above: str
    below: str
    is_error: bool = False
    better: Literal["high", "low"] = "high"


MEASURES = {
    "alignment error rate": Measure("matched", "drawn", is_error=True, better="low"),
    "precision at 1": Measure("hits", "linked_words"),
    "average precision": Measure("average_precision", "linked_words"),
    "comprehensiveness": Measure("comprehensiveness", "erased_tokens"),
    "sufficiency": Measure("sufficiency", "erased_tokens", better="low"),
    "seconds": Measure("seconds", "one", better="low"),
    "alignment error rate, with </s>": Measure(
        "matched_with_end", "drawn_with_end", is_error=True, better="low"
    ),
    "precision at 1, with </s>": Measure("hits_with_end", "linked_words"),
    "strongest is </s>": Measure("parked", "target_words", better="low"),
}
STANDARD = tuple(MEASURES)[:6]


def summarize(
    counts: "pandas.DataFrame",
    measures: Sequence[str] = STANDARD,
    *,
    intervals: bool = True,
) -> "pandas.DataFrame":
    """Return one row per method, one column per measure, as in the table of notebook 05.

    Args:
        counts: What ``compare_methods`` or ``evaluate_layers`` returned.
        measures: Names out of ``MEASURES``.
        intervals: Add the ends of each 95% bootstrap interval over sentences as the columns
            ``"<measure>, low"`` and ``"<measure>, high"``; time gets none.

    Raises:
        HomeworkError: There is no such measure, or the counts were not taken for it.
    """
    import pandas

    rows = {}
    for method, group in counts.groupby("method", sort=False):
        row: dict[str, float] = {}
        for name in measures:
            row[name] = value_of(group, name)
            if intervals and name != "seconds":
                row[f"{name}, low"], row[f"{name}, high"] = interval_of(group, name)
        rows[method] = row
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def report(counts: "pandas.DataFrame", measures: Sequence[str] = STANDARD) -> "pandas.DataFrame":
    """Return the table of ``summarize`` as text to read: ``0.12 [0.08, 0.17]``.

    Args:
        counts: What ``compare_methods`` or ``evaluate_layers`` returned.
        measures: Names out of ``MEASURES``.
    """
    table = summarize(counts, measures)
    shown = table[list(measures)].apply(lambda values: values.map("{:.2f}".format))
    for name in measures:
        if f"{name}, low" in table:
            ends = zip(table[f"{name}, low"], table[f"{name}, high"], strict=True)
            shown[name] += [f" [{low:.2f}, {high:.2f}]" for low, high in ends]
    return shown


def measure_named(name: str, columns: "pandas.Index") -> Measure:
    """Return a measure by its name.

    Raises:
        HomeworkError: There is no such measure, or the counts were not taken for it.
    """
    known = [key for key, measure in MEASURES.items() if measure.above in columns]
    if name not in known:
        raise HomeworkError(f"There is no measure {name!r} here. Use one of: {'; '.join(known)}.")
    return MEASURES[name]


def value_of(group: "pandas.DataFrame", name: str) -> float:
    """Return a measure over the rows of one method."""
    measure = measure_named(name, group.columns)
    value = float(ratio(group[measure.above], group[measure.below], axis=0))
    return 1 - value if measure.is_error else value


def interval_of(group: "pandas.DataFrame", name: str) -> tuple[float, float]:
    """Return the ends of a measure's bootstrap interval over sentences."""
    measure = measure_named(name, group.columns)
    sums = group.groupby("sentence")[[measure.above, measure.below]].sum()
    low, high = bootstrap_interval(
        ratio, sums[measure.above].tolist(), sums[measure.below].tolist()
    )
    return (1 - high, 1 - low) if measure.is_error else (low, high)


def bootstrap_interval(
    statistic: Callable[..., Any], *samples: Sequence[float]
) -> tuple[float, float]:
    """Return the 95% bootstrap interval of a statistic of paired samples, the same every time.

    Whole sentences are drawn anew, with replacement, because the words of one sentence are not
    independent (Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation").

    Args:
        statistic: What is computed, vectorised over its ``axis``, such as ``ratio``.
        samples: One number per sentence, in as many columns as the statistic has arguments.

    Returns:
        The lower and the upper end; both are the statistic where there is one sentence only.
    """
    import numpy
    from scipy.stats import bootstrap

    columns = [numpy.asarray(sample, float) for sample in samples]
    if len(columns[0]) < 2:
        only = float(statistic(*columns))
        return only, only
    result = bootstrap(
        columns,
        statistic,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        # SciPy 1.15 renamed it to rng, and still takes the old name.
        random_state=numpy.random.default_rng(0),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def ratio(above: Any, below: Any, axis: int = -1) -> Any:
    """Return one sum divided by another."""
    return above.sum(axis=axis) / below.sum(axis=axis)


def ratio_difference(above: Any, below: Any, above2: Any, below2: Any, axis: int = -1) -> Any:
    """Return how far two ratios over the same sentences lie apart."""
    return ratio(above, below, axis) - ratio(above2, below2, axis)


def random_spread(counts: "pandas.DataFrame", measures: Sequence[str]) -> "pandas.DataFrame":
    """Return mean, standard deviation, least and greatest value over the random orders."""
    import pandas

    repeats = counts[counts["method"] == RANDOM].groupby("repeat")
    values = pandas.DataFrame(
        {name: [value_of(group, name) for _, group in repeats] for name in measures}
    )
    return values.agg(["mean", "std", "min", "max"]).T


def difference(
    counts: "pandas.DataFrame", first: str, second: str, measure: str
) -> "pandas.Series":
    """Return how far two methods lie apart on the same sentences, with a bootstrap interval.

    Returns:
        ``difference`` (first less second), ``low``, ``high``, and ``is_clear``: whether zero lies
        outside the interval.
    """
    import pandas

    kind = measure_named(measure, counts.columns)
    groups = [counts[counts["method"] == name] for name in (first, second)]
    for name, group in zip((first, second), groups, strict=True):
        if group.empty:
            there = "; ".join(map(str, counts["method"].unique()))
            raise HomeworkError(f"There are no counts of {name!r}. Use two of: {there}.")
    values = [value_of(group, measure) for group in groups]
    sums = [group.groupby("sentence")[[kind.above, kind.below]].sum() for group in groups]
    columns = [table[column].tolist() for table in sums for column in (kind.above, kind.below)]
    ends = bootstrap_interval(ratio_difference, *columns)
    low, high = sorted(-end for end in ends) if kind.is_error else ends
    is_clear = bool(low > 0 or high < 0)
    return pandas.Series(
        {"difference": values[0] - values[1], "low": low, "high": high, "is_clear": is_clear}
    )


def best_layer(
    counts: "pandas.DataFrame", measure: str = "alignment error rate"
) -> "dict[Reading, int]":
    """Return the best attention layer for each reading; use the counts of a development split.

    Args:
        counts: What ``evaluate_layers`` returned.
        measure: What is best, out of ``MEASURES``.

    Returns:
        The layer for each reading, counted from 0; nothing where the model has only one layer,
        whose attention is the mean of all layers already.
    """
    if counts["layer"].nunique() < 2:
        return {}
    choose = min if MEASURES[measure].better == "low" else max
    best: dict[Reading, int] = {}
    for reading in counts["reading"].unique():
        rows = counts[counts["reading"] == reading]
        layers = sorted({int(layer) for layer in rows["layer"]})
        values = [value_of(rows[rows["layer"] == layer], measure) for layer in layers]
        best[reading] = layers[values.index(choose(values))]
    return best
