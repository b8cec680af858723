"""``python -m tools.train_tiny_translator``: build the bundled translator from nothing.

It takes less than an hour on two free cores. A model that misses a bar of
``evaluation.BARS`` is not put in place.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from transformers import MarianMTModel, MarianTokenizer

from tools.train_tiny_translator import bundle
from tools.train_tiny_translator.calibration import calibrate
from tools.train_tiny_translator.corpus import LONGEST_JUDGED, heldout_pairs, training_pairs
from tools.train_tiny_translator.evaluation import (
    encode,
    exact_match,
    judge_attributions,
    missed_bars,
    translate_all,
)
from tools.train_tiny_translator.free_sentences import VERDICTS, judge_free_sentences
from tools.train_tiny_translator.holdout import HOMEWORK_SENTENCE
from tools.train_tiny_translator.meanings import parts_of
from tools.train_tiny_translator.network import build_model, initialize
from tools.train_tiny_translator.segmentation import write_fitting_tokenizer
from tools.train_tiny_translator.training import Example, Recipe, train
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
        "--state", type=Path, help="file to keep an unfinished training in, and to go on from"
    )
    parser.add_argument(
        "--threads", type=int, default=min(2, os.cpu_count() or 1), help="processor threads"
    )
    parser.add_argument(
        "--evaluate",
        action="store_true",
        help="train nothing: judge the model in the folder and write its figures anew",
    )
    return parser.parse_args()


def build(folder: Path, recipe: Recipe, threads: int, state: Path | None) -> None:
    """Draw sentences, write the tokenizer, train, and write network and data files."""
    pairs = training_pairs(recipe.seed, recipe.sentences, show_progress=True)
    source_words = {word for pair in pairs for word in pair.source_words}
    target_words = {word for pair in pairs for word in pair.target_words}
    vocabulary = write_fitting_tokenizer(folder, pairs, source_words, target_words)
    tokenizer = MarianTokenizer.from_pretrained(folder)
    examples = [
        Example(*encode(pair, vocabulary)) for pair in pairs if is_split_right(tokenizer, pair)
    ]
    print(
        f"{len(examples)} sentences, {len(source_words)} Chinese, {len(target_words)} English words"
    )
    bundle.write_words(folder, source_words)
    bundle.write_heldout(folder, judged_pairs(recipe.seed, tokenizer, source_words, target_words))
    model = build_model(recipe, len(vocabulary))
    initialize(model, vocabulary, parts_of(vocabulary), first=2 + len(source_words))

    train(model, examples, recipe, threads, state)
    bundle.write_network(folder, model)


def is_split_right(tokenizer: MarianTokenizer, pair: SentencePair) -> bool:
    """Whether the tokenizer finds the words of the grammar in the text (it almost always does)."""
    return tuple(tokenizer.tokenize(pair.source_text)) == pair.source_words


def judged_pairs(
    seed: int, tokenizer: MarianTokenizer, source_words: set[str], target_words: set[str]
) -> list[tuple[str, SentencePair]]:
    """The held-out sentences, without the few that are split otherwise or have new words."""
    surplus = {split: count + 25 for split, count in HELD_OUT.items()}
    kept: list[tuple[str, SentencePair]] = []
    for split, count in HELD_OUT.items():
        fitting = [
            (split, pair)
            for drawn, pair in heldout_pairs(seed, surplus)
            if drawn == split
            and is_split_right(tokenizer, pair)
            and source_words.issuperset(pair.source_words)
            and target_words.issuperset(pair.target_words)
        ]
        kept += fitting[:count]
    return kept


def evaluate(folder: Path, recipe: Recipe) -> dict[str, float]:
    """Measure the written model, write its limit, the figures and the card, print them."""
    tokenizer = MarianTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()
    records = bundle.read_heldout(folder)
    pairs = [pair for _, pair in records]
    limit = calibrate(model, tokenizer, pairs, recipe.seed)
    bundle.change_config(folder, least_confidence=limit.least_confidence)
    figures = {"right_refused": limit.right_refused, "broken_refused": limit.broken_refused}
    for split in HELD_OUT:
        own = [pair for name, pair in records if name == split]
        figures[f"exact_match_{split}"] = exact_match(model, tokenizer, own)
    vocabulary = tokenizer.get_vocab()
    figures |= judge_attributions(model, vocabulary, pairs).report()
    counts, _ = judge_free_sentences(folder)
    total = sum(counts.values())
    figures |= {f"free_{verdict}": counts[verdict] / total for verdict in VERDICTS}
    known = bundle.read_words(folder)
    facts = {
        "source_words": len(known),
        "target_words": len(vocabulary) - 3 - len(known),
        "longest": LONGEST_JUDGED,
        "heldout": HELD_OUT["heldout"],
        "combinations": HELD_OUT["heldout_combination"],
        "free_sentences": total,
        "least_confidence": limit.least_confidence,
    }
    bundle.write_figures(folder, figures, recipe)
    bundle.write_card(folder, figures, recipe, facts, model)
    for name, figure in figures.items():
        print(f"{name:40} {100 * figure:6.1f}%")
    print(HOMEWORK_SENTENCE, translate_all(model, tokenizer, [HOMEWORK_SENTENCE])[0])
    return figures


def main() -> None:
    """Build or copy into a scratch folder, judge there, and put in place what meets the bars."""
    arguments = parse_arguments()
    torch.set_num_threads(1)  # the threads of `train` are one core each
    recipe = replace(
        Recipe(), seed=arguments.seed, steps=arguments.steps, sentences=arguments.sentences
    )
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="tiny-zh-en-"))
    if arguments.evaluate:
        shutil.copytree(output, scratch, dirs_exist_ok=True)
    else:
        build(scratch, recipe, arguments.threads, arguments.state)
    missed = missed_bars(evaluate(scratch, recipe))
    if missed:
        sys.exit(f"{output} is unchanged, as the model in {scratch} has " + ", ".join(missed) + ".")
    shutil.copytree(scratch, output, dirs_exist_ok=True)
    shutil.rmtree(scratch)
    if output.samefile(OUTPUT):
        subprocess.run([sys.executable, "-m", "tools.choose_sentences"], check=True)


if __name__ == "__main__":
    main()
