"""Which sentences may be trained on, decided by the sentence alone before anything is trained."""

from functools import lru_cache
from hashlib import blake2b
from itertools import combinations

from tools.train_tiny_translator.free_sentences import read_sentences
from tools.train_tiny_translator.words import SentencePair

HOMEWORK_SENTENCE = "我喜欢机器学习和人工智能。"
CLOSING_MARKS = ("。", "！", "？")
HELD_OUT_SENTENCES = 0.02
HELD_OUT_PAIRS = 0.006


@lru_cache(maxsize=1 << 20)
def fraction_of(key: str) -> float:
    """A number in [0, 1) that depends on the key alone and looks random."""
    return int.from_bytes(blake2b(key.encode(), digest_size=6).digest(), "big") / 2**48


def is_held_out_pair(first: str, second: str) -> bool:
    """Whether these two Chinese content words may never meet in a training sentence."""
    return fraction_of("|".join(sorted((first, second)))) < HELD_OUT_PAIRS


def held_out_pairs(pair: SentencePair) -> list[tuple[str, str]]:
    """The pairs of content words in the sentence that training never sees together."""
    words = {
        word
        for word, is_content in zip(pair.source_words, pair.source_content, strict=True)
        if is_content
    }
    return [both for both in combinations(sorted(words), 2) if is_held_out_pair(*both)]


def without_closing_mark(text: str) -> str:
    """The sentence as it is compared: with or without its full stop it is the same."""
    return text[:-1] if text.endswith(CLOSING_MARKS) else text


@lru_cache(maxsize=1)
def outside_sentences() -> frozenset[str]:
    """The hand-written sentences the model is judged on, some of which the grammar can draw too."""
    return frozenset(without_closing_mark(chinese) for _, chinese, _ in read_sentences())


def split_of(pair: SentencePair) -> str:
    """One of train, heldout, heldout_combination, homework, outside."""
    text = without_closing_mark(pair.source_text)
    if text == without_closing_mark(HOMEWORK_SENTENCE):
        return "homework"
    if text in outside_sentences():
        return "outside"
    if held_out_pairs(pair):
        return "heldout_combination"
    is_held_out = fraction_of(f"sentence {text}") < HELD_OUT_SENTENCES
    return "heldout" if is_held_out else "train"
