"""The whole homework, both recipes side by side in one process.

    python benchmarks/homework.py

Load, generate, saliency and attention, for translation and for generation. The published
notebook loads the model anew for each method and lets Inseq go through the tokens one by one; the
kit loads once, generates once and explains that one text with both methods at once. Both start
with everything imported. Writes `homework.json` to the output folder.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import inseq
import torch
from transformers.utils import logging as transformers_logging

from helpers import explain
from helpers.catalog import CATALOG
from helpers.models import load_model

TEXTS = {
    "translation": "我喜欢机器学习和人工智能。",
    "generation": "The first president of the United States was",
}
METHODS = ("saliency", "attention")
MAX_NEW_TOKENS = 20


def published_recipe(task: str) -> None:
    """Do what the published notebook does, less its crashes without a GPU."""
    folder = str(CATALOG[task].offline_folder())
    for method in METHODS:
        model = inseq.load_model(
            folder, method, device="cpu", model_kwargs={"dtype": torch.float32}
        )
        output = model.attribute(
            TEXTS[task],
            generation_args={"max_new_tokens": MAX_NEW_TOKENS, "do_sample": False},
            show_progress=False,
        )
        output.show(display=False, return_html=True)
        del model
        gc.collect()


def kits_recipe(task: str) -> None:
    """Do what the kit's notebooks do."""
    model = load_model(str(CATALOG[task].offline_folder()), device="cpu")
    explanation = explain(
        model,
        TEXTS[task],
        methods=list(METHODS),
        max_new_tokens=MAX_NEW_TOKENS,
        show_progress=False,
    )
    for method in METHODS:
        explanation.attribution(method).show(display=False, return_html=True, do_aggregation=False)


def seconds(recipe: Callable[[str], None], task: str) -> float:
    """Return how long a recipe takes for one task."""
    started = time.perf_counter()
    recipe(task)
    return time.perf_counter() - started


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    recipes = {"published": published_recipe, "kit": kits_recipe}
    found: dict[str, dict[str, list[float]]] = {
        task: {name: [] for name in recipes} for task in TEXTS
    }
    for repeat in range(asked.repeats + 1):
        for task in TEXTS:
            for name, recipe in recipes.items():
                taken = seconds(recipe, task)
                if repeat > 0:  # the first round imports and warms up
                    found[task][name].append(taken)
    medians = {
        task: {name: statistics.median(taken) for name, taken in own.items()}
        for task, own in found.items()
    }
    medians["both"] = {name: sum(medians[task][name] for task in TEXTS) for name in recipes}
    for task, own in medians.items():
        ratio = own["published"] / own["kit"]
        times = "   ".join(f"{name} {taken:6.2f} s" for name, taken in own.items())
        print(f"{task:<12} {times}   {ratio:.1f}x")
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "homework.json").write_text(json.dumps(medians, indent=1) + "\n")


if __name__ == "__main__":
    main()
