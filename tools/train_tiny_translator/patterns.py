"""Reads the sentence patterns in ``patterns/``.

A pattern file has blocks ``[name]``; below it stands a pattern a line::

    weight  chinese  =>  english  ; agreement

Chinese: words (``没|没有`` either one, ``了?`` sometimes, ``感兴趣*`` a content word, ``完^`` is
what 了 follows) and slots ``{label=name/kinds+了}``: a block or a terminal, the kinds of nouns it
may hold, a particle after its verb; ``{cl<n}`` fits the slot n. English: ``word:因为`` translates
因为, ``~be`` (past: ``^be``) is the verb that gets its form later, ``be@who`` agrees with the slot
who, and ``{act.past}``, ``{n.plural}``, ``{adj.er}``, ``{act@who}`` give the form of what stands in
the slot.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATTERNS = Path(__file__).parent / "patterns"


SLOT = re.compile(r"(?:(\w+)=)?([\w.]+)(?:/([\w,]+))?(?:<(\w+))?(?:\+(\w+))?")


@dataclass(frozen=True)
class Slot:
    """A place for a phrase on the Chinese side."""

    label: str
    symbol: str
    kinds: tuple[str, ...]
    fits: str
    particle: str


@dataclass(frozen=True)
class Literal:
    """A Chinese word of the pattern itself, one of several."""

    options: tuple[str, ...]
    is_content: bool
    is_marked: bool
    is_optional: bool


@dataclass(frozen=True)
class English:
    """An item of the English side: a word with its links, or the form of a slot."""

    text: str = ""
    links: tuple[str, ...] = ()
    label: str = ""
    form: str = ""
    agrees: str = ""


@dataclass(frozen=True)
class Pattern:
    """One line of a block."""

    weight: float
    source: tuple[Slot | Literal, ...]
    target: tuple[English, ...]
    agreement: str


def read_chinese(text: str) -> Slot | Literal:
    """One item of the Chinese side."""
    if text.startswith("{"):
        match = SLOT.fullmatch(text[1:-1])
        if match is None:
            raise ValueError(f"not a slot: {text}")
        label, symbol, kinds, fits, particle = match.groups()
        listed = tuple(kinds.split(",")) if kinds else ()
        return Slot(label or symbol, symbol, listed, fits or "", particle or "")
    word = text.rstrip("*^?") if len(text) > 1 else text
    marks = text[len(word) :]
    return Literal(tuple(word.split("|")), "*" in marks, "^" in marks, "?" in marks)


def read_english(text: str) -> English:
    """One item of the English side."""
    if text.startswith("{"):
        inner, _, agrees = text[1:-1].partition("@")
        label, _, form = inner.partition(".")
        if label in ("time", "adverb"):
            label, form = inner, ""
        return English(label=label, form=form, agrees=agrees)
    word, _, links = text.partition(":") if len(text) > 1 else (text, "", "")
    word, _, agrees = word.partition("@")
    return English(word, tuple(filter(None, links.split("+"))), agrees=agrees)


@cache
def read_patterns() -> dict[str, list[Pattern]]:
    """All blocks of all files."""
    blocks: dict[str, list[Pattern]] = defaultdict(list)
    for path in sorted(PATTERNS.glob("*.txt")):
        name = ""
        for line in path.read_text("utf-8").splitlines():
            text = line.partition("  #")[0].strip()
            if not text or text.startswith("#"):
                continue
            if text.startswith("["):
                name = text.strip("[]")
                continue
            weight, _, rest = text.partition(" ")
            sides, _, agreement = rest.partition(" ; ")
            chinese, _, target = sides.partition("=>")
            source = tuple(read_chinese(item) for item in chinese.split())
            items = tuple(read_english(item) for item in target.split())
            blocks[name].append(Pattern(float(weight), source, items, agreement.strip()))
    return dict(blocks)
