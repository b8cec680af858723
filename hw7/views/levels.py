"""Levels of a heatmap: tokens, and the words, sentences and turns that they make. Pure numbers."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy

LEVELS = ("token", "word", "sentence", "turn")
AGGREGATIONS = ("sum", "mean", "largest")

OWN_PART = "(own earlier part)"
"""The row of what a word, sentence or turn had of itself when its later tokens were written."""


@dataclass(frozen=True)
class Axis:
    """The rows or the columns of a heatmap, and the groups that they form at each level.

    Attributes:
        labels: For each level, the label of each group, in the order of the text.
        numbers: For each level, the number of the group that each token is in.
        turns: For each token, the name of its turn: ``source``, ``prompt``, ``user``, ``answer``.
        special: For each token, whether it belongs to the model's format, such as ``</s>``.
    """

    labels: dict[str, list[str]]
    numbers: dict[str, list[int]]
    turns: list[str]
    special: list[bool]

    def kept(self, places: Sequence[int]) -> "Axis":
        """Return the axis of some of its tokens."""
        old = {level: [self.numbers[level][place] for place in places] for level in LEVELS}
        return Axis(
            {level: [self.labels[level][n] for n in dict.fromkeys(old[level])] for level in LEVELS},
            {level: numbered(old[level]) for level in LEVELS},
            [self.turns[place] for place in places],
            [self.special[place] for place in places],
        )

    def places(self, level: str) -> list[list[int]]:
        """Return for each group the places of its tokens."""
        found: dict[int, list[int]] = {}
        for place, number in enumerate(self.numbers[level]):
            found.setdefault(number, []).append(place)
        return list(found.values())

    def special_labels(self, level: str) -> set[str]:
        """Return the labels of the groups that belong to the model's format."""
        pairs = zip(self.labels[level], self.places(level), strict=True)
        return {label for label, group in pairs if all(self.special[place] for place in group)}

    def groups_of(self, turn: str, level: str) -> list[int]:
        """Return the groups of a turn, without its template.

        ``user`` names all turns of the user, ``user 2`` one of them.

        Raises:
            ValueError: There is no such turn; the message lists those there are.
        """
        text = [group for group in self.places(level) if not self.special[group[0]]]
        names = [self.turns[group[0]] for group in text]
        chosen = [
            self.numbers[level][group[0]]
            for group, name in zip(text, names, strict=True)
            if turn in (name, name.split(" ")[0])
        ]
        if not chosen:
            raise ValueError(
                f"There is no turn {turn!r}. There are: {', '.join(dict.fromkeys(names))}."
            )
        return chosen


@dataclass(frozen=True)
class Outline:
    """What the rows and columns of a heatmap are, at every level.

    Attributes:
        rows: The attributed tokens.
        columns: The explained tokens.
        places: For each column, its place among all generated tokens.
        start: For a decoder-only model, the row of the first generated token; else None.
        has_contrast: Each column is the difference to another token, as far as there is one.
        is_partial: Only some of the generated tokens are explained.
    """

    rows: Axis
    columns: Axis
    places: list[int]
    start: int | None
    has_contrast: bool = False
    is_partial: bool = False

    def explaining(self, places: Sequence[int]) -> "Outline":
        """Return the outline of some of the generated tokens, and of the rows before the last."""
        rows = self.rows
        if self.start is not None:
            rows = rows.kept(range(self.start + places[-1] + 1))
        columns = self.columns.kept(places)
        return replace(self, rows=rows, columns=columns, places=list(places), is_partial=True)

    @classmethod
    def read(cls, content: dict[str, Any]) -> "Outline":
        """Return the outline that ``dataclasses.asdict`` turned into plain data."""
        return cls(**{**content, **{side: Axis(**content[side]) for side in ("rows", "columns")}})


def merged(
    scores: numpy.ndarray,
    outline: Outline,
    level: str,
    aggregation: str,
    column_level: str | None = None,
) -> tuple[numpy.ndarray, list[str]]:
    """Return scores of the groups of a level, and the labels of their rows.

    ``sum`` adds the scores of a group's source tokens and takes the mean over its generated
    tokens, so that a column that sums to one still does, and a level sums to the level below;
    signed scores may cancel. ``mean`` takes the mean of both, ``largest`` the score with the
    largest absolute value, as Inseq's span aggregator does.

    What a group had of itself when its later tokens were written is no influence of another word:
    it stands in a row of its own, ``OWN_PART``.

    Args:
        scores: `[source, generated]`, NaN where a token was not yet written, or has no contrast.
        outline: What the rows and columns are.
        level: One of ``LEVELS``.
        aggregation: One of ``AGGREGATIONS``.
        column_level: The level of the columns, where it is another one.
    """
    labels = list(outline.rows.labels[level])
    rows = [_together(scores[places], aggregation) for places in outline.rows.places(level)]
    if outline.start is not None:
        numbers = outline.rows.numbers[level]
        own = numpy.full(scores.shape[1], numpy.nan)
        written = [outline.start + place for place in outline.places]
        for column, place in enumerate(written):
            row = rows[numbers[place]]
            own[column], row[column] = row[column], numpy.nan
        # By the groups and not by the scores, so that all methods have the same rows.
        if any(numbers.index(numbers[place]) < place for place in written):
            rows.append(own)
            labels.append(OWN_PART)
    table = numpy.stack(rows)
    groups = outline.columns.places(column_level or level)
    columns = [_mean_column(table[:, group], aggregation) for group in groups]
    return numpy.stack(columns, axis=1), labels


def _together(block: numpy.ndarray, aggregation: str) -> numpy.ndarray:
    """Return one score for each column of `[pieces, columns]`, NaN where no piece has one."""
    is_known = ~numpy.isnan(block)
    known = numpy.where(is_known, block, 0.0)
    if aggregation == "largest":
        total = numpy.take_along_axis(known, numpy.abs(known).argmax(axis=0)[None], axis=0)[0]
    else:
        total = known.sum(axis=0)
        if aggregation == "mean":
            total = total / numpy.maximum(is_known.sum(axis=0), 1)
    return numpy.where(is_known.any(axis=0), total, numpy.nan)


def _mean_column(block: numpy.ndarray, aggregation: str) -> numpy.ndarray:
    """Return one column for those of a group; what was not yet written counts as 0 in the mean."""
    explained = block[:, ~numpy.isnan(block).all(axis=0)]
    if aggregation == "largest":
        return _together(block.T, aggregation)
    return _together(explained.T, "sum") / max(explained.shape[1], 1)


def numbered(keys: Iterable[Hashable]) -> list[int]:
    """Return for each key its number among the different ones, in order of appearance."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]
