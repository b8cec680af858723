"""Sentences for training and for judging, drawn from the grammar under a seed."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import get_context

from tqdm import tqdm

from tools.train_tiny_translator.grammar import Grammar, sample_pair
from tools.train_tiny_translator.holdout import held_out_pairs, split_of
from tools.train_tiny_translator.words import SentencePair

LONGEST_JUDGED = 16
"""Words of the longest sentence that is judged; longer ones are read in training only."""
CHUNK = 10_000
"""Sentences drawn under one seed, so that several processes draw what one would."""


def draw_pairs(seed: int | str) -> Iterator[SentencePair]:
    """An endless stream of sentences."""
    grammar = Grammar(random.Random(seed))
    while True:
        yield sample_pair(grammar)


def training_chunk(seed: str, count: int = CHUNK) -> list[SentencePair]:
    """Sentences of one seed that may be trained on."""
    fitting = (pair for pair in draw_pairs(seed) if split_of(pair) == "train")
    return [next(fitting) for _ in range(count)]


def training_pairs(seed: int, count: int, *, show_progress: bool = False) -> list[SentencePair]:
    """Sentences that may be trained on: none is held out, none has a held-out pair of words."""
    seeds = [f"{seed} {number}" for number in range(-(-count // CHUNK))]
    if len(seeds) == 1:
        return training_chunk(seeds[0], count)
    pairs: list[SentencePair] = []
    with get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        chunks = tqdm(
            pool.imap(training_chunk, seeds),
            total=len(seeds),
            desc="sentences",
            disable=not show_progress,
            mininterval=2,
        )
        for chunk in chunks:
            pairs += chunk
    return pairs[:count]


def heldout_pairs(seed: int, counts: dict[str, int]) -> list[tuple[str, SentencePair]]:
    """Sentences by split, all different, and in every split as long as in the first.

    A sentence with an unseen pair of words is longer than others on the average, as it has more
    pairs; of equal length, the splits differ in the unseen pair alone.

    Args:
        seed: The seed of the training sentences; another one is derived from it.
        counts: How many of each split, for instance ``{"heldout": 250}``.
    """
    chosen: list[tuple[str, SentencePair]] = []
    room: Counter[int] = Counter()
    for number, (split, count) in enumerate(counts.items()):
        found: dict[str, SentencePair] = {}
        left = room.copy()
        for pair in draw_pairs(f"{seed} held out {split}"):
            length = length_class(pair)
            if length > LONGEST_JUDGED or split_of(pair) != split or (number and not left[length]):
                continue
            left[length] -= pair.source_text not in found
            found.setdefault(pair.source_text, pair)
            if len(found) == count:
                break
        room = room or Counter(map(length_class, found.values()))
        chosen += [(split, pair) for pair in found.values()]
    return chosen


def length_class(pair: SentencePair) -> int:
    """The number of Chinese words; up to seven are one class, as few of these have two nouns."""
    return max(7, len(pair.source_words))


def to_record(split: str, pair: SentencePair) -> dict[str, object]:
    """A line of ``heldout.jsonl``."""
    record: dict[str, object] = {"split": split, "source": pair.source_text}
    record |= {"target": pair.target_text, **asdict(pair)}
    record["held_out_pairs"] = held_out_pairs(pair)
    return record
