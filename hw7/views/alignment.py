"""Which token of one text stands where which token of another one stands."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

Pair = tuple[int | None, int | None]
"""Positions in the first and the second text; None where a text has no such token."""


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
