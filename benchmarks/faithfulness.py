"""Faithfulness: does an answer fall further without the tokens that a method calls relevant?

    python benchmarks/faithfulness.py                     both models, about five minutes
    python benchmarks/faithfulness.py --models SmolLM2    one; the other's figures stay
    python benchmarks/faithfulness.py --most 5            a few texts of each, to try it

For each text the model writes a short answer (the translator is given its gold translation), every
method scores the source tokens for the whole answer (the sum over its tokens), and shares of the
source tokens are deleted: once the most relevant first, once the least relevant. What is reported
is how much further the answer's log-probability falls the first time than the second, in nats, see
`answer_gaps`; random scores give 0 on average. The same call gives the same figures. Prints the
table of README.md and writes `faithfulness.json` to the output folder.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch

from helpers.generation import Generation, generate
from helpers.models import load_model
from hw7.engine.methods import working_methods
from hw7.lessons.which_method import Variant, bootstrap_interval, gold_for
from hw7.lessons.which_method.erasure import (
    cut,
    generated_ids,
    random_scores,
    removable_positions,
    unit_log_probabilities,
)
from hw7.lessons.which_method.measurements import gold_generation
from hw7.lessons.which_method.scoring import score_sentence

HERE = Path(__file__).resolve().parent
MODELS = {"SmolLM2": HERE.parent / "models/smollm2-135m", "tiny-zh-en": "translation"}
METHODS = (
    "ablation",
    "occlusion",
    "saliency",
    "input_x_gradient",
    "integrated_gradients",
    "attention",
    "attention_rollout",
    "value_zeroing",
)
OPTIONS = {"integrated_gradients": (("n_steps", 10),)}
FRACTIONS = (0.1, 0.3, 0.5)
ANSWER_TOKENS = 4
TRANSLATIONS = 100
RANDOM_REPEATS = 10


def generations(model: Any) -> Iterator[Generation]:
    """Yield what is explained: gold translations, or short answers to the prompts."""
    if model.is_encoder_decoder:
        for gold in gold_for(model)[:TRANSLATIONS]:
            yield gold_generation(model, gold)
    else:
        for prompt in (HERE / "prompts.txt").read_text(encoding="utf-8").splitlines():
            yield generate(model, prompt, max_new_tokens=ANSWER_TOKENS)


def answered_steps(model: Any, generation: Generation) -> list[int]:
    """Return which generated tokens are the answer: all but special ones."""
    special = set(model.tokenizer.all_special_ids)
    ids = generated_ids(generation).tolist()
    return [step for step, number in enumerate(ids) if number not in special]


def answer_gaps(
    model: Any,
    generation: Generation,
    scores: Mapping[str, numpy.ndarray],
    fractions: Sequence[float] = FRACTIONS,
) -> dict[str, float]:
    """Return how much further the whole answer falls without its most than its least relevant.

    For each share of the source tokens: the fall of the answer's log-probability when those of
    the highest scores are deleted, less the fall when those of the lowest scores are (Cohen-Wang
    et al. 2024, "ContextCite", compare such falls); the mean over the fractions, in nats. Above 0
    the scores know something of what the model depends on; random scores give 0 on average.

    Args:
        model: Inseq's model.
        generation: The text that is explained, special tokens left out.
        scores: For each method, one score for each removable source token.
        fractions: Shares of the source tokens to delete.
    """
    units = [(place,) for place in removable_positions(model, generation)]
    plan = {
        method: [(cut(values, fraction)[1], cut(-values, fraction)[1]) for fraction in fractions]
        for method, values in scores.items()
    }
    needed = {part for pairs in plan.values() for pair in pairs for part in pair}
    logs = unit_log_probabilities(model, generation, units, needed)
    steps = answered_steps(model, generation)
    return {
        method: float(
            numpy.mean(
                [logs[least][steps].sum() - logs[most][steps].sum() for most, least in pairs]
            )
        )
        for method, pairs in plan.items()
    }


def gaps_of(model: Any, generation: Generation, methods: Mapping[str, Variant]) -> dict[str, float]:
    """Return the gap of each method, and the mean one of random scores."""
    steps = answered_steps(model, generation)
    removable = removable_positions(model, generation)
    scores = {
        variant.name: found[removable][:, steps].sum(axis=1)
        for variant, found, _ in score_sentence(model, generation, list(methods.values()))
    }
    for repeat in range(RANDOM_REPEATS):
        scores[f"random {repeat}"] = random_scores((len(removable),), repeat)
    gaps = answer_gaps(model, generation, scores)
    chance = [gaps.pop(f"random {repeat}") for repeat in range(RANDOM_REPEATS)]
    return gaps | {"random": float(numpy.mean(chance))}


def measure(name: str, most: int | None) -> dict[str, dict[str, float]]:
    """Return mean and 95% bootstrap interval over texts for each method that runs on a model."""
    model = load_model(str(MODELS[name]))
    working = working_methods(model)
    methods = {
        method: Variant(method, method, options=OPTIONS.get(method, ()))
        for method in METHODS
        if method in working
    }
    texts = list(generations(model))[:most]
    gaps = [gaps_of(model, generation, methods) for generation in texts]
    table = {}
    for method in gaps[0]:
        values = [one[method] for one in gaps]
        low, high = bootstrap_interval(numpy.mean, values)
        table[method] = {"gap": float(numpy.mean(values)), "low": low, "high": high}
    return dict(sorted(table.items(), key=lambda row: -row[1]["gap"])) | {
        "texts": {"count": len(texts)}
    }


def markdown(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Return the table of README.md, the most faithful method of the first model first."""
    counts = {name: f"{name}, {rows['texts']['count']} texts" for name, rows in results.items()}
    lines = [f"| method | {' | '.join(counts.values())} |", "|---" * (len(counts) + 1) + "|"]
    methods = dict.fromkeys(m for rows in results.values() for m in rows if m != "texts")
    for method in methods:
        found = [rows.get(method) for rows in results.values()]
        cells = [
            f"{one['gap']:.2f} [{one['low']:.2f}, {one['high']:.2f}]" if one else "does not run"
            for one in found
        ]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure both models, print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--most", type=int, help="texts of each model, default: all")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    file = arguments.output / "faithfulness.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    measured = {name: measure(name, arguments.most) for name in arguments.models}
    results = {name: (before | measured)[name] for name in MODELS if name in before | measured}
    print(markdown(results))
    print(f"{time.process_time() - started:.0f} s of the processor")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
