"""From counts per sentence to one table: each measure with its bootstrap interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from helpers.errors import HomeworkError
from hw7.lessons.which_method.intervals import bootstrap_interval
from hw7.lessons.which_method.measurements import RANDOM

if TYPE_CHECKING:
    import pandas

    from hw7.lessons.which_method.layers import Reading


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
    ratio = float(group[measure.above].sum() / group[measure.below].sum())
    return 1 - ratio if measure.is_error else ratio


def interval_of(group: "pandas.DataFrame", name: str) -> tuple[float, float]:
    """Return the ends of a measure's bootstrap interval over sentences."""
    measure = measure_named(name, group.columns)
    sums = group.groupby("sentence")[[measure.above, measure.below]].sum()
    low, high = bootstrap_interval(sums[measure.above].tolist(), sums[measure.below].tolist())
    return (1 - high, 1 - low) if measure.is_error else (low, high)


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
    import numpy
    import pandas

    kind = measure_named(measure, counts.columns)
    groups = [counts[counts["method"] == name] for name in (first, second)]
    for name, group in zip((first, second), groups, strict=True):
        if group.empty:
            there = "; ".join(map(str, counts["method"].unique()))
            raise HomeworkError(f"There are no counts of {name!r}. Use two of: {there}.")
    values = [value_of(group, measure) for group in groups]
    sums = [group.groupby("sentence")[[kind.above, kind.below]].sum() for group in groups]
    drawn = numpy.random.default_rng(0).integers(len(sums[0]), size=(1000, len(sums[0])))
    ratios = [
        table[kind.above].to_numpy()[drawn].sum(1) / table[kind.below].to_numpy()[drawn].sum(1)
        for table in sums
    ]
    sign = -1 if kind.is_error else 1
    low, high = numpy.percentile(sign * (ratios[0] - ratios[1]), [2.5, 97.5])
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
