"""Nouns as terminals of the grammar: their measure words, articles, and technical terms."""

import random
from collections.abc import Sequence
from functools import cache

from tools.train_tiny_translator import english
from tools.train_tiny_translator.lexicon import Word, nouns_of, sections, words_of
from tools.train_tiny_translator.numbers_and_names import pick
from tools.train_tiny_translator.words import NoFit, Phrase, TargetWord, content, translate

THINGS = (
    *("thing", "food", "drink", "clothes", "vehicle", "reading", "show", "animal", "furniture"),
    *("tech", "tech", "abstract", "school", "song", "plant", "economy", "group", "nature"),
)


PROPER = ("city", "sight", "term", "language", "field", "game")


COMPOUND_SHARE = 0.35


COMMON_SHARE = 0.45


def named(word: Word) -> Phrase:
    """A word as it stands; parents, shoes and other people are plural."""
    if word.flag != "+":
        return content(word.chinese, word.english, word)
    text = word.english if word.english == "other people" else english.plural(word.english)
    phrase = content(word.chinese, text, word)
    phrase.agreement = "plural"
    return phrase


def pair(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """Things that come in pairs: shoes, gloves."""
    words = [word for kind in ("clothes", "thing") for word in words_of(kind)]
    return named(pick(generator, [word for word in words if word.classifier in ("双", "副")]))


def compound(generator: random.Random) -> Phrase:
    """A technical term: machine learning, neural network model; half of them are common ones."""
    if generator.random() < COMMON_SHARE:
        return common_term(pick(generator, words_of("collocation")).chinese)
    parts = [pick(generator, words_of("modifier"))]
    if generator.random() < 0.25:
        parts.append(pick(generator, words_of("modifier" if generator.random() < 0.5 else "head")))
    head = pick(generator, words_of("head"))
    if len({part.chinese for part in [*parts, head]}) <= len(parts):
        raise NoFit
    return joined_term([*parts, head])


@cache
def term_parts() -> tuple[dict[str, Word], dict[str, Word]]:
    """First words and last words of technical terms by their Chinese."""
    first = {word.chinese: word for word in [*words_of("head"), *words_of("modifier")]}
    return first, {word.chinese: word for word in words_of("head")}


def common_term(written: str) -> Phrase:
    """A term of the list of common ones."""
    *before, last = written.split("+")
    first, heads = term_parts()
    return joined_term([*(first[part] for part in before), heads[last]])


def joined_term(parts: Sequence[Word]) -> Phrase:
    """The words of a term, each translated by itself."""
    head = parts[-1]
    phrase = content(head.chinese, head.english, head)
    for part in reversed(parts[:-1]):
        before = content(part.chinese, part.english)
        phrase.source = before.source + phrase.source
        phrase.target = before.target + phrase.target
    return phrase


def noun(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """Any noun of the kinds (of those the verb takes); among technical ones often a compound."""
    if fits is not None and fits.word is not None and fits.word.kinds:
        kinds = fits.word.kinds
    kind = pick(generator, kinds or THINGS)
    if kind not in sections():
        raise NoFit
    if kind in ("tech", "field") and generator.random() < COMPOUND_SHARE:
        return compound(generator)
    return named(pick(generator, nouns_of((kind,))))


def counted(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A noun that can be counted and has a measure word."""
    for _ in range(5):
        phrase = noun(generator, kinds, fits)
        if phrase.word and phrase.word.is_countable and phrase.word.kind != "head":
            return phrase
    raise NoFit


def uncounted(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A noun that English does not count."""
    for _ in range(5):
        phrase = noun(generator, kinds, fits)
        if phrase.word and phrase.word.flag == "-":
            return phrase
    raise NoFit


def with_article(phrase: Phrase, *, is_subject: bool) -> Phrase:
    """A bare noun: things in general as an object, a particular one as a subject."""
    word = phrase.word
    assert word is not None
    is_the = word.flag == "!" or word.kind in ("place", "group")
    if word.flag == "-" or word.kind in PROPER:
        is_the = is_the and word.flag != "-"
    elif word.flag == "+":
        is_the = is_subject
    elif not is_the and not is_subject:
        count = len(word.english.split())
        plural = translate(list(phrase.target[-1].sources), english.plural(word.english))
        phrase.target = phrase.target[:-count] + plural
        phrase.agreement = "plural"
    else:
        is_the = is_the or word.kind not in ("modifier",)
    if is_the and phrase.target[0].text != "the":
        phrase.target = [TargetWord("the"), *phrase.target]
    return phrase


def bare_object(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A bare noun as an object: books, rice, the library, Beijing."""
    return with_article(noun(generator, kinds, fits), is_subject=False)


def generic(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A noun that speaks of things in general, for an adjective to stand before: (red) books."""
    phrase = with_article(noun(generator, kinds, fits), is_subject=False)
    if phrase.target[0].text == "the":
        raise NoFit
    return phrase


def bare_subject(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A bare noun as a subject: the book, rice, Beijing."""
    return with_article(noun(generator, kinds, fits), is_subject=True)


def classifier(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """The measure word of a noun."""
    if fits is None or fits.word is None or not fits.word.classifier:
        raise NoFit
    chinese = fits.word.classifier
    if chinese not in "种" and generator.random() < 0.12:
        chinese = "个"
    phrase = content(chinese, "")
    phrase.source[0].is_content = False
    return phrase
