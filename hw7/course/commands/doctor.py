"""Say on one screen whether the homework will run on this machine, and what to do if not."""

import argparse

from hw7.course.doctor.finding import Finding, screen, will_run
from hw7.course.doctor.versions import package_findings, python_finding

HELP = "say whether the homework will run on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Print the screen; return 0 where the homework will run, otherwise 1."""
    findings = diagnose()
    print(screen(findings))
    return 0 if will_run(findings) else 1


def diagnose() -> list[Finding]:
    """Look at everything; what needs a missing package is left out, for that is the fault."""
    findings = [python_finding(), *package_findings()]
    if not will_run(findings):
        return findings
    from hw7.course.doctor.known_faults import fault_findings
    from hw7.course.doctor.machine import (
        device_finding,
        disk_finding,
        font_finding,
        memory_finding,
    )
    from hw7.course.doctor.models_here import hub_finding, model_findings

    return [
        *findings, device_finding(), memory_finding(), disk_finding(), *model_findings(),
        hub_finding(), font_finding(), *fault_findings(),
    ]  # fmt: skip
