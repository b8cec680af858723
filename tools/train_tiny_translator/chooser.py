"""Random choices over the lexicon, uniform over the words that fit a place in the sentence."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from tools.train_tiny_translator.lexicon import Adjective, Noun, SmallWord, Verb, load_lexicon

Item = TypeVar("Item")
COMPOUND_SHARE = 0.4
METHOD_HEADS = ("学习", "翻译", "识别", "合成", "生成", "搜索", "理解", "处理", "分析")
EVERYDAY_KINDS = ("thing", "food", "reading", "tech", "animal", "field", "abstract", "drink")


@dataclass(frozen=True)
class Thing:
    """A noun with the modifiers that make it a technical term, as ``(Chinese, English)``."""

    noun: Noun
    modifiers: tuple[tuple[str, str], ...] = ()


@cache
def nouns_of(kinds: tuple[str, ...]) -> tuple[Noun, ...]:
    """All nouns of the kinds, in lexicon order."""
    nouns = load_lexicon().nouns
    return tuple(noun for kind in kinds for noun in nouns.get(kind, ()))


class Chooser:
    """Draws words. A free chooser ignores meaning, so that no word predicts another.

    Args:
        generator: Source of randomness; the same seed draws the same sentences.
        is_free: Draw nouns, verbs and adjectives without regard to what goes together.
    """

    def __init__(self, generator: random.Random, *, is_free: bool = False) -> None:
        self.generator = generator
        self.is_free = is_free
        self.lexicon = load_lexicon()
        self.used_pronouns: set[str] = set()
        self.every_kind = tuple(sorted(set(self.lexicon.nouns) - {"relation"}))
        self.transitive = [verb for verb in self.lexicon.verbs if verb.objects]
        self.intransitive = [verb for verb in self.lexicon.verbs if not verb.objects]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.generator.random() < probability

    def one_of(self, items: Sequence[Item]) -> Item:
        """One of the items, all equally likely."""
        return items[int(self.generator.random() * len(items))]

    def weighted(self, weights: Mapping[Item, float]) -> Item:
        """One of the keys, as likely as its weight."""
        return self.generator.choices(list(weights), list(weights.values()))[0]

    def thing(self, kinds: tuple[str, ...]) -> Thing:
        """A noun of one of the kinds, or a technical term where ``compound`` is among them."""
        compound_kinds = [kind for kind in kinds if kind.startswith("compound")]
        if self.is_free:
            compound_kinds, kinds = ["compound"], self.every_kind
        if compound_kinds and (len(kinds) == 1 or self.chance(COMPOUND_SHARE)):
            return self.compound(is_countable=compound_kinds[0] == "compound_object")
        return Thing(self.one_of(nouns_of(kinds)))

    def compound(self, *, is_countable: bool = False) -> Thing:
        """A technical term such as machine learning or deep neural network."""
        modifiers = list(self.lexicon.compounds)
        while True:
            modifier = self.one_of(modifiers)
            heads = self.lexicon.heads if self.is_free else self.lexicon.compounds[modifier]
            head = self.one_of(heads)
            if head.chinese == modifier[0] or (is_countable and head.plural is None):
                continue
            return self.lengthened(Thing(head, (modifier,)))

    def lengthened(self, term: Thing) -> Thing:
        """Now and then a term of three words: deep neural network, machine learning model."""
        first, head = term.modifiers[0], term.noun
        if first[0] == "神经" and head.chinese in ("网络", "翻译") and self.chance(0.4):
            return Thing(head, (self.one_of([("深度", "deep"), ("人工", "artificial")]), first))
        if head.plural is None and head.chinese in METHOD_HEADS and self.chance(0.12):
            longer = [
                noun for noun in self.lexicon.heads if noun.chinese in ("模型", "系统", "技术")
            ]
            return Thing(self.one_of(longer), (first, (head.chinese, head.singular)))
        return term

    def adjective(self, kind: str) -> Adjective | None:
        """An adjective that describes nouns of this kind, or None if there is none."""
        fitting = [
            adjective
            for adjective in self.lexicon.adjectives
            if self.is_free or kind in adjective.kinds
        ]
        return self.one_of(fitting) if fitting else None

    def verb(self, *, is_transitive: bool) -> Verb:
        """A verb with or without object."""
        return self.one_of(self.transitive if is_transitive else self.intransitive)

    def pronoun(self, case: str) -> SmallWord:
        """A pronoun; as an object never one that was used before in the sentence."""
        words = self.lexicon.small_words["pronoun"]
        if case == "object":
            words = [word for word in words if word.chinese not in self.used_pronouns]
        word = self.one_of(words)
        self.used_pronouns.update(
            {word.chinese, {"你": "你们", "你们": "你"}.get(word.chinese, "")}
        )
        return word

    def small(self, kind: str) -> SmallWord:
        """A pronoun, name, number, adverb and so on."""
        return self.one_of(self.lexicon.small_words[kind])
