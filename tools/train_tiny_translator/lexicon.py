"""The words the translator knows, read from the lists in ``words/``.

A list is divided by lines ``# kind [classifier] title``; below it stands a word a line: the Chinese
word, its English, and flags: ``-`` uncountable, ``+`` only in the plural, ``!`` there is but one
(the sun), ``/本`` its classifier, ``@kind,kind`` what a verb acts on or an adjective describes.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WORDS = Path(__file__).parent / "words"
UNCOUNTED_KINDS = ("city", "sight", "field", "language", "term")


@dataclass(frozen=True)
class Word:
    """A Chinese word with its English and what the grammar has to know about it."""

    chinese: str
    english: str
    kind: str
    flag: str = ""
    classifier: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def is_countable(self) -> bool:
        """Whether it can stand with a number."""
        return self.flag in ("", "!") and self.kind not in UNCOUNTED_KINDS


@cache
def sections() -> dict[str, tuple[str, list[Word]]]:
    """Title and words of every kind; the first English of a word of one kind counts."""
    titles: dict[str, str] = {}
    words: dict[str, dict[tuple[str, tuple[str, ...]], Word]] = defaultdict(dict)
    for path in sorted(WORDS.glob("*.txt")):
        kind = classifier = ""
        for line in filter(None, path.read_text("utf-8").splitlines()):
            if line.startswith("# "):
                _, kind, *title = line.split(" ")
                classifier = title.pop(0) if len(title[0]) == 1 else ""
                titles.setdefault(kind, " ".join(title))
            else:
                word = read_word(line, kind, classifier.replace("-", ""))
                words[kind].setdefault((word.chinese, word.kinds), word)
    return {kind: (titles[kind], list(found.values())) for kind, found in words.items()}


def read_word(line: str, kind: str, classifier: str) -> Word:
    """One line of a list."""
    chinese, *rest = line.split(" ")
    english: list[str] = []
    flag, kinds = "", tuple[str, ...]()
    for part in rest:
        if part in ("-", "+", "!"):
            flag = part
        elif part.startswith("/"):
            classifier = part[1:]
        elif part.startswith("@"):
            kinds = tuple(part[1:].split(","))
        else:
            english.append(part)
    return Word(chinese, " ".join(english), kind, flag, classifier, kinds)


def words_of(kind: str) -> list[Word]:
    """All words of one kind."""
    return sections()[kind][1]


@cache
def nouns_of(kinds: tuple[str, ...]) -> tuple[Word, ...]:
    """Nouns of the kinds; a word of two kinds has one English, that of the first list."""
    return tuple(first_meaning(word) for kind in kinds for word in words_of(kind))


NOUN_KINDS = (
    *("person", "relation", "group", "food", "drink", "thing", "furniture", "clothes", "vehicle"),
    *("reading", "show", "song", "game", "animal", "plant", "nature", "weather", "body", "illness"),
    *("place", "city", "sight", "field", "language", "school", "tech", "economy", "abstract"),
    "term",
)


@cache
def meanings() -> dict[str, Word]:
    """The first noun that is written so."""
    found: dict[str, Word] = {}
    for kind in NOUN_KINDS:
        for word in words_of(kind):
            found.setdefault(word.chinese, word)
    return found


def first_meaning(word: Word) -> Word:
    """The noun itself, or the one of an earlier list that is written alike."""
    return meanings().get(word.chinese, word)


def all_words() -> Iterator[Word]:
    """Every word of every list."""
    for _, words in sections().values():
        yield from words
