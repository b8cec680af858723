"""Terminals of the grammar: single words, numbers, names, nouns with the article they ask for."""

import random

from tools.train_tiny_translator import nouns
from tools.train_tiny_translator.lexicon import NOUN_KINDS, nouns_of, sections, words_of
from tools.train_tiny_translator.nouns import named
from tools.train_tiny_translator.numbers_and_names import (
    Terminal,
    given,
    hour,
    number,
    ordinal,
    pick,
    surname,
    year,
)
from tools.train_tiny_translator.words import Phrase, content, verb_phrase

VERB_KINDS = ("vt", "vs", "vi", "vp", "vc", "vm", "vperson", "vcan", "vskill", "vdone")
WITHOUT_DE = frozenset("大小新旧老好坏高矮长短红白黑黄绿蓝重热冷")


def adjective(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """An adjective that suits the noun, or the first of the kinds where there is none."""
    asked = kinds[0] if kinds else ""
    kind = fits.word.kind if fits is not None and fits.word is not None else asked
    words = [
        word
        for word in (pick(generator, words_of("adj")) for _ in range(6))
        if not word.kinds or kind in word.kinds
    ]
    word = pick(generator, words)
    specific = [
        other for other in words_of("adj") if other.chinese == word.chinese and kind in other.kinds
    ]
    word = specific[0] if specific else word
    return content(word.chinese, word.english, word)


def short_adjective(
    generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None
) -> Phrase:
    """An adjective that needs no 的 before its noun."""
    while True:
        phrase = adjective(generator, kinds, fits)
        if phrase.source[0].text in WITHOUT_DE:
            return phrase


def verb(kind: str) -> Terminal:
    """A terminal for the verbs of one list."""

    def draw(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
        return verb_phrase(pick(generator, words_of(kind)))

    return draw


def listed(kind: str) -> Terminal:
    """A terminal for the words of one list."""

    def draw(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
        word = pick(generator, nouns_of((kind,)) if kind in NOUN_KINDS else words_of(kind))
        return named(word)

    return draw


def pronoun(case: int) -> Terminal:
    """A pronoun as subject (0), object (1) or owner (2)."""

    def draw(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
        word = pick(generator, words_of("pronoun"))
        *forms, agreement = word.english.split()
        phrase = content(word.chinese, forms[case])
        phrase.source[0].is_content = False
        phrase.target[0].is_content = False
        phrase.agreement = agreement
        return phrase

    return draw


TERMINALS: dict[str, Terminal] = {
    **{kind: listed(kind) for kind in sections()},
    **{kind: verb(kind) for kind in VERB_KINDS if kind in sections()},
    "n": nouns.noun,
    "nc": nouns.counted,
    "nm": nouns.uncounted,
    "pair": nouns.pair,
    "bare": nouns.bare_object,
    "thebare": nouns.bare_subject,
    "gen": nouns.generic,
    "adj": adjective,
    "sadj": short_adjective,
    "num": number,
    "hour": hour,
    "ord": ordinal,
    "year": year,
    "cl": nouns.classifier,
    "pro": pronoun(0),
    "prome": pronoun(1),
    "my": pronoun(2),
    "surname": surname,
    "given": given,
}
