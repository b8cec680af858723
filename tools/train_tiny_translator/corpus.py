"""Sentences for training and for judging, drawn from the grammar under a seed."""

import os
import random
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import get_context

from tqdm import tqdm

from tools.train_tiny_translator.grammar import Grammar, sample_pair
from tools.train_tiny_translator.holdout import held_out_pairs, split_of
from tools.train_tiny_translator.words import SentencePair

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
    """Sentences by split, all different.

    Args:
        seed: The seed of the training sentences; another one is derived from it.
        counts: How many of each split, for instance ``{"heldout": 250}``.
    """
    chosen: dict[str, dict[str, SentencePair]] = {split: {} for split in counts}
    for pair in draw_pairs(f"{seed} held out"):
        split = split_of(pair)
        if split in counts and len(chosen[split]) < counts[split]:
            chosen[split][pair.source_text] = pair
        if all(len(chosen[split]) == count for split, count in counts.items()):
            break
    return [(split, pair) for split, pairs in chosen.items() for pair in pairs.values()]


def to_record(split: str, pair: SentencePair) -> dict[str, object]:
    """A line of ``heldout.jsonl``."""
    record: dict[str, object] = {"split": split, "source": pair.source_text}
    record |= {"target": pair.target_text, **asdict(pair)}
    record["held_out_pairs"] = held_out_pairs(pair)
    return record
