"""Numbers and names: as they are written, and as terminals of the grammar."""

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

import inflect
from pypinyin import Style, lazy_pinyin

from tools.train_tiny_translator import english
from tools.train_tiny_translator.lexicon import words_of
from tools.train_tiny_translator.words import NoFit, Phrase, content

DIGITS = "零一二三四五六七八九十"


_NUMBERS = inflect.engine()


Item = TypeVar("Item")


Terminal = Callable[[random.Random, tuple[str, ...], Phrase | None], Phrase]


def pick(generator: random.Random, items: Sequence[Item]) -> Item:
    """One of the items, all equally likely."""
    if not items:
        raise NoFit
    return items[int(generator.random() * len(items))]


def chinese_number(number: int) -> str:
    """A number from 1 to 99 as it is written."""
    tens, ones = divmod(number, 10)
    if not tens:
        return DIGITS[ones]
    return (DIGITS[tens] if tens > 1 else "") + "十" + (DIGITS[ones] if ones else "")


def spoken(number: int) -> str:
    """A number in English words, without commas or "and"."""
    return str(_NUMBERS.number_to_words(str(number), andword="")).replace(",", "")


@cache
def numbers() -> list[tuple[str, str]]:
    """Numbers before a measure word: 两, 三 to 九十九, round ones; small ones are frequent."""
    small = [("两", "two")] + [(chinese_number(n), spoken(n)) for n in range(3, 11)]
    middle = [(chinese_number(n), spoken(n)) for n in range(11, 100)]
    units = {"百": 100, "千": 1000, "万": 10_000, "十万": 100_000, "百万": 1_000_000}
    units |= {"千万": 10_000_000, "亿": 100_000_000}
    heads = {"一": 1, "两": 2} | {DIGITS[n]: n for n in range(3, 10)}
    large = [
        (head + unit, spoken(times * value))
        for unit, value in units.items()
        for head, times in heads.items()
        if not (unit.startswith("十") and head != "一") or head == "一"
    ]
    arabic = [(str(n), str(n)) for n in range(2, 101)]
    return small * 12 + middle + large + arabic


@cache
def plain_numbers() -> list[tuple[str, str]]:
    """Numbers that name something: 一 to 六十."""
    return [(chinese_number(n), spoken(n)) for n in range(1, 61)]


def number(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """How many."""
    return content(*pick(generator, numbers()))


def hour(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A number of the clock; kinds may give the largest one."""
    chinese, spelled = plain_numbers()[generator.randrange(limit(kinds, 60))]
    return content("两" if chinese == "二" else chinese, spelled)


def limit(kinds: tuple[str, ...], otherwise: int) -> int:
    """The largest number a slot asks for, as in ``{hour/12}``."""
    return int(kinds[0]) if kinds and kinds[0].isdigit() else otherwise


def ordinal(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """第 is written apart; the number's English is the ordinal."""
    chinese, spelled = plain_numbers()[generator.randrange(limit(kinds, 40))]
    return content(chinese, english.ordinal(spelled))


def year(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A year in digits."""
    written = str(generator.randrange(1980, 2036))
    return content(written, written)


@cache
def characters(kind: str) -> list[tuple[str, str]]:
    """Characters of names with their pinyin."""
    found = dict.fromkeys("".join(word.chinese for word in words_of(kind)))
    style = Style.NORMAL
    return [(char, lazy_pinyin(char, style=style, v_to_u=False)[0].capitalize()) for char in found]


def surname(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """A family name; frequent ones more often."""
    listed_names = characters("surname")
    index = int(len(listed_names) * generator.random() ** 2)
    return content(*listed_names[index])


def given(generator: random.Random, kinds: tuple[str, ...], fits: Phrase | None) -> Phrase:
    """One character of a given name."""
    return content(*pick(generator, characters("given")))
