"""Which words the tokenizer knows and which it must refuse to cut."""

from collections import Counter
from pathlib import Path

from transformers import MarianTokenizer

from tools.train_tiny_translator.frequencies import blocked_words
from tools.train_tiny_translator.lexicon import NOUN_KINDS, all_words, words_of
from tools.train_tiny_translator.numbers_and_names import characters
from tools.train_tiny_translator.terminals import WITHOUT_DE
from tools.train_tiny_translator.tokenizer import write_tokenizer
from tools.train_tiny_translator.words import SentencePair

PROBES = 100_000
TOLERATED = 3
"""A blocked word that the grammar's own words spell more often than this is let through."""


def name_characters(source_words: set[str]) -> set[str]:
    """Characters that only names know: neither words of the lists nor of the patterns."""
    named = {character for kind in ("surname", "given") for character, _ in characters(kind)}
    listed = {word.chinese for word in all_words() if word.kind not in ("surname", "given")}
    return {character for character in named & source_words if character not in listed}


def technical_terms() -> set[str]:
    """All terms of two words, which the tokenizer cuts."""
    heads = [word.chinese for word in words_of("head")]
    firsts = [word.chinese for word in words_of("modifier")] + heads
    return {first + head for first in firsts for head in heads}


VERBS = ("vt", "vi", "vs", "vp")


def plain_phrases() -> set[str]:
    """Too small, old friend, hot tea, does not eat: what just adds up to its words."""
    qualities = [word.chinese for word in words_of("adj")]
    nouns = [word for kind in NOUN_KINDS for word in words_of(kind)]
    longer = [word.chinese for word in nouns if len(word.chinese) > 1]
    drinks = [word.chinese for kind in ("drink", "food") for word in words_of(kind)]
    plain = {degree + quality for degree in "很最更太" for quality in qualities}
    plain |= {quality + noun for quality in WITHOUT_DE for noun in longer}
    plain |= {quality + noun for quality in "热冷" for noun in drinks}
    plain |= {before + noun.chinese for before in "把新旧" for noun in nouns}
    verbs = {word.chinese for kind in VERBS for word in words_of(kind)}
    plain |= {verb + particle for verb in verbs for particle in "了过"}
    plain |= {"不" + word for word in verbs.union(qualities) if len(word) == 1}
    return plain - {"太空", "太白", "大丈夫", "大自然", "新人", "新手", "不安", "不解", "不得"}


def verbs_with_nouns() -> set[str]:
    """Four characters that are a verb and what it acts on: 保护环境 is 保护 and 环境."""
    things = [noun.chinese for kind in NOUN_KINDS for noun in words_of(kind)]
    verbs = [verb.chinese for verb in words_of("vt") if len(verb.chinese) == 2]
    return {verb + thing for verb in verbs for thing in things if len(thing) == 2}


def write_fitting_tokenizer(
    folder: Path, pairs: list[SentencePair], source_words: set[str], target_words: set[str]
) -> dict[str, int]:
    """Write the tokenizer, blocking the words that the grammar does not itself spell.

    Returns:
        The vocabulary, piece to id.
    """
    plain = technical_terms() | plain_phrases() | verbs_with_nouns()
    blocked = set(blocked_words(source_words)) - plain
    names = name_characters(source_words)
    vocabulary: dict[str, int] = {}
    for _ in range(3):
        vocabulary = write_tokenizer(folder, source_words, target_words, blocked, names)
        tokenizer = MarianTokenizer.from_pretrained(folder)
        crossed: Counter[str] = Counter()
        for pair in pairs[:PROBES]:
            pieces = tokenizer.tokenize(pair.source_text)
            if tuple(pieces) != pair.source_words:
                crossed.update(blocked.intersection(pieces))
        let_through = {word for word, count in crossed.items() if count > TOLERATED}
        if not let_through:
            break
        blocked -= let_through
    return vocabulary
