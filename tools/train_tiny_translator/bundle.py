"""Writes everything that ships in ``assets/models/tiny-zh-en``."""

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

from transformers import GenerationConfig, MarianMTModel

from tools.train_tiny_translator.corpus import to_record
from tools.train_tiny_translator.evaluation import LONGEST_OUTPUT
from tools.train_tiny_translator.lexicon import read_heads, read_table
from tools.train_tiny_translator.tokenizer import write_json
from tools.train_tiny_translator.training import Recipe
from tools.train_tiny_translator.words import SentencePair

CATEGORIES = {
    "pronoun": "人称代词 pronouns",
    "person": "人 people",
    "relation": "家人 family",
    "name": "人名 names",
    "reading": "读物 things to read",
    "show": "节目 shows",
    "song": "声音 things to hear",
    "thing": "物品 things",
    "furniture": "家具 furniture",
    "food": "食物 food",
    "drink": "饮料 drinks",
    "animal": "动物 animals",
    "place": "地方 places",
    "city": "城市和国家 cities and countries",
    "field": "学科 subjects",
    "language": "语言 languages",
    "tech": "技术 technology",
    "abstract": "概念 ideas",
    "text": "文字 text",
    "math": "数学 mathematics",
    "modifier": "术语的前半 first words of technical terms",
    "head": "术语的后半 last words of technical terms",
    "verb": "动词 verbs",
    "adjective": "形容词 adjectives",
    "adverb": "副词 adverbs",
    "manner": "方式（加“地”） manner, with 地",
    "degree": "程度 degree",
    "time": "时间 times",
    "number": "数字 numbers",
    "container": "容器 containers",
    "saying": "想和说 thinking and saying",
    "function": "其他：量词、介词、连词、疑问词、标点 particles, question words, marks",
}


def words_by_category(source_words: set[str]) -> dict[str, list[str]]:
    """All words of the model in the categories a student looks for them in."""
    words: dict[str, list[str]] = defaultdict(list)
    for chinese, *_, kind in read_table("nouns"):
        words[kind].append(chinese)
    for kind, chinese, *_ in read_table("small_words"):
        words[kind].append(chinese)
    tables = {"verbs": "verb", "adjectives": "adjective", "times": "time", "compounds": "modifier"}
    for table, category in tables.items():
        words[category] += [row[0] for row in read_table(table)]
    words["head"] += [head.chinese for head in read_heads()]
    listed = {word for category in words.values() for word in category}
    words["function"] = sorted(source_words - listed)
    known = {
        category: [word for word in dict.fromkeys(words[category]) if word in source_words]
        for category in CATEGORIES
    }
    return {CATEGORIES[category]: listed for category, listed in known.items()}


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
    """Weights, configuration and greedy generation settings."""
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
    model.save_pretrained(folder, safe_serialization=True)


def write_card(
    folder: Path,
    figures: dict[str, float],
    recipe: Recipe,
    counts: dict[str, int],
    model: MarianMTModel,
) -> None:
    """``README.md``, the model card, from the template beside this file."""
    template = (Path(__file__).parent / "model_card.md").read_text(encoding="utf-8")
    values: dict[str, object] = {**asdict(recipe), **counts}
    values |= {name: f"{100 * figure:.1f}%" for name, figure in figures.items()}
    values["parameters"] = f"{model.num_parameters() / 1e6:.2f}"
    (folder / "README.md").write_text(template.format(**values), encoding="utf-8")


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
