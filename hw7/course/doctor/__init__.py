"""What ``hw7 doctor`` finds: packages, machine, models, networks, known faults; and its screen."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """What was found on one topic."""

    topic: str
    state: State  # a fault keeps the homework from running, a note does not
    text: str
    remedy: str = ""  # the next thing to type


def will_run(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing keeps the homework from running."""
    return all(finding.state != "fault" for finding in findings)


def screen(findings: Sequence[Finding], width: int = 100) -> str:
    """Return the findings as lines of text, with the verdict and the next command last."""
    lines: list[str] = []
    for finding in findings:
        mark = "FAULT" if finding.state == "fault" else finding.state
        label = f"{mark:6}{finding.topic:13}"
        indent = " " * len(label)
        lines += textwrap.wrap(
            finding.text, width, initial_indent=label, subsequent_indent=indent,
            break_on_hyphens=False,
        )  # fmt: skip
        if finding.remedy and finding.state != "ok":
            lines.append(f"{indent}→ {finding.remedy}")
    verdict = "The homework will run here. Next: open notebooks/01_setup.ipynb and run all cells."
    if faults := [finding for finding in findings if finding.state == "fault"]:
        count = "One fault keeps" if len(faults) == 1 else f"{len(faults)} faults keep"
        next_step = next((f" Next: {finding.remedy}" for finding in faults if finding.remedy), "")
        verdict = f"{count} the homework from running here.{next_step}"
    return "\n".join([*lines, "", verdict])
