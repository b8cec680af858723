"""Scores packed into text: three characters each, exact enough to round again without error."""

import math
from decimal import ROUND_05UP, Decimal

import numpy

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MISSING = "."
_OFFSET = len(ALPHABET) ** 3 // 2


def decimals_of(highest: float) -> int:
    """Return how many decimals are kept of scores up to this size: 5 up to 1.31, 4 up to 13.1."""
    if highest * 10**5 < _OFFSET - 1:
        return 5
    return 4 - math.floor(math.log10(highest * 10**5 / (_OFFSET - 1)))


def pack(scores: numpy.ndarray, decimals: int) -> str:
    """Return scores row by row, ``.`` for a missing one.

    Decimals are cut off so that the page can round once more and still show what Python's
    ``f"{score:.3f}"`` shows (``ROUND_05UP`` exists for this: 0.44499 must not become 0.45).
    """
    unit = Decimal(1).scaleb(-decimals)
    return "".join(_packed(score, unit, decimals) for score in scores.ravel().tolist())


def _packed(score: float, unit: Decimal, decimals: int) -> str:
    if not math.isfinite(score):
        return MISSING
    number = int(Decimal(score).quantize(unit, rounding=ROUND_05UP).scaleb(decimals)) + _OFFSET
    return ALPHABET[number >> 12] + ALPHABET[number >> 6 & 63] + ALPHABET[number & 63]
