"""Two methods, or two explanations of almost the same text: what differs, and how much."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pandas

from hw7.views.component import sheet_html, show_bundle
from hw7.views.excerpts import without_special_tokens
from hw7.views.notes import Note
from hw7.views.sheet import Language, Layer, Sheet, identity_of, layer_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pair = tuple[int | None, int | None]
"""Positions in the first and the second text; None where a text has no such token."""

_OTHER_SCALE = Note(
    "两者尺度不同：差值只作参考，等级相关 ρ 不受影响",
    "different scales: the difference is a hint only, the rank correlation ρ is unaffected",
)


class Comparison:
    """The difference of two maps, and the rank correlation of each generated token.

    Attributes:
        first: The name of the first map.
        second: The name of the second map.
    """

    def __init__(self, sheet: Sheet) -> None:
        """Compare the two layers of a sheet over the same tokens."""
        one, other = sheet.layers
        self.first, self.second = one.name, other.name
        correlations = rank_correlations(one.scores, other.scores)
        difference = Layer(f"{one.name} − {other.name}", one.scores - other.scores, True, True)
        notes = [_OTHER_SCALE] if one.is_share != other.is_share else []
        self._sheet = replace(
            sheet,
            layers=[one, other, difference],
            can_hide_special=False,
            heads=None,
            main_layer=2,
            column_notes=[f"ρ = {_written(value)}" for value in correlations],
            notes=[*sheet.notes, *notes],
        )
        self._correlations = correlations

    @property
    def difference(self) -> pandas.DataFrame:
        """The first map minus the second, `[source, generated]`; NaN where either has no score."""
        return pandas.DataFrame(
            self._sheet.layers[2].scores,
            index=pandas.Index(self._sheet.rows, name="source"),
            columns=pandas.Index(self._sheet.columns, name="generated"),
        )

    @property
    def rank_correlation(self) -> pandas.DataFrame:
        """Spearman's ρ for each generated token, and over how many source tokens it was taken.

        ρ is 1 where both maps order the source tokens alike, -1 where they order them the other
        way round, and NaN where one of them gives all tokens the same score.
        """
        one, other, _ = (layer.scores for layer in self._sheet.layers)
        return pandas.DataFrame(
            {
                "generated": self._sheet.columns,
                "rank correlation": self._correlations,
                "tokens": numpy.isfinite(one + other).sum(axis=0),
            }
        )

    def show(self) -> None:
        """Show both maps and their difference in a notebook."""
        show_bundle({"text/html": self.html(), "text/plain": self.facts_text()})

    def html(self, *, picture: bool = True, language: Language | None = None) -> str:
        """Return both maps and their difference as one piece of HTML that fetches nothing.

        Args:
            picture: Embed the static picture that is shown where scripts are stripped.
            language: Of the hints, ``zh`` or ``en``; None leaves it to the reader's browser.
        """
        sheet = replace(self._sheet, language=language)
        return sheet_html(sheet, self.facts_text(), picture=picture)

    def plot(self, path: str | Path | None = None) -> "Figure":
        """Return both maps and their difference as a matplotlib figure, and save it to ``path``."""
        from hw7.views.picture import figure_of
        from hw7.views.picture_files import save_figure

        figure = figure_of(self._sheet)
        if path is not None:
            save_figure(figure, path)
        return figure

    def facts_text(self) -> str:
        """Return the rank correlations as text."""
        pairs = zip(self._sheet.columns, self._correlations, strict=True)
        listed = ", ".join(f"{token} {_written(value)}" for token, value in pairs)
        return f"{self.first} − {self.second} · rank correlation: {listed}"

    def __repr__(self) -> str:
        return f"Comparison({self.facts_text()})"


def compare_layers(sheet: Sheet, first: str, second: str, *, hide_special: bool) -> Comparison:
    """Compare two layers of one sheet, by their names."""
    layers = [_layer_named(sheet, name) for name in (first, second)]
    sheet = replace(sheet, layers=layers, identity=identity_of(sheet.identity, first, second))
    return Comparison(without_special_tokens(sheet) if hide_special else sheet)


def compare_sheets(first: Sheet, second: Sheet, name: str, *, hide_special: bool) -> Comparison:
    """Compare the layers of one name over two texts that differ in a few words.

    Raises:
        ValueError: One is a translation or of a whole answer, and the other is not.
    """
    if (first.first_generated_row is None) != (second.first_generated_row is None):
        raise ValueError(
            "One explains a continuation token by token, the other a translation or a whole "
            "answer. Compare two explanations of the same kind."
        )
    sheets = [replace(sheet, layers=[_layer_named(sheet, name)]) for sheet in (first, second)]
    if hide_special:
        sheets = [without_special_tokens(sheet) for sheet in sheets]
    return Comparison(_merged(*sheets))


def _layer_named(sheet: Sheet, name: str) -> Layer:
    return next(layer for layer in sheet.layers if layer.name == name)


def _merged(first: Sheet, second: Sheet) -> Sheet:
    """Lay two sheets of one layer over each other, token beside token."""
    columns = aligned(first.columns, second.columns)
    starts = [sheet.first_generated_row for sheet in (first, second)]
    rows = aligned(first.rows[: starts[0]], second.rows[: starts[1]])
    start = None
    if starts[0] is not None and starts[1] is not None:
        start = len(rows)
        rows += [(_shifted(one, starts[0]), _shifted(two, starts[1])) for one, two in columns]
    method = first.layers[0].name
    return replace(
        first,
        rows=[pair_label(first.rows, second.rows, pair) for pair in rows],
        columns=[pair_label(first.columns, second.columns, pair) for pair in columns],
        first_generated_row=start,
        layers=[
            layer_of(f"{method} {number}", _picked(sheet.layers[0].scores, rows, columns, number))
            for number, sheet in enumerate((first, second), 1)
        ],
        identity=identity_of(first.identity, second.identity, method),
        hidden=list(dict.fromkeys([*first.hidden, *second.hidden])),
        special=first.special | second.special,
        outline=None,
        heads=None,
        steps=[],
    )


def aligned(first: Sequence[str], second: Sequence[str]) -> list[Pair]:
    """Pair the tokens of two texts that differ in a few words, in the order of the texts.

    Equal tokens stand together; where words were exchanged they are paired one by one, and what is
    left over stands alone.
    """
    pairs: list[Pair] = []
    matcher = SequenceMatcher(a=list(first), b=list(second), autojunk=False)
    for _, start, end, other_start, other_end in matcher.get_opcodes():
        pairs.extend(zip_longest(range(start, end), range(other_start, other_end)))
    return pairs


def pair_label(first: Sequence[str], second: Sequence[str], pair: Pair) -> str:
    """Return one label for a pair: ``喜欢``, or ``喜欢→讨厌`` where the tokens differ."""
    one, other = (
        "∅" if place is None else tokens[place]
        for tokens, place in zip((first, second), pair, strict=True)
    )
    return one if one == other else f"{one}→{other}"


def _shifted(place: int | None, offset: int) -> int | None:
    return None if place is None else place + offset


def _picked(
    scores: numpy.ndarray, rows: list[Pair], columns: list[Pair], number: int
) -> numpy.ndarray:
    """The scores of one text at the places of its tokens; NaN where it has no such token."""
    # A further row and column of NaN stand for "no such token".
    padded = numpy.pad(scores, ((0, 1), (0, 1)), constant_values=numpy.nan)
    chosen = [
        [-1 if pair[number - 1] is None else pair[number - 1] for pair in pairs]
        for pairs in (rows, columns)
    ]
    return padded[numpy.ix_(*chosen)]


def rank_correlations(first: numpy.ndarray, second: numpy.ndarray) -> list[float]:
    """Return Spearman's rank correlation of each column of two maps `[source, generated]`.

    Equal scores share their mean rank; only rows with a score in both maps count.
    """
    return [rank_correlation(one, other) for one, other in zip(first.T, second.T, strict=True)]


def rank_correlation(first: numpy.ndarray, second: numpy.ndarray) -> float:
    """Return Spearman's ρ of two lists of scores; NaN where one has no order to compare."""
    from scipy.stats import spearmanr

    is_known = numpy.isfinite(first) & numpy.isfinite(second)
    sides = first[is_known], second[is_known]
    if any(len(numpy.unique(side)) < 2 for side in sides):
        return float("nan")
    return float(spearmanr(*sides).statistic)


def _written(correlation: Any) -> str:
    return "—" if correlation != correlation else f"{correlation:.2f}"
