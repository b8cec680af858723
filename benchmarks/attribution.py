"""Time and memory of attribution: the kit and Inseq side by side, in one process.

    python benchmarks/attribution.py                       everything, about an hour on two cores
    python benchmarks/attribution.py --lengths 5 20        some lengths
    python benchmarks/attribution.py --models translation --methods saliency

Writes a table to the screen, and `attribution.json` and `attribution.png` to the output folder; a
row that was measured before stays until it is measured again.
The two take turns, so that other work on the machine slows down both; each number is the median.
"""

import argparse
import json
import os
import platform
import statistics
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers.utils import logging as transformers_logging

from helpers.catalog import CATALOG
from helpers.models import load_model
from helpers.texts import encoding_of
from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.shared_passes import attribute_together

PROMPTS = {
    "generation": "The first president of the United States was",
    "translation": "我喜欢机器学习和人工智能。",
}
OPTIONS = {"integrated_gradients": {"n_steps": 20}}
METHODS = ("saliency", "integrated_gradients", "occlusion")
LENGTHS = (5, 20, 60, 120, 240)

# Inseq takes minutes for each repetition beyond.
LONGEST = {
    "generation": {"saliency": 240, "integrated_gradients": 20, "occlusion": 20},
    "translation": {"saliency": 240, "integrated_gradients": 240, "occlusion": 60},
}

# Speed-ups that a release has to reach with two cores.
BARS = {
    ("generation", "saliency"): {20: 5.0, 60: 4.0, 120: 3.5, 240: 3.5},
    ("generation", "integrated_gradients"): dict.fromkeys(LENGTHS, 3.5),
    ("generation", "occlusion"): dict.fromkeys(LENGTHS, 5.0),
    ("translation", "saliency"): dict.fromkeys(LENGTHS, 5.0),
    ("translation", "integrated_gradients"): dict.fromkeys(LENGTHS, 3.5),
    ("translation", "occlusion"): dict.fromkeys(LENGTHS, 5.0),
}


@dataclass
class Measurement:
    """One model, method and length; seconds are medians, memory is in bytes above the start."""

    model: str
    method: str
    tokens: int
    generation_seconds: float
    kit_seconds: float
    inseq_seconds: float
    ratio: float
    bar: float
    floor_seconds: float | None
    kit_peak_bytes: int
    inseq_peak_bytes: int
    largest_difference: float


Rows = dict[tuple[str, str, int], Measurement]


class PeakMemory:
    """Watches how much more memory the process takes than at the start."""

    def __enter__(self) -> "PeakMemory":
        self._process = psutil.Process()
        self._start = self._process.memory_info().rss
        self.peak = 0
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._is_over.wait(0.005):
            self.peak = max(self.peak, self._process.memory_info().rss - self._start)

    def __exit__(self, *ignored: object) -> None:
        self._is_over.set()
        self._watcher.join()


def measured(run: Any) -> tuple[float, int, Any]:
    """Return the seconds and the peak memory of a run, and its result."""
    from helpers.memory import _return_memory

    _return_memory()
    with PeakMemory() as memory:
        started = time.perf_counter()
        result = run()
        seconds = time.perf_counter() - started
    return seconds, memory.peak, result


def generated(model: Any, prompt: str, tokens: int) -> tuple[Any, Any, float]:
    """Return sources, targets of exactly so many new tokens, and how long generating took."""
    sources = model.encode([prompt], return_baseline=True)
    started = time.perf_counter()
    with torch.inference_mode():
        ids = model.model.generate(
            sources.input_ids,
            attention_mask=sources.attention_mask,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            num_beams=1,
        )
    seconds = time.perf_counter() - started
    return sources, encoding_of(model, ids.clone()), seconds


def floor(model: Any, sources: Any, targets: Any) -> float | None:
    """Return the seconds of one forward pass plus the backward pass's matrix products alone.

    Every pair of a generated token and a token of its prefix needs one product with each weight
    of the layers; for decoder-only models, whose shapes are all alike.
    """
    if model.is_encoder_decoder:
        return None
    weights = [
        module.weight
        for name, module in model.model.base_model.named_modules()
        if isinstance(module, torch.nn.Linear)
    ]
    first, last = sources.input_ids.shape[1], targets.input_ids.shape[1]
    pairs = sum(range(first, last))
    started = time.perf_counter()
    with torch.no_grad():
        model.model(input_ids=targets.input_ids)
        for weight in weights:
            for size in _sizes(pairs, 1024):
                torch.ones(size, weight.shape[0]) @ weight
    return time.perf_counter() - started


def most_tokens(model: Any) -> int:
    """Return how many tokens a model can write, with room for a prompt."""
    limit = getattr(model.model.config, "max_position_embeddings", None) or 10**9
    return int(limit) - (1 if model.is_encoder_decoder else 32)


def _sizes(total: int, largest: int) -> list[int]:
    return [min(largest, total - start) for start in range(0, total, largest)]


def difference(ours: Any, theirs: Any) -> float:
    """Return the largest absolute difference of the aggregated scores."""
    found = 0.0
    for name in ("source_attributions", "target_attributions"):
        mine = getattr(ours.aggregate()[0], name)
        reference = getattr(theirs.aggregate()[0], name)
        if mine is not None:
            found = max(found, (mine - reference).nan_to_num().abs().max().item())
    return found


def compare(task: str, model: Any, method: str, tokens: int, repeats: int) -> Measurement:
    """Measure one case, the kit and Inseq in turns."""
    sources, targets, _ = generated(model, PROMPTS[task], tokens)
    generation = statistics.median(
        generated(model, PROMPTS[task], tokens)[2] for _ in range(repeats)
    )
    kit, inseq, floors, kit_peaks, inseq_peaks = [], [], [], [], []
    ours = theirs = None
    for _ in range(repeats):
        seconds, peak, ours = measured(
            lambda: attribute_together(model, sources, targets, [method], options=OPTIONS)[method]
        )
        kit.append(seconds)
        kit_peaks.append(peak)
        seconds, peak, theirs = measured(
            lambda: attribute_with_inseq(
                model, sources, targets, method, options=OPTIONS.get(method)
            )
        )
        inseq.append(seconds)
        inseq_peaks.append(peak)
        if method == "saliency":
            floors.append(floor(model, sources, targets))
    lowest = [seconds for seconds in floors if seconds is not None]
    return Measurement(
        model=task,
        method=method,
        tokens=targets.input_ids.shape[1]
        - (1 if model.is_encoder_decoder else sources.input_ids.shape[1]),
        generation_seconds=generation,
        kit_seconds=statistics.median(kit),
        inseq_seconds=statistics.median(inseq),
        ratio=statistics.median(inseq) / statistics.median(kit),
        bar=BARS[task, method].get(tokens, 1.0),
        floor_seconds=statistics.median(lowest) if lowest else None,
        kit_peak_bytes=int(statistics.median(kit_peaks)),
        inseq_peak_bytes=int(statistics.median(inseq_peaks)),
        largest_difference=difference(ours, theirs),
    )


HEADER = (
    f"{'model':<12}{'method':<22}{'tokens':>6}{'generate':>10}{'kit':>9}{'Inseq':>9}{'ratio':>7}"
    f"{'bar':>5}{'floor':>8}{'kit MB':>8}{'Inseq MB':>9}{'difference':>12}"
)


def line(row: Measurement) -> str:
    """Return one line of the table."""
    lowest = "" if row.floor_seconds is None else f"{row.floor_seconds:.2f}"
    return (
        f"{row.model:<12}{row.method:<22}{row.tokens:>6}{row.generation_seconds:>9.2f}s"
        f"{row.kit_seconds:>8.2f}s{row.inseq_seconds:>8.2f}s{row.ratio:>7.1f}{row.bar:>5.1f}"
        f"{lowest:>8}{row.kit_peak_bytes / 2**20:>8.0f}{row.inseq_peak_bytes / 2**20:>9.0f}"
        f"{row.largest_difference:>12.1e}"
    )


def draw(rows: list[Measurement], path: Path) -> None:
    """Draw seconds against the number of tokens, one panel for each model."""
    import matplotlib.pyplot as plt

    models = list(dict.fromkeys(row.model for row in rows))
    figure, panels = plt.subplots(1, len(models), figsize=(6 * len(models), 4.5), squeeze=False)
    for panel, model in zip(panels[0], models, strict=True):
        for color, method in zip(("C0", "C1", "C2"), METHODS, strict=True):
            own = [row for row in rows if (row.model, row.method) == (model, method)]
            if not own:
                continue
            tokens = [row.tokens for row in own]
            panel.plot(tokens, [row.inseq_seconds for row in own], f"{color}--o", alpha=0.6)
            panel.plot(tokens, [row.kit_seconds for row in own], f"{color}-o", label=method)
            floors = [row.floor_seconds for row in own]
            if all(floors):
                panel.plot(tokens, floors, "k:", label="matrix products alone")
        panel.set(title=model, xlabel="generated tokens", ylabel="seconds (dashed: Inseq)")
        panel.set_yscale("log")
        panel.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def machine() -> dict[str, Any]:
    """Return what the numbers were measured with."""
    from importlib.metadata import version

    return {
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "inseq": version("inseq"),
        "load_before": os.getloadavg()[0],
    }


def measured_before(folder: Path) -> Rows:
    """Return the rows that an earlier run has written."""
    path = folder / "attribution.json"
    rows = json.loads(path.read_text())["measurements"] if path.is_file() else []
    return {(row["model"], row["method"], row["tokens"]): Measurement(**row) for row in rows}


def write(about: dict[str, Any], rows: Rows, folder: Path) -> None:
    """Write all rows and the figure."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = [rows[key] for key in sorted(rows)]
    about["load_after"] = os.getloadavg()[0]
    report = {"machine": about, "measurements": [asdict(row) for row in ordered]}
    (folder / "attribution.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(ordered, folder / "attribution.png")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--models", nargs="+", choices=list(PROMPTS), default=list(PROMPTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    about, rows = machine(), measured_before(asked.output)
    for task in asked.models:
        model = load_model(str(CATALOG[task].offline_folder()))
        print(HEADER)
        for method in asked.methods:
            for tokens in asked.lengths:
                if tokens > most_tokens(model):
                    print(f"{task}: {tokens} tokens are more than the model takes")
                elif tokens <= LONGEST[task][method]:
                    row = compare(task, model, method, tokens, asked.repeats)
                    print(line(row), flush=True)
                    rows[task, method, row.tokens] = row
                    write(about, rows, asked.output)
    missed = [row for row in rows.values() if row.ratio < row.bar]
    print(f"{len(rows) - len(missed)} of {len(rows)} bars reached.")


if __name__ == "__main__":
    main()
