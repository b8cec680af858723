"""How frequent Chinese words are, and which words must not be cut: from jieba's dictionary (MIT).

The translator's tokenizer cuts a sentence where the product of its words' frequencies is largest.
Frequent words that the translator does not know, but that known words would spell by accident
(大 + 家), are given to the tokenizer as pieces without an id: the reader is told that the word is
unknown instead of being shown a wrong split.
"""

import math
from functools import cache
from importlib import resources

RARE = 30
"""Count given to a word that the dictionary lacks; it then still beats its parts."""
NAME_ONLY = 1
"""Count of a character that is only known as a part of names."""
LEAST_FREQUENT_BLOCKED = 40
PREFERENCE = 0.5
PROPER_NOUNS = ("nr", "ns", "nt", "nz", "eng", "m")


@cache
def counts() -> dict[str, tuple[int, str]]:
    """Count and part of speech of each word of the dictionary."""
    text = (resources.files("jieba") / "dict.txt").read_text("utf-8")
    rows = (line.split(" ") for line in text.splitlines())
    return {row[0]: (int(row[1]), row[2] if len(row) > 2 else "") for row in rows}


@cache
def total() -> int:
    """Sum of all counts."""
    return sum(count for count, _ in counts().values())


def score(word: str, *, is_name_only: bool = False) -> float:
    """Logarithm of the word's share of all words."""
    count = NAME_ONLY if is_name_only else max(counts().get(word, (RARE, ""))[0], RARE)
    return math.log(count / total())


def scores_of(known: set[str], names: set[str]) -> dict[str, float]:
    """Scores of all known words; a longer one always beats the known words it consists of."""
    scores: dict[str, float] = {}
    for word in sorted(known, key=lambda word: (len(word), word)):
        best = [0.0] + [-math.inf] * len(word)
        for end in range(1, len(word) + 1):
            for start in range(end):
                part = word[start:end]
                if part in scores:
                    best[end] = max(best[end], best[start] + scores[part])
        scores[word] = max(score(word, is_name_only=word in names), best[-1] + PREFERENCE)
    return scores


def blocked_words(known: set[str]) -> list[str]:
    """Frequent unknown words that consist of known characters."""
    characters = {character for word in known for character in word}
    return [
        word
        for word, (count, kind) in counts().items()
        if count >= LEAST_FREQUENT_BLOCKED
        and 2 <= len(word) <= 4
        and word not in known
        and not kind.startswith(PROPER_NOUNS)
        and characters.issuperset(word)
    ]
