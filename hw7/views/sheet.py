"""A sheet: everything that is drawn of an explanation, as plain arrays without any model."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy

from hw7.views.labels import is_special
from hw7.views.levels import Outline
from hw7.views.notes import Note

Scale = Literal["column", "common"]
Language = Literal["zh", "en"]

# Sums of a few hundred float32 scores.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Layer:
    """The scores of one method, or the difference of two.

    Attributes:
        name: The title above the map.
        scores: Array `[row, column]`, NaN where the row's token was not yet written.
        is_signed: Scores below zero are possible; the color scale then diverges at zero.
        has_common_scale: Colored on one scale even where others are colored column by column, as
            differences are: where two maps agree, nothing should glow.
        whole: The scores of the whole answer `[row]`, NaN in rows of its own tokens; or None.
    """

    name: str
    scores: numpy.ndarray
    is_signed: bool
    has_common_scale: bool = False
    whole: numpy.ndarray | None = None

    @property
    def is_share(self) -> bool:
        """Whether a column divides one whole, as gradients and attention do and occlusion not.

        Only such layers share a color scale, and only they can be renormalised. Words grouped
        together may leave a part of the whole out.
        """
        totals = numpy.nansum(self.scores, axis=0)
        return not self.is_signed and bool((totals <= 1 + _TOLERANCE).all())

    @property
    def highest(self) -> float:
        """The largest absolute score, 0 where there is none."""
        finite = self.scores[numpy.isfinite(self.scores)]
        return float(numpy.abs(finite).max()) if finite.size else 0.0


@dataclass(frozen=True)
class Step:
    """How sure the model was of one generated token.

    Attributes:
        probability: The token's probability, 0 to 1.
        rivals: The most probable other tokens at that step, with their probabilities.
    """

    probability: float
    rivals: list[tuple[str, float]]


@dataclass(frozen=True)
class Sheet:
    """One or more layers of scores over the same tokens.

    Attributes:
        title: The model's name.
        rows: Labels of the attributed tokens.
        columns: Labels of the generated tokens.
        first_generated_row: For a decoder-only model, the row of the first generated token: the
            rows before it are the prompt. None where the source is a text of its own.
        layers: The maps, all of shape `[rows, columns]`.
        identity: A digest of the content; the same content has the same identity.
        hidden: The special tokens that were left out.
        column_notes: A remark on each column, such as its rank correlation; may be empty.
        notes: Sentences that must be read with the map.
        can_hide_special: The page may leave special tokens out by itself; not where layers were
            computed from one another.
        main_layer: The layer to show first where not all of them fit beside each other.
        font: A font file with Chinese characters, for machines without such a font.
        special: Labels of special tokens and of a chat's template, beside those that ``is_special``
            knows by their spelling.
        outline: Where rows and columns are tokens, the words, sentences and turns they are in, for
            drilling down: ``outline.rows.numbers["word"][row]`` is the number of the word that a
            row is in, ``outline.rows.labels["word"]`` are the words. A group's score is the sum of
            its rows; see ``hw7.views.levels``.
        scale: Color each ``column`` by its own highest score, or all on one ``common`` scale; the
            page has a switch.
        steps: For each column, the probability of its token and of its rivals; may be empty.
        language: The language of the page's hints; None leaves it to the reader's browser.
        heads: Where rows and columns are tokens, the attention of each layer and head, as
            ``hw7.engine.head_weights`` packs it; may be None.
    """

    title: str
    rows: list[str]
    columns: list[str]
    first_generated_row: int | None
    layers: list[Layer]
    identity: str
    hidden: list[str] = field(default_factory=list)
    column_notes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    can_hide_special: bool = True
    main_layer: int = 0
    font: Path | None = None
    special: frozenset[str] = frozenset()
    outline: Outline | None = None
    scale: Scale = "column"
    steps: list[Step] = field(default_factory=list)
    language: Language | None = None
    heads: Mapping[str, Any] | None = None

    @property
    def special_rows(self) -> list[bool]:
        """For each row, whether its token is special."""
        if self.outline is not None:
            return self.outline.rows.special
        return [is_special(token) or token in self.special for token in self.rows]

    @property
    def special_columns(self) -> list[bool]:
        """For each column, whether its token is special."""
        if self.outline is not None:
            return self.outline.columns.special
        return [is_special(token) or token in self.special for token in self.columns]

    @property
    def shared_highest(self) -> float:
        """The end of the color scale of all layers whose scores are shares of one whole."""
        return max((layer.highest for layer in self.layers if layer.is_share), default=0.0)

    def has_common_scale(self, layer: Layer) -> bool:
        """Whether all columns of a layer are colored on one scale."""
        return self.scale == "common" or layer.has_common_scale

    def ends_of_scale(self, layer: Layer) -> numpy.ndarray:
        """Return for each column the absolute score with the strongest color, 1 where all are 0."""
        if self.has_common_scale(layer):
            end = self.shared_highest if layer.is_share else layer.highest
            ends = numpy.full(len(self.columns), end)
        else:
            ends = numpy.nan_to_num(numpy.abs(layer.scores)).max(axis=0, initial=0.0)
        return numpy.where(ends > 0, ends, 1.0)


def check_scale(scale: str) -> None:
    """Refuse a scale that there is not.

    Raises:
        ValueError: The message names those there are.
    """
    if scale not in get_args(Scale):
        raise ValueError(
            f"There is no scale {scale!r}: write scale='column' to color each column by its "
            "own highest score, or scale='common' for one scale over all columns."
        )


def layer_of(name: str, scores: numpy.ndarray, whole: numpy.ndarray | None = None) -> Layer:
    """Return a layer that is signed where it has a score below zero."""
    return Layer(name, scores, is_signed=bool((scores < 0).any()), whole=whole)


def identity_of(*parts: str) -> str:
    """Return a short digest of what a sheet is made of."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def notes_of(sheet: Sheet) -> list[str]:
    """Return what must be read with the map: what was left out, and whether scores were scaled."""
    if not sheet.hidden:
        return sheet.notes
    is_rescaled = any(layer.is_share for layer in sheet.layers)
    chinese = "每列其余分数已重新归一化" if is_rescaled else "分数不变"
    english = "the other scores renormalised" if is_rescaled else "scores unchanged"
    hidden = Note(
        f"已隐藏特殊 token，{chinese}", f"special tokens hidden, {english}", " ".join(sheet.hidden)
    )
    return [*sheet.notes, hidden]
