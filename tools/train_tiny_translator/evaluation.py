"""How well the bundle translates, and how well attributions find the gold-aligned word."""

from collections import Counter
from dataclasses import dataclass, field

import torch
from tqdm import tqdm
from transformers import MarianMTModel, MarianTokenizer

from tools.train_tiny_translator.tokenizer import target_piece
from tools.train_tiny_translator.words import SentencePair

METHODS = ("saliency", "input_x_gradient", "attention")
LONGEST_OUTPUT = 64
PUNCTUATION = frozenset("。，？！、")
BARS = {
    "exact_match_heldout": (0.97, 1.0),
    "exact_match_heldout_combination": (0.92, 1.0),
    "best_method": (0.85, 1.0),
    "free_right": (0.8, 1.0),
    "free_wrong": (0.0, 0.08),
}
"""Least and most of each figure of a model that may be bundled."""


def missed_bars(figures: dict[str, float]) -> list[str]:
    """What keeps a model from being bundled, one phrase for each figure; empty for a good one."""
    judged = figures | {"best_method": max(figures[method] for method in METHODS)}
    return [
        f"{name} {judged[name]:.1%} (asked: {least:.0%} to {most:.0%})"
        for name, (least, most) in BARS.items()
        if not least <= judged[name] <= most
    ]


def translate_all(
    model: MarianMTModel, tokenizer: MarianTokenizer, texts: list[str], batch_size: int = 100
) -> list[str]:
    """Greedy translations as clean text."""
    translations: list[str] = []
    for start in range(0, len(texts), batch_size):
        batch = tokenizer(texts[start : start + batch_size], return_tensors="pt", padding=True)
        with torch.no_grad():
            ids = model.generate(**batch)
        translations += tokenizer.batch_decode(ids, skip_special_tokens=True)
    return translations


def exact_match(
    model: MarianMTModel, tokenizer: MarianTokenizer, pairs: list[SentencePair]
) -> float:
    """Share of sentences whose greedy translation is the reference, letter by letter."""
    translations = translate_all(model, tokenizer, [pair.source_text for pair in pairs])
    return sum(
        translation == pair.target_text
        for translation, pair in zip(translations, pairs, strict=True)
    ) / len(pairs)


def attributions(
    model: MarianMTModel, source: list[int], target: list[int]
) -> dict[str, torch.Tensor]:
    """Scores ``[source, target]`` of the three methods, as Inseq computes and aggregates them.

    Gradients are those of each target word's probability, given the words before it, by the source
    embeddings; their L2 norm over the embedding is the score. Attention is the cross-attention of
    the step that writes the word, averaged over layers and heads. Columns sum to 1.

    Args:
        model: The translator, with eager attention.
        source: Source ids with ``</s>``.
        target: Target ids with ``</s>``; they are forced.
    """
    scale = model.config.d_model**0.5
    inputs = model.get_input_embeddings()(torch.tensor([source])).detach() * scale
    inputs.requires_grad_()
    start = model.config.decoder_start_token_id
    output = model(
        inputs_embeds=inputs,
        decoder_input_ids=torch.tensor([[start, *target[:-1]]]),
        output_attentions=True,
        use_cache=False,
    )
    probabilities = output.logits[0].softmax(-1)[torch.arange(len(target)), torch.tensor(target)]
    rows = [
        torch.autograd.grad(probability, inputs, retain_graph=True)[0][0]
        for probability in probabilities
    ]
    gradients = torch.stack(rows, 1)
    products = gradients * inputs.detach()[0].unsqueeze(1)
    scores = {
        "saliency": gradients.norm(dim=-1),
        "input_x_gradient": products.norm(dim=-1),
        "attention": torch.stack(output.cross_attentions).detach().mean((0, 1, 2)).T,
    }
    return {method: score / score.sum(0, keepdim=True) for method, score in scores.items()}


@dataclass
class HitCounter:
    """How often the strongest source word of a content word is a gold-aligned one.

    Attributes:
        total: Content words judged.
        hits: Hits per method over all source tokens, ``</s>`` and punctuation included.
        word_hits: Hits per method when ``</s>`` and punctuation are left out.
    """

    total: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    word_hits: Counter[str] = field(default_factory=Counter)

    def add(self, scores: dict[str, torch.Tensor], pair: SentencePair) -> None:
        """Judge all content words of a sentence."""
        is_word = torch.tensor([word not in PUNCTUATION for word in pair.source_words] + [False])
        for target_index, is_content in enumerate(pair.target_content):
            if not is_content:
                continue
            self.total += 1
            gold = {source for source, target in pair.alignment if target == target_index}
            for method, score in scores.items():
                column = score[:, target_index]
                self.hits[method] += int(column.argmax()) in gold
                self.word_hits[method] += int((column * is_word).argmax()) in gold

    def report(self) -> dict[str, float]:
        """Shares from 0 to 1."""
        report = {method: self.hits[method] / self.total for method in METHODS}
        return report | {
            f"{method}_words_only": self.word_hits[method] / self.total for method in METHODS
        }


def judge_attributions(
    model: MarianMTModel, vocabulary: dict[str, int], pairs: list[SentencePair]
) -> HitCounter:
    """Attribute each reference translation and compare with its gold alignment."""
    counter = HitCounter()
    for pair in tqdm(pairs, desc="attributing", mininterval=2):
        counter.add(attributions(model, *encode(pair, vocabulary)), pair)
    return counter


def encode(pair: SentencePair, vocabulary: dict[str, int]) -> tuple[list[int], list[int]]:
    """Ids of both sides, each closed by ``</s>``."""
    source = [vocabulary[word] for word in pair.source_words]
    target = [vocabulary[target_piece(word)] for word in pair.target_words]
    return [*source, vocabulary["</s>"]], [*target, vocabulary["</s>"]]
