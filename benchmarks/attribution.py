"""Cost of attribution: the kit and Inseq side by side, in one process.

    python benchmarks/attribution.py                      every row, about half an hour
    python benchmarks/attribution.py --rows SmolLM2       rows whose name begins so
    python benchmarks/attribution.py --repeats 1

All numbers are seconds of the processor on one thread: they hold on a busy machine as well, and
ratios, which count, more so, since the two take turns. Writes a table to the screen, and
`attribution.json` and `attribution.png` to the output folder; a row that was measured before stays
until it is measured again. `first call` is a process of its own: import, load, then attribute.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers.utils import logging as transformers_logging

from helpers.catalog import CATALOG
from helpers.models import load_model
from hw7.engine.freeing import return_memory
from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.shared_passes import attribute_together
from hw7.text.encoding import encoding_of

HOMEWORK_SENTENCE = "我喜欢机器学习和人工智能。"
PROMPT = "The first president of the United States was"
OPTIONS = {"integrated_gradients": {"n_steps": 20}}
MODELS = ("SmolLM2", "tiny-zh-en", "opus-mt-zh-en size", "Qwen3-0.6B size")


@dataclass(frozen=True)
class Case:
    """What is measured: a model, a method, so many generated tokens, and the bar to reach.

    Attributes:
        model: One of `MODELS`.
        method: The attribution method.
        tokens: How many tokens are explained; 0 for what the model writes of its own.
        bar: How many times cheaper than Inseq a release has to be, or None.
        seconds: How many seconds a release may take, or None.
        is_first: Whether it is the first call in a fresh process.
    """

    model: str
    method: str
    tokens: int
    bar: float | None = None
    seconds: float | None = None
    is_first: bool = False

    @property
    def name(self) -> str:
        """The row's name."""
        call = ", first call" if self.is_first else ""
        tokens = f"{self.tokens} tokens" if self.tokens else "homework sentence"
        return f"{self.model}, {self.method}, {tokens}{call}"


CASES = (
    Case("SmolLM2", "saliency", 20, bar=5.0, is_first=True),
    Case("SmolLM2", "saliency", 5),
    Case("SmolLM2", "saliency", 20, bar=5.5),
    Case("SmolLM2", "saliency", 60, bar=4.0),
    Case("SmolLM2", "integrated_gradients", 5),
    Case("SmolLM2", "occlusion", 5, bar=5.0),
    Case("tiny-zh-en", "saliency", 0, seconds=0.02),
    Case("tiny-zh-en", "saliency", 20, bar=5.0),
    Case("tiny-zh-en", "saliency", 60, bar=5.0),
    Case("tiny-zh-en", "integrated_gradients", 20),
    Case("tiny-zh-en", "occlusion", 20, bar=5.0),
    Case("opus-mt-zh-en size", "saliency", 5),
    Case("opus-mt-zh-en size", "saliency", 10, bar=5.0),
    Case("opus-mt-zh-en size", "saliency", 20),
    Case("Qwen3-0.6B size", "saliency", 5, bar=4.5),
    Case("Qwen3-0.6B size", "saliency", 20, bar=5.0),
)


@dataclass
class Measurement:
    """One row; seconds of the processor are medians, memory is in bytes above the start."""

    name: str
    kit_seconds: float
    inseq_seconds: float
    ratio: float
    bar: float | None
    most_seconds: float | None
    kit_peak_bytes: int
    inseq_peak_bytes: int
    largest_difference: float

    @property
    def is_reached(self) -> bool:
        """Whether the row reaches its bar; True where it has none."""
        is_fast = self.most_seconds is None or self.kit_seconds <= self.most_seconds
        return is_fast and (self.bar is None or self.ratio >= self.bar)


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
        while not self._is_over.wait(0.02):
            self.peak = max(self.peak, self._process.memory_info().rss - self._start)

    def __exit__(self, *ignored: object) -> None:
        self._is_over.set()
        self._watcher.join()


def processor_seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds of a run, and its result."""
    started = time.process_time()
    result = run()
    return time.process_time() - started, result


def peak_of(run: Callable[[], Any]) -> int:
    """Return the peak memory of a run, of its own so that watching costs no seconds."""
    return_memory()
    with PeakMemory() as memory:
        run()
    return memory.peak


@cache
def model_of(name: str) -> Any:
    """Load an offline model, or make one of a real model's size with random weights."""
    if name == "SmolLM2":
        return load_model(str(CATALOG["generation"].offline_folder()))
    translator = load_model(str(CATALOG["translation"].offline_folder()))
    if name == "tiny-zh-en":
        return translator
    import inseq

    torch.manual_seed(0)
    network = _opus_mt(translator) if name.startswith("opus") else _qwen3()
    tokenizer = translator.tokenizer
    if name.startswith("Qwen3"):
        tokenizer = load_model(str(CATALOG["generation"].offline_folder())).tokenizer
    return inseq.load_model(network.eval(), "saliency", tokenizer=tokenizer, device="cpu")


def _opus_mt(translator: Any) -> Any:
    from transformers import MarianConfig, MarianMTModel

    same = translator.model.config.to_dict()
    names = ("pad_token_id", "eos_token_id", "decoder_start_token_id", "scale_embedding")
    return MarianMTModel(
        MarianConfig(
            **{name: same[name] for name in names},
            vocab_size=65_001, d_model=512, encoder_layers=6, decoder_layers=6,
            encoder_attention_heads=8, decoder_attention_heads=8, encoder_ffn_dim=2048,
            decoder_ffn_dim=2048, max_position_embeddings=512, activation_function="swish",
            forced_eos_token_id=None, attn_implementation="eager",
        )
    )  # fmt: skip


def _qwen3() -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=151_936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28,
            num_attention_heads=16, num_key_value_heads=8, head_dim=128, tie_word_embeddings=True,
            pad_token_id=0, eos_token_id=1, bos_token_id=1, attn_implementation="eager",
        )
    )  # fmt: skip


def text_of(case: Case) -> tuple[Any, Any]:
    """Return sources, and targets of exactly so many new tokens."""
    model = model_of(case.model)
    prompt = HOMEWORK_SENTENCE if model.is_encoder_decoder else PROMPT
    sources = model.encode([prompt], return_baseline=True)
    if case.model.endswith("size"):  # random weights write ids that the tokenizer does not have
        written = torch.randint(10, 1000, (1, case.tokens))
        start = sources.input_ids
        if model.is_encoder_decoder:
            start = torch.tensor([[model.model.config.decoder_start_token_id]])
        ids = torch.cat([start, written], dim=1)
        return sources, encoding_of(model, ids)
    exactly = {"max_new_tokens": case.tokens, "min_new_tokens": case.tokens} if case.tokens else {}
    with torch.inference_mode():
        ids = model.model.generate(
            sources.input_ids, attention_mask=sources.attention_mask, do_sample=False, num_beams=1,
            **exactly,
        )  # fmt: skip
    # A tensor made in inference mode may not enter a backward pass.
    return sources, encoding_of(model, ids.clone())


def difference(ours: Any, theirs: Any) -> float:
    """Return the largest absolute difference of the aggregated scores."""
    found = 0.0
    for name in ("source_attributions", "target_attributions"):
        mine = getattr(ours.aggregate()[0], name)
        reference = getattr(theirs.aggregate()[0], name)
        if mine is not None:
            found = max(found, (mine - reference).nan_to_num().abs().max().item())
    return found


def runs_of(case: Case) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what the kit does for a case, and what Inseq does."""
    model, (sources, targets) = model_of(case.model), text_of(case)
    method, options = case.method, OPTIONS

    def kit() -> Any:
        return attribute_together(model, sources, targets, [method], options=options)[method]

    def inseq() -> Any:
        return attribute_with_inseq(model, sources, targets, method, options=options.get(method))

    return kit, inseq


def measured(case: Case, repeats: int) -> Measurement:
    """Measure one case, the kit and Inseq in turns."""
    kit, inseq = runs_of(case)
    output = kit()  # the first call is a row of its own
    ours, theirs, others = [], [], output
    for _ in range(repeats):
        seconds, output = processor_seconds(kit)
        ours.append(first_call(case) if case.is_first else seconds)
        seconds, others = processor_seconds(inseq)
        theirs.append(seconds)
    mine, reference = statistics.median(ours), statistics.median(theirs)
    return Measurement(
        name=case.name,
        kit_seconds=mine,
        inseq_seconds=reference,
        ratio=reference / mine,
        bar=case.bar,
        most_seconds=case.seconds,
        kit_peak_bytes=peak_of(kit),
        inseq_peak_bytes=peak_of(inseq),
        largest_difference=difference(output, others),
    )


def first_call(case: Case) -> float:
    """Return the processor seconds of the first attribution in a fresh process."""
    command = [sys.executable, __file__, "--first-call", case.name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return float(done.stdout.splitlines()[-1])


HEADER = f"{'':<48}{'kit':>9}{'Inseq':>9}{'ratio':>7}{'bar':>7}{'kit MB':>8}{'Inseq MB':>9}"


def line(row: Measurement) -> str:
    """Return one line of the table."""
    bar = row.bar or (f"{row.most_seconds} s" if row.most_seconds else "")
    return (
        f"{row.name:<48}{row.kit_seconds:>8.3f}s{row.inseq_seconds:>8.3f}s{row.ratio:>7.1f}{bar:>7}"
        f"{row.kit_peak_bytes / 2**20:>8.0f}{row.inseq_peak_bytes / 2**20:>9.0f}"
        f"  {row.largest_difference:.0e}{'' if row.is_reached else '  MISSED'}"
    )


def draw(rows: list[Measurement], path: Path) -> None:
    """Draw how many times cheaper than Inseq each row is, and its bar."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 0.4 * len(rows) + 1))
    axes.barh([row.name for row in rows], [row.ratio for row in rows], color="C0")
    for place, row in enumerate(rows):
        if row.bar is not None:
            axes.plot([row.bar, row.bar], [place - 0.4, place + 0.4], "k-")
    axes.set(xscale="log", xlabel="times cheaper than Inseq (black: the bar)")
    axes.invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def write(rows: dict[str, Measurement], folder: Path) -> None:
    """Write all rows and the figure, in the order of the cases."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = [rows[case.name] for case in CASES if case.name in rows]
    about = {package: version(package) for package in ("torch", "transformers", "inseq")}
    about |= {"processor": platform.processor() or platform.machine(), "threads": "1"}
    report = {"machine": about, "measurements": [asdict(row) for row in ordered]}
    (folder / "attribution.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(ordered, folder / "attribution.png")


def measured_before(folder: Path) -> dict[str, Measurement]:
    """Return the rows that an earlier run has written."""
    path = folder / "attribution.json"
    rows = json.loads(path.read_text())["measurements"] if path.is_file() else []
    return {row["name"]: Measurement(**row) for row in rows if "name" in row}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", default=[""], help="beginnings of rows' names")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--first-call", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if asked.first_call:
        (case,) = [case for case in CASES if case.name == asked.first_call]
        print(processor_seconds(runs_of(case)[0])[0])
        return
    rows = measured_before(asked.output)
    print(HEADER)
    for case in CASES:
        if case.name.startswith(tuple(asked.rows)):
            rows[case.name] = measured(case, asked.repeats)
            print(line(rows[case.name]), flush=True)
            write(rows, asked.output)
    missed = [row.name for row in rows.values() if not row.is_reached]
    print(f"{len(rows) - len(missed)} of {len(rows)} rows reach what they have to.")


if __name__ == "__main__":
    main()
