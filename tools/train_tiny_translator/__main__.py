"""``python -m tools.train_tiny_translator``: build the bundled translator from nothing."""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from transformers import MarianMTModel, MarianTokenizer

from tools.train_tiny_translator import bundle
from tools.train_tiny_translator.corpus import heldout_pairs, training_pairs
from tools.train_tiny_translator.evaluation import (
    encode,
    exact_match,
    judge_attributions,
    translate_all,
)
from tools.train_tiny_translator.holdout import HOMEWORK_SENTENCE
from tools.train_tiny_translator.lexicon import read_unknown_words
from tools.train_tiny_translator.sentences import LONGEST_SOURCE
from tools.train_tiny_translator.tokenizer import write_tokenizer
from tools.train_tiny_translator.training import Example, Recipe, build_model, train
from tools.train_tiny_translator.words import SentencePair

REPOSITORY = Path(__file__).resolve().parents[2]
OUTPUT = REPOSITORY / "assets" / "models" / "tiny-zh-en"
HELD_OUT = {"heldout": 250, "heldout_combination": 250}


def parse_arguments() -> argparse.Namespace:
    """Read the command line; without arguments the shipped model is rebuilt."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_tiny_translator",
        description="Build the bundled Chinese to English translator: grammar, tokenizer, "
        "training, evaluation and model card.",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write")
    parser.add_argument("--seed", type=int, default=Recipe.seed, help="seed of everything random")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="training steps")
    parser.add_argument(
        "--sentences", type=int, default=Recipe.sentences, help="training sentences to draw"
    )
    parser.add_argument(
        "--threads", type=int, default=min(2, os.cpu_count() or 1), help="processor threads"
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="only evaluate the model that is in the folder"
    )
    return parser.parse_args()


def build(folder: Path, recipe: Recipe, threads: int) -> None:
    """Draw sentences, write the tokenizer, train, and write network and data files."""
    pairs = training_pairs(recipe.seed, recipe.sentences, show_progress=True)
    source_words = {word for pair in pairs for word in pair.source_words}
    target_words = {word for pair in pairs for word in pair.target_words}
    vocabulary = write_tokenizer(folder, source_words, target_words, read_unknown_words())
    tokenizer = MarianTokenizer.from_pretrained(folder)
    examples = [
        Example(*encode(pair, vocabulary)) for pair in pairs if is_split_right(tokenizer, pair)
    ]
    print(
        f"{len(examples)} sentences, {len(source_words)} Chinese, {len(target_words)} English words"
    )
    model = build_model(recipe, len(vocabulary))
    print(f"trained for {train(model, examples, recipe, threads):.1f} minutes")
    bundle.write_network(folder, model)
    bundle.write_words(folder, source_words)
    bundle.write_heldout(folder, judged_pairs(recipe.seed, tokenizer, target_words))


def is_split_right(tokenizer: MarianTokenizer, pair: SentencePair) -> bool:
    """Whether the tokenizer finds the words of the grammar in the text (it almost always does)."""
    return tuple(tokenizer.tokenize(pair.source_text)) == pair.source_words


def judged_pairs(
    seed: int, tokenizer: MarianTokenizer, target_words: set[str]
) -> list[tuple[str, SentencePair]]:
    """The held-out sentences, without the few that are split otherwise or have new forms."""
    surplus = {split: count + 25 for split, count in HELD_OUT.items()}
    kept: list[tuple[str, SentencePair]] = []
    for split, count in HELD_OUT.items():
        fitting = [
            (split, pair)
            for drawn, pair in heldout_pairs(seed, surplus)
            if drawn == split
            and is_split_right(tokenizer, pair)
            and target_words.issuperset(pair.target_words)
        ]
        kept += fitting[:count]
    return kept


def evaluate(folder: Path, recipe: Recipe) -> dict[str, float]:
    """Measure the written model, write the figures and the card, print them."""
    tokenizer = MarianTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder, attn_implementation="eager").eval()
    records = bundle.read_heldout(folder)
    figures = {}
    for split in HELD_OUT:
        pairs = [pair for name, pair in records if name == split]
        figures[f"exact_match_{split}"] = exact_match(model, tokenizer, pairs)
    vocabulary = tokenizer.get_vocab()
    figures |= judge_attributions(model, vocabulary, [pair for _, pair in records]).report()
    counts = {
        "source_words": len(bundle.read_words(folder)),
        "target_words": len(vocabulary) - 3 - len(bundle.read_words(folder)),
        "longest": LONGEST_SOURCE,
        "heldout": HELD_OUT["heldout"],
        "combinations": HELD_OUT["heldout_combination"],
    }
    bundle.write_figures(folder, figures, recipe)
    bundle.write_card(folder, figures, recipe, counts, model)
    for name, figure in figures.items():
        print(f"{name:40} {100 * figure:6.1f}%")
    print(HOMEWORK_SENTENCE, translate_all(model, tokenizer, [HOMEWORK_SENTENCE])[0])
    return figures


def main() -> None:
    """Build in a scratch folder beside the output, then put the finished files in place."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    recipe = replace(
        Recipe(), seed=arguments.seed, steps=arguments.steps, sentences=arguments.sentences
    )
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    if not arguments.evaluate:
        with tempfile.TemporaryDirectory() as scratch:
            build(Path(scratch), recipe, arguments.threads)
            for file in Path(scratch).iterdir():
                (output / file.name).write_bytes(file.read_bytes())
    evaluate(output, recipe)


if __name__ == "__main__":
    main()
