"""Writes everything that ships in ``assets/models/tiny-zh-en``."""

import copy
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

from transformers import GenerationConfig, MarianMTModel

from tools.train_tiny_translator.corpus import to_record
from tools.train_tiny_translator.evaluation import LONGEST_OUTPUT
from tools.train_tiny_translator.lexicon import sections
from tools.train_tiny_translator.numbers_and_names import characters
from tools.train_tiny_translator.tokenizer import write_json
from tools.train_tiny_translator.training import Recipe
from tools.train_tiny_translator.words import SentencePair


def words_by_category(source_words: set[str]) -> dict[str, list[str]]:
    """All words of the model under the titles of the lists; what is in no list comes last."""
    words: dict[str, list[str]] = defaultdict(list)
    listed: set[str] = set()
    for kind, (title, entries) in sections().items():
        if kind in ("surname", "given"):
            found = [character for character, _ in characters(kind)]
        else:
            found = [entry.chinese for entry in entries]
        words[title] += [word for word in dict.fromkeys(found) if word in source_words - listed]
        listed.update(found)
    words["其他：量词、介词、连词、数字、标点 small words, numbers, marks"] = sorted(
        source_words - listed
    )
    return {title: found for title, found in words.items() if found}


def write_words(folder: Path, source_words: set[str]) -> None:
    """``words.txt``: one category a block, its title after ``#``, words separated by spaces."""
    blocks = [
        f"# {title}\n{' '.join(words)}\n"
        for title, words in words_by_category(source_words).items()
    ]
    (folder / "words.txt").write_text("\n".join(blocks), encoding="utf-8")


def write_heldout(folder: Path, pairs: list[tuple[str, SentencePair]]) -> None:
    """``heldout.jsonl``: one sentence pair with its gold alignment a line."""
    lines = [json.dumps(to_record(*pair), ensure_ascii=False) for pair in pairs]
    (folder / "heldout.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_network(folder: Path, model: MarianMTModel) -> None:
    """Weights in float16, configuration (it asks for float32) and greedy generation settings."""
    pad, end = model.config.pad_token_id, model.config.eos_token_id
    model.generation_config = GenerationConfig(
        num_beams=1,
        do_sample=False,
        max_new_tokens=LONGEST_OUTPUT,
        pad_token_id=pad,
        eos_token_id=end,
        forced_eos_token_id=end,
        decoder_start_token_id=pad,
        bad_words_ids=[[pad]],
    )
    model.config.architectures = ["MarianMTModel"]
    copy.deepcopy(model).half().save_pretrained(folder, safe_serialization=True)
    change_config(folder, dtype="float32")


def change_config(folder: Path, **settings: object) -> None:
    """Change settings of ``config.json``."""
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    if "dtype" in settings:
        config.pop("torch_dtype", None)
    write_json(path, config | settings)


def write_card(
    folder: Path,
    figures: dict[str, float],
    recipe: Recipe,
    facts: dict[str, float],
    model: MarianMTModel,
) -> None:
    """``README.md``, the model card, from the template beside this file."""
    template = (Path(__file__).parent / "model_card.md").read_text(encoding="utf-8")
    values: dict[str, object] = {**asdict(recipe), **facts}
    values |= {name: f"{100 * figure:.1f}%" for name, figure in figures.items()}
    values["themes"] = themes_of(folder)
    values["parameters"] = f"{model.num_parameters() / 1e6:.2f}"
    (folder / "README.md").write_text(template.format(**values), encoding="utf-8")


def themes_of(folder: Path) -> str:
    """The titles of ``words.txt`` with the number of their words, as one line."""
    blocks = (folder / "words.txt").read_text("utf-8").strip().split("\n\n")
    counted = [block.split("\n", 1) for block in blocks]
    return ", ".join(f"{title[2:]} {len(words.split())}" for title, words in counted) + "."


def write_figures(folder: Path, figures: dict[str, float], recipe: Recipe) -> None:
    """``evaluation.json``: the figures of the card and the recipe, for programs."""
    write_json(folder / "evaluation.json", {"figures": figures, "recipe": asdict(recipe)})


def read_heldout(folder: Path) -> list[tuple[str, SentencePair]]:
    """The sentence pairs of ``heldout.jsonl`` with their split."""
    records = map(json.loads, (folder / "heldout.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        (
            record["split"],
            SentencePair(
                source_words=tuple(record["source_words"]),
                target_words=tuple(record["target_words"]),
                alignment=tuple((source, target) for source, target in record["alignment"]),
                source_content=tuple(record["source_content"]),
                target_content=tuple(record["target_content"]),
            ),
        )
        for record in records
    ]


def read_words(folder: Path) -> set[str]:
    """The words of ``words.txt``."""
    lines = (folder / "words.txt").read_text(encoding="utf-8").splitlines()
    return {word for line in lines if not line.startswith("#") for word in line.split()}
