"""Draws sentences in both languages, with their links, from the patterns."""

import random
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

from tools.train_tiny_translator import english
from tools.train_tiny_translator.lexicon import words_of
from tools.train_tiny_translator.patterns import English, Literal, Pattern, Slot, read_patterns
from tools.train_tiny_translator.terminals import TERMINALS
from tools.train_tiny_translator.words import (
    NoFit,
    Phrase,
    SentencePair,
    SourceWord,
    TargetWord,
    finish,
    translate,
)

LONGEST_SOURCE = 20
DEEPEST = 9


class Grammar:
    """Draws phrases; the same random generator draws the same ones."""

    def __init__(self, generator: random.Random) -> None:
        self.generator = generator
        self.blocks = read_patterns()

    def draw(
        self, symbol: str, kinds: tuple[str, ...] = (), fits: Phrase | None = None, depth: int = 0
    ) -> Phrase:
        """A phrase of a block or a terminal.

        Raises:
            NoFit: No pattern or word of it fits here.
        """
        if symbol in TERMINALS:
            return TERMINALS[symbol](self.generator, kinds, fits)
        if depth > DEEPEST:
            raise NoFit(symbol)
        if fits is not None and fits.word is not None and fits.word.kinds:
            kinds = fits.word.kinds
        patterns = self.blocks[symbol]
        weights = [pattern.weight for pattern in patterns]
        for _ in range(6):
            pattern = self.generator.choices(patterns, weights)[0]
            try:
                return self.fill(pattern, kinds, fits, depth)
            except NoFit:
                continue
        raise NoFit(symbol)

    def fill(
        self, pattern: Pattern, kinds: tuple[str, ...], fits: Phrase | None, depth: int
    ) -> Phrase:
        """A phrase of this pattern; slots that must fit another are drawn after it."""
        slots: dict[str, Phrase] = {}
        waiting = [item for item in pattern.source if isinstance(item, Slot)]
        while waiting:
            ready = [slot for slot in waiting if not slot.fits or slot.fits in slots]
            for slot in ready:
                fitted = slots[slot.fits] if slot.fits else fits
                slots[slot.label] = self.draw(slot.symbol, slot.kinds or kinds, fitted, depth + 1)
            waiting = [slot for slot in waiting if slot not in ready]
        phrase, named = self.chinese_side(pattern, slots)
        for item in pattern.target:
            phrase.target += english_item(item, slots, named)
        if phrase.mark is None and phrase.head is not None and phrase.head.sources:
            phrase.mark = phrase.head.sources[-1]
        if pattern.agreement:
            given = slots.get(pattern.agreement)
            phrase.agreement = given.agreement if given else pattern.agreement
        elif len(slots) == 1:
            (only,) = slots.values()
            phrase.agreement, phrase.word = only.agreement, only.word
        return phrase

    def chinese_side(
        self, pattern: Pattern, slots: dict[str, Phrase]
    ) -> tuple[Phrase, dict[str, list[SourceWord]]]:
        """The Chinese words in order, and those of the pattern by their spelling."""
        phrase = Phrase()
        named: dict[str, list[SourceWord]] = defaultdict(list)
        for item in pattern.source:
            if isinstance(item, Literal):
                if item.is_optional and self.generator.random() < 0.5:
                    continue
                word = SourceWord(self.generator.choice(item.options), item.is_content)
                for option in item.options:
                    named[option].append(word)
                phrase.source.append(word)
                if item.is_marked:
                    phrase.mark = word
                continue
            inner = slots[item.label]
            if item.particle:
                insert_particle(inner, item.particle, named)
            phrase.source += inner.source
            phrase.mark = phrase.mark or inner.mark
        return phrase, named


def insert_particle(phrase: Phrase, particle: str, named: dict[str, list[SourceWord]]) -> None:
    """Put 了, 过 or 着 after the verb of the phrase."""
    if phrase.mark is None:
        raise NoFit(particle)
    word = SourceWord(particle)
    place = next(i for i, other in enumerate(phrase.source) if other is phrase.mark)
    phrase.source.insert(place + 1, word)
    named[particle].append(word)


def english_item(
    item: English, slots: dict[str, Phrase], named: dict[str, list[SourceWord]]
) -> list[TargetWord]:
    """The English words of one item of a pattern."""
    if not item.label:
        return [pattern_word(item, slots, named)]
    phrase = slots[item.label]
    if item.form == "past":
        phrase.settle("past")
    if item.agrees:
        phrase.settle("finite", agreement_of(item.agrees, slots))
    if item.form == "one":
        is_many = agreement_of(item.agrees, slots) == "plural"
        return shaped(phrase, "plural") if is_many else [TargetWord("a"), *phrase.target]
    if item.form in ("aux", "rest"):
        return phrase.target[:1] if item.form == "aux" else phrase.target[1:]
    return shaped(phrase, item.form) if item.form not in ("", "past") else phrase.target


def agreement_of(label: str, slots: dict[str, Phrase]) -> str:
    """The agreement of a slot, or the one that the pattern itself names."""
    return slots[label].agreement if label in slots else label


def pattern_word(
    item: English, slots: dict[str, Phrase], named: dict[str, list[SourceWord]]
) -> TargetWord:
    """An English word that the pattern gives itself."""
    sources = tuple(word for link in item.links for word in named.get(link, []))
    text = item.text.lstrip("~^") if len(item.text) > 1 else item.text
    if item.agrees:
        tense = "past" if text == "was" else "present"
        text = english.finite(
            "be" if text == "was" else text, tense, agreement_of(item.agrees, slots)
        )
    is_content = any(word.is_content for word in sources)
    [word] = translate(list(sources), text)
    word.is_content = word.is_content and is_content
    word.tense = {"~": "present", "^": "past"}.get(item.text[0], "")
    return word


def shaped(phrase: Phrase, form: str) -> list[TargetWord]:
    """The phrase's English in a form: of its verb, or of its noun or adjective."""
    changes: dict[str, Callable[[str], str]] = {
        "plural": lambda word: plural_of(phrase),
        "er": lambda word: english.compared(word, 0),
        "er2": english.more_and_more,
        "est": lambda word: english.compared(word, 1),
        "ly": english.adverb,
    }
    change = changes.get(form)
    if change is None:
        phrase.settle(form)
        return phrase.target
    if phrase.word is None:
        raise NoFit(form)
    count = len(phrase.word.english.split())
    before, last = phrase.target[:-count], phrase.target[-1]
    return before + translate(list(last.sources), change(phrase.word.english))


def plural_of(phrase: Phrase) -> str:
    """The plural of the phrase's noun; uncounted nouns have none."""
    assert phrase.word is not None
    text = phrase.word.english
    return text if phrase.word.flag == "-" else english.plural(text)


def sample_pair(grammar: Grammar) -> SentencePair:
    """Draw one sentence with its translation and gold alignment, not too long."""
    while True:
        try:
            phrase = grammar.draw("sentence")
        except NoFit:
            continue
        if len(phrase.source) <= LONGEST_SOURCE and not is_unskilled(phrase):
            return finish(phrase)


def is_unskilled(phrase: Phrase) -> bool:
    """Whether 会 before a skill was put into English as ``will``: there it is ``can``."""
    skills = {word.chinese for word in words_of("vskill")} | {"说"}
    for before, word in pairwise(phrase.source):
        if before.text == "会" and word.text in skills:
            return any(
                before in target.sources for target in phrase.target if target.text == "will"
            )
    return False
