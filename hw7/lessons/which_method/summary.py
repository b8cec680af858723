"""From counts per sentence to one table: each measure with its bootstrap interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from helpers.errors import HomeworkError

if TYPE_CHECKING:
    import numpy
    import pandas

    from hw7.lessons.which_method.scoring import Reading

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Measure:
    """A ratio of two sums over sentences: of a column above the line and one below it."""

    above: str
    below: str
    is_error: bool = False  # 1 less the ratio
    better: Literal["high", "low"] = "high"

    def value(self, above: Any, below: Any, axis: int = -1) -> Any:
        """Return the measure of the numbers of several sentences, along an axis."""
        ratio = above.sum(axis=axis) / below.sum(axis=axis)
        return 1 - ratio if self.is_error else ratio


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
            row[name] = _value(group, name)
            if intervals and name != "seconds":
                ends = bootstrap_interval(MEASURES[name].value, *_sums(group, name))
                row[f"{name}, low"], row[f"{name}, high"] = ends
        rows[method] = row
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def report(counts: "pandas.DataFrame", measures: Sequence[str] = STANDARD) -> "pandas.DataFrame":
    """Return the table of ``summarize`` as text to read: ``0.12 [0.08, 0.17]``."""
    table = summarize(counts, measures)
    shown = table[list(measures)].apply(lambda values: values.map("{:.2f}".format))
    for name in measures:
        if f"{name}, low" in table:
            ends = zip(table[f"{name}, low"], table[f"{name}, high"], strict=True)
            shown[name] += [f" [{low:.2f}, {high:.2f}]" for low, high in ends]
    return shown


def _value(counts: "pandas.DataFrame", name: str) -> float:
    """Return a measure over all rows given."""
    above, below = _sums(counts, name)
    return float(MEASURES[name].value(above, below))


def _sums(counts: "pandas.DataFrame", name: str) -> "tuple[numpy.ndarray, numpy.ndarray]":
    """Return what is added up for a measure above and below its line, one number per sentence.

    Raises:
        HomeworkError: There is no such measure, or the counts were not taken for it.
    """
    known = [key for key, measure in MEASURES.items() if measure.above in counts]
    if name not in known:
        raise HomeworkError(f"There is no measure {name!r} here. Use one of: {'; '.join(known)}.")
    columns = [MEASURES[name].above, MEASURES[name].below]
    above, below = counts.groupby("sentence")[columns].sum().to_numpy(float).T
    return above, below


def bootstrap_interval(
    statistic: Callable[..., Any], *samples: "Sequence[float] | numpy.ndarray"
) -> tuple[float, float]:
    """Return the 95% bootstrap interval of a statistic of paired samples, the same every time.

    Whole sentences are drawn anew, with replacement, because the words of one sentence are not
    independent (Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation").

    Args:
        statistic: What is computed, vectorised over its ``axis``, such as ``Measure.value``.
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


def difference(
    counts: "pandas.DataFrame", first: str, second: str, measure: str
) -> "pandas.Series":
    """Return how far two methods lie apart on the same sentences, with a bootstrap interval.

    Returns:
        ``difference`` (first less second), ``low``, ``high``, and ``is_clear``: whether zero lies
        outside the interval.
    """
    import pandas

    columns: list[numpy.ndarray] = []
    for name in (first, second):
        group = counts[counts["method"] == name]
        if group.empty:
            there = "; ".join(map(str, counts["method"].unique()))
            raise HomeworkError(f"There are no counts of {name!r}. Use two of: {there}.")
        columns += _sums(group, measure)
    value = MEASURES[measure].value

    def apart(*sums: Any, axis: int = -1) -> Any:
        return value(sums[0], sums[1], axis) - value(sums[2], sums[3], axis)

    low, high = bootstrap_interval(apart, *columns)
    found = {"difference": float(apart(*columns)), "low": low, "high": high}
    return pandas.Series(found | {"is_clear": low > 0 or high < 0})


def verdict(counts: "pandas.DataFrame", first: str, second: str, measure: str) -> str:
    """Return a comparison of two methods as a sentence: who is better, or that it is undecided."""
    found = difference(counts, first, second, measure)
    values = [_value(counts[counts["method"] == name], measure) for name in (first, second)]
    is_first = (found["difference"] < 0) == (MEASURES[measure].better == "low")
    end = f"{first if is_first else second} is better" if found["is_clear"] else "undecided"
    return (
        f"{measure}: {first} {values[0]:.2f}, {second} {values[1]:.2f}, difference "
        f"{found['difference']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]: {end}"
    )


def best_layer(counts: "pandas.DataFrame") -> "dict[Reading, int]":
    """Return the layer of the lowest alignment error rate for each reading, counted from 0.

    Nothing where the model has only one layer, whose attention is the mean of all layers already.

    Args:
        counts: What ``evaluate_layers`` returned for a development split.
    """
    if counts["layer"].nunique() < 2:
        return {}
    best: dict[Reading, int] = {}
    for reading in counts["reading"].unique():
        layers = counts[counts["reading"] == reading].groupby("layer")
        values = {int(layer): _value(rows, "alignment error rate") for layer, rows in layers}
        best[reading] = min(values, key=values.__getitem__)
    return best
