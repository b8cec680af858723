"""Sentences for training and for judging, drawn from the grammar under a seed."""

import random
from collections.abc import Iterator
from dataclasses import asdict

from tqdm import tqdm

from tools.train_tiny_translator.chooser import Chooser
from tools.train_tiny_translator.holdout import held_out_pairs, split_of
from tools.train_tiny_translator.sentences import sample_pair
from tools.train_tiny_translator.words import SentencePair

FREE_SHARE = 0.3
HELD_OUT_SEED_OFFSET = 1_000_003


def draw_pairs(seed: int, *, free_share: float) -> Iterator[SentencePair]:
    """An endless stream of sentences; a share of them ignores what words mean together."""
    generator = random.Random(seed)
    sensible, free = Chooser(generator), Chooser(generator, is_free=True)
    while True:
        yield sample_pair(free if generator.random() < free_share else sensible)


def training_pairs(seed: int, count: int, *, show_progress: bool = False) -> list[SentencePair]:
    """Sentences that may be trained on: none is held out, none has a held-out pair of words."""
    pairs: list[SentencePair] = []
    with tqdm(total=count, desc="sentences", disable=not show_progress, mininterval=2) as bar:
        for pair in draw_pairs(seed, free_share=FREE_SHARE):
            if split_of(pair) == "train":
                pairs.append(pair)
                bar.update()
            if len(pairs) == count:
                return pairs
    return pairs


def heldout_pairs(seed: int, counts: dict[str, int]) -> list[tuple[str, SentencePair]]:
    """Sentences that make sense, by split, all different.

    Args:
        seed: Another seed than the one of the training sentences.
        counts: How many of each split, for instance ``{"heldout": 250}``.
    """
    chosen: dict[str, dict[str, SentencePair]] = {split: {} for split in counts}
    for pair in draw_pairs(seed + HELD_OUT_SEED_OFFSET, free_share=0.0):
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
