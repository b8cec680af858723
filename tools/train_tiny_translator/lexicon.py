"""The words the translator knows, read from the tables in ``lexicon/``."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.train_tiny_translator import english

TABLES = Path(__file__).parent / "lexicon"


@dataclass(frozen=True)
class Noun:
    """A noun; ``plural`` is None where English has none (rice, physics)."""

    chinese: str
    singular: str
    plural: str | None
    classifier: str
    kind: str

    @property
    def generic(self) -> str:
        """The form without article that speaks of the thing in general: books, rice."""
        return self.plural or self.singular


@dataclass(frozen=True)
class Verb:
    """A verb, its English forms, the kinds of nouns it takes as objects, and its own adjuncts."""

    chinese: str
    base: str
    singular: str
    past: str
    participle: str
    objects: tuple[str, ...]
    is_stative: bool
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adjective:
    """An adjective and the kinds of nouns it describes."""

    chinese: str
    english: str
    comparative: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class SmallWord:
    """A pronoun, name, number, adverb or the like; ``detail`` depends on its kind."""

    chinese: str
    english: str
    detail: str


@dataclass(frozen=True)
class Lexicon:
    """All tables, indexed by what the grammar asks for."""

    nouns: dict[str, list[Noun]]
    verbs: list[Verb]
    adjectives: list[Adjective]
    compounds: dict[tuple[str, str], list[Noun]]
    heads: list[Noun]
    times: dict[str, list[SmallWord]]
    small_words: dict[str, list[SmallWord]]


def read_table(name: str) -> Iterator[list[str]]:
    """Yield the rows of a table as lists of cells, padded to the width of its header."""
    lines = (TABLES / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    width = len(lines[0].split("\t"))
    for line in lines[1:]:
        cells = line.split("\t")
        yield cells + [""] * (width - len(cells))


def read_plural(singular: str, cell: str) -> str | None:
    """The plural a table gives: blank means regular, a dash means uncountable."""
    return None if cell == "-" else cell or english.plural(singular)


def read_nouns() -> dict[str, list[Noun]]:
    """Nouns by kind."""
    nouns = defaultdict(list)
    for chinese, singular, plural, classifier, kind in read_table("nouns"):
        noun = Noun(chinese, singular, read_plural(singular, plural), classifier, kind)
        nouns[kind].append(noun)
    for word in read_small_words()["city"]:
        nouns["city"].append(Noun(word.chinese, word.english, None, "", "city"))
    return dict(nouns)


def read_verbs() -> list[Verb]:
    """Verbs in table order."""
    return [
        Verb(
            chinese=chinese,
            base=base,
            singular=english.third_person(base),
            past=past or english.past(base),
            participle=participle or english.present_participle(base),
            objects=tuple(filter(None, objects.split(","))),
            is_stative=stative == "yes",
            takes=tuple(filter(None, takes.split(","))),
        )
        for chinese, base, past, participle, objects, stative, takes in read_table("verbs")
    ]


def read_heads() -> list[Noun]:
    """The nouns that end a technical term (learning, model)."""
    return [
        Noun(chinese, singular, read_plural(singular, plural), "个", "compound")
        for chinese, singular, plural in read_table("heads")
    ]


def read_compounds() -> dict[tuple[str, str], list[Noun]]:
    """Heads that each modifier, given as ``(Chinese, English)``, forms a term with."""
    heads = {head.chinese: head for head in read_heads()}
    return {
        (chinese, english_word): [heads[head] for head in listed.split(",")]
        for chinese, english_word, listed in read_table("compounds")
    }


def read_times() -> dict[str, list[SmallWord]]:
    """Time words by the tense they ask for."""
    times = defaultdict(list)
    for chinese, english_words, tense in read_table("times"):
        times[tense].append(SmallWord(chinese, english_words, tense))
    return dict(times)


def read_small_words() -> dict[str, list[SmallWord]]:
    """Pronouns, names, cities, numbers, adverbs and so on, by kind."""
    words = defaultdict(list)
    for kind, chinese, english_word, detail in read_table("small_words"):
        words[kind].append(SmallWord(chinese, english_word, detail))
    return dict(words)


def read_unknown_words() -> list[str]:
    """Common words that known words would spell by accident, such as 大学生."""
    return (TABLES / "unknown_words.txt").read_text(encoding="utf-8").split()


@cache
def load_lexicon() -> Lexicon:
    """Read all tables once."""
    adjectives = [
        Adjective(chinese, word, comparative or f"more {word}", tuple(kinds.split(",")))
        for chinese, word, comparative, kinds in read_table("adjectives")
    ]
    return Lexicon(
        nouns=read_nouns(),
        verbs=read_verbs(),
        adjectives=adjectives,
        compounds=read_compounds(),
        heads=read_heads(),
        times=read_times(),
        small_words=read_small_words(),
    )
