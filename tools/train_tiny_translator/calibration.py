"""How sure a translator must be before its translation is explained.

The limit is set on sentences that the model never saw: right ones, which a limit should let
through, and broken ones (words swapped, dropped or doubled, halves of two sentences), which stand
for the patterns that no training sentence has.
"""

import random
from dataclasses import dataclass

import torch
from transformers import MarianMTModel, MarianTokenizer

from tools.train_tiny_translator.words import SentencePair

MOST_RIGHT_REFUSED = 0.01


@dataclass(frozen=True)
class Limit:
    """The least confidence, and what it costs on sentences that are not trained on.

    Attributes:
        least_confidence: Geometric mean of the probabilities of the translation's words.
        right_refused: Share of right translations below it.
        broken_refused: Share of broken sentences below it.
    """

    least_confidence: float
    right_refused: float
    broken_refused: float


def confidences(
    model: MarianMTModel, tokenizer: MarianTokenizer, texts: list[str]
) -> list[tuple[str, float]]:
    """For each text its greedy translation and the geometric mean of its words' probabilities."""
    found: list[tuple[str, float]] = []
    for start in range(0, len(texts), 50):
        batch = tokenizer(texts[start : start + 50], return_tensors="pt", padding=True)
        with torch.no_grad():
            ids = model.generate(**batch)
            logits = model(**batch, decoder_input_ids=ids[:, :-1]).logits
        own = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
        is_written = ids[:, 1:] != tokenizer.pad_token_id
        means = ((own * is_written).sum(1) / is_written.sum(1)).exp().tolist()
        found += zip(tokenizer.batch_decode(ids, skip_special_tokens=True), means, strict=True)
    return found


def broken(generator: random.Random, pair: SentencePair, other: SentencePair) -> str:
    """The sentence in an order, or with a gap, that the grammar does not have."""
    *words, mark = pair.source_words
    place = generator.randrange(max(1, len(words) - 1))
    way = generator.choice(("swap", "drop", "double", "halves"))
    if way == "swap":
        words[place : place + 2] = reversed(words[place : place + 2])
    elif way == "drop":
        del words[place]
    elif way == "double":
        words.insert(place, words[-1])
    else:
        half = len(other.source_words) // 2
        words = [*words[: len(words) // 2], *other.source_words[half:-1]]
    return "".join([*words, mark])


def calibrate(
    model: MarianMTModel, tokenizer: MarianTokenizer, pairs: list[SentencePair], seed: int
) -> Limit:
    """Find the largest limit that refuses few right translations, and what it costs and brings.

    A model without a right translation gets the limit 1, which refuses all it writes.
    """
    judged = confidences(model, tokenizer, [pair.source_text for pair in pairs])
    right = sorted(
        confidence
        for (text, confidence), pair in zip(judged, pairs, strict=True)
        if text == pair.target_text
    ) or [1.0]
    generator = random.Random(seed)
    known = {pair.source_text for pair in pairs}
    texts = [broken(generator, pair, generator.choice(pairs)) for pair in pairs]
    texts = [text for text in texts if text not in known]
    wrong = [confidence for _, confidence in confidences(model, tokenizer, texts)]
    limit = round(right[int(len(right) * MOST_RIGHT_REFUSED)], 3)
    return Limit(
        limit,
        sum(found < limit for found in right) / len(right),
        sum(found < limit for found in wrong) / len(wrong),
    )
