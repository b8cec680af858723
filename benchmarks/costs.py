"""Cost of an explanation: the kit, Inseq and Interpreto side by side, in one process.

    python -m venv costs && grep -v ^jaxtyping constraints.txt > costs/constraints.txt
    costs/bin/pip install -c costs/constraints.txt -e . interpreto==0.5.2
    costs/bin/python benchmarks/costs.py                  every row, about fifteen minutes
    costs/bin/python benchmarks/costs.py --rows tiny      rows whose name begins so

An environment of its own, for Interpreto wants an older jaxtyping than the kit's constraints. All
three explain the same tokens after the same prompt, on one thread, in turns; numbers are seconds of
the processor. Where a peer computes the same quantity, the largest difference of the scores stands
beside its seconds. A peer that is missing or does not have a row is left out, with the reason.
Prints the table of README.md and writes `costs.json` to the output folder.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from attribution import PROMPT, Case, model_of, processor_seconds, text_of
from transformers.utils import logging as transformers_logging

from helpers.catalog import CATALOG
from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.shared_passes import attribute_together
from hw7.engine.whole_answer import answer_scores

Run = Callable[[], torch.Tensor]

CASES = (
    Case("SmolLM2", "saliency", 5),
    Case("SmolLM2", "saliency", 20),
    Case("SmolLM2", "input_x_gradient", 20),
    Case("SmolLM2", "integrated_gradients", 5),
    Case("SmolLM2", "occlusion", 5),
    Case("SmolLM2", "occlusion", 20),
    Case("SmolLM2", "ablation", 5),
    Case("SmolLM2", "whole answer", 20),
    Case("tiny-zh-en", "saliency", 0),
    Case("tiny-zh-en", "input_x_gradient", 0),
    Case("tiny-zh-en", "integrated_gradients", 0),
    Case("tiny-zh-en", "occlusion", 0),
    Case("tiny-zh-en", "ablation", 0),
    Case("tiny-zh-en", "whole answer", 0),
)
POINTS, DRAWS = 20, 64

# Rows of a batch of Interpreto: a fifth faster here than its default of 4.
ROWS_AT_ONCE = 16

# What Inseq runs where the kit's method has another name, and with which options.
OF_INSEQ: dict[str, tuple[str, dict[str, Any]]] = {
    "integrated_gradients": ("integrated_gradients", {"n_steps": POINTS}),
    "ablation": ("lime", {"n_samples": DRAWS}),
    # The gradient of a sum is the sum of the gradients, if no absolute values are taken before.
    "whole answer": ("saliency", {"abs": False}),
}

# Quantities that differ between the packages, so that only their costs can be compared.
IS_ANOTHER_NUMBER = {
    ("Inseq", "ablation"),  # another surrogate, of embeddings that are blended out
    ("Interpreto", "integrated_gradients"),  # absolute values at each point, another quadrature
    ("Interpreto", "ablation"),  # LIME: another surrogate, and generated tokens are left out too
    ("Interpreto", "whole answer"),  # all columns; they cannot be added up
}


@dataclass
class Cost:
    """What one package took for a row.

    Attributes:
        seconds: Of the processor, the least of the rounds; None where it is left out.
        difference: Largest difference from the kit's scores, relative to the largest of these;
            None where it computes another number.
        reason: Why it is left out.
    """

    seconds: float | None = None
    difference: float | None = None
    reason: str = ""


@dataclass
class Row:
    """A case, and what each package took."""

    name: str
    costs: dict[str, Cost] = field(default_factory=dict)

    @property
    def is_ahead(self) -> bool:
        """Whether the kit is the cheapest."""
        seconds = {name: cost.seconds for name, cost in self.costs.items() if cost.seconds}
        return min(seconds, key=lambda name: seconds[name]) == "kit"


class LeftOutError(Exception):
    """A package does not have a row; the message says why."""


def kit_run(case: Case) -> Run:
    """Return what the kit does: scores `[token, step]`, of a whole answer `[token]`."""
    model, (sources, targets) = model_of(case.model), text_of(case)
    if case.method == "whole answer":
        return lambda: answer_scores(model, sources, targets).lengths
    options = {"integrated_gradients": {"n_steps": POINTS}, "ablation": {"draws": DRAWS}}

    def run() -> torch.Tensor:
        outputs = attribute_together(model, sources, targets, [case.method], options=options)
        return scores_of(outputs[case.method])

    return run


def inseq_run(case: Case) -> Run:
    """Return what Inseq does; its scores are shaped like the kit's."""
    model, (sources, targets) = model_of(case.model), text_of(case)
    method, options = OF_INSEQ.get(case.method, (case.method, {}))
    is_whole = case.method == "whole answer"
    score = "crossentropy" if is_whole else "probability"

    def run() -> torch.Tensor:
        output = attribute_with_inseq(model, sources, targets, method, score=score, options=options)
        if not is_whole:
            return scores_of(output)
        read = sources.input_ids.shape[1]
        raw = raw_scores(output)[:read]
        return raw.sum(dim=1).norm(dim=-1)

    return run


def raw_scores(output: Any) -> torch.Tensor:
    """Return Inseq's scores before they are aggregated, `[token, step]` or `[..., hidden]`."""
    sequence = output.sequence_attributions[0]
    is_decoder_only = sequence.source_attributions is None
    return sequence.target_attributions if is_decoder_only else sequence.source_attributions


def scores_of(output: Any) -> torch.Tensor:
    """Aggregate as Interpreto does: the mean of the absolute values, `[token, step]`."""
    scores = raw_scores(output)
    return scores.abs().mean(dim=-1) if scores.dim() == 3 else scores


@cache
def model_of_interpreto() -> tuple[Any, Any]:
    """Load SmolLM2 and its tokenizer as Interpreto's users do."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = str(CATALOG["generation"].offline_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    # What Inseq and the kit put in the place of an occluded token.
    tokenizer.mask_token = tokenizer.unk_token
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), tokenizer


def interpreto_run(case: Case) -> Run:
    """Return what Interpreto does; its scores are shaped like the kit's.

    Raises:
        LeftOutError: Interpreto is missing, or does not explain such a model.
    """
    if find_spec("interpreto") is None:
        raise LeftOutError("interpreto is not installed; the first lines of this file say how")
    if case.model != "SmolLM2":
        raise LeftOutError("explains no encoder-decoder models")
    import interpreto
    from interpreto.attributions import InferenceModes

    network, tokenizer = model_of_interpreto()
    is_whole = case.method == "whole answer"
    settings = {
        "batch_size": ROWS_AT_ONCE,
        "granularity": interpreto.Granularity.ALL_TOKENS,
        "inference_mode": InferenceModes.LOG_SOFTMAX if is_whole else InferenceModes.SOFTMAX,
    }
    name, options = {
        "saliency": ("Saliency", {"input_x_gradient": False}),
        "whole answer": ("Saliency", {"input_x_gradient": False}),
        "input_x_gradient": ("Saliency", {"input_x_gradient": True}),
        "integrated_gradients": ("IntegratedGradients", {"n_perturbations": POINTS}),
        "occlusion": ("Occlusion", {}),
        "ablation": ("Lime", {"n_perturbations": DRAWS}),
    }[case.method]
    explainer = getattr(interpreto, name)(network, tokenizer, **settings, **options)
    sources, targets = text_of(case)
    written = targets.input_ids[:, sources.input_ids.shape[1] :]

    def run() -> torch.Tensor:
        (output,) = explainer(PROMPT, written)
        if output.model_inputs_to_explain["input_ids"].tolist() != targets.input_ids.tolist():
            raise AssertionError("Interpreto explains other tokens.")
        return output.attributions.abs().T

    return run


PACKAGES = {"kit": kit_run, "Inseq": inseq_run, "Interpreto": interpreto_run}


def measured(case: Case, rounds: int) -> Row:
    """Measure one case, the packages in turns."""
    row, runs = Row(case.name), {}
    for name, make in PACKAGES.items():
        row.costs[name] = Cost()
        try:
            runs[name] = make(case)
        except LeftOutError as reason:
            row.costs[name].reason = str(reason)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    scores = {}
    for _ in range(rounds):
        for name, run in runs.items():
            took, found = processor_seconds(run)
            seconds[name].append(took)
            scores[name] = found.nan_to_num()
    for name in runs:
        row.costs[name].seconds = min(seconds[name])
        if name != "kit" and (name, case.method) not in IS_ANOTHER_NUMBER:
            distance = (scores[name] - scores["kit"]).abs().max() / scores["kit"].abs().max()
            row.costs[name].difference = distance.item()
    return row


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield "| | kit | Inseq | Interpreto | ahead | difference from Inseq | from Interpreto |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        peers = [row.costs[name] for name in PACKAGES]
        cells = [f"{cost.seconds:.3f} s" if cost.seconds else "-" for cost in peers]
        cells.append("yes" if row.is_ahead else "NO")
        for cost in peers[1:]:
            cells.append("" if cost.difference is None else f"{cost.difference:.0e}")
        yield f"| {row.name} | {' | '.join(cells)} |"


def measured_before(path: Path) -> dict[str, Row]:
    """Return the rows that an earlier run has written; they stay until they are measured again."""
    rows = json.loads(path.read_text())["rows"] if path.is_file() else []
    return {
        row["name"]: Row(row["name"], {name: Cost(**cost) for name, cost in row["costs"].items()})
        for row in rows
    }


def about() -> dict[str, str]:
    """Return the versions of what was compared."""
    versions = {"threads": "1"}
    for package in ("torch", "transformers", "inseq", "captum", "interpreto"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", default=[""], help="beginnings of rows' names")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    asked.output.mkdir(parents=True, exist_ok=True)
    path = asked.output / "costs.json"
    found, rows = measured_before(path), []
    for case in CASES:
        if case.name.startswith(tuple(asked.rows)):
            found[case.name] = measured(case, asked.rounds)
            print(*list(table([found[case.name]]))[-1:], flush=True)
            rows = [found[case.name] for case in CASES if case.name in found]
            report = {"versions": about(), "rows": [asdict(row) for row in rows]}
            path.write_text(json.dumps(report, indent=1) + "\n")
    print("", *table(rows), sep="\n")
    costs = [(name, cost) for row in rows for name, cost in row.costs.items()]
    print(*sorted({f"{name}: {cost.reason}." for name, cost in costs if cost.reason}), sep="\n")


if __name__ == "__main__":
    main()
