"""Say on one screen whether the homework will run on this machine, and what to do if not."""

import argparse

from hw7.course.doctor import Finding, screen, will_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Print the screen; return 0 where the homework will run, otherwise 1."""
    findings = diagnose()
    print(screen(findings))
    return 0 if will_run(findings) else 1


def diagnose() -> list[Finding]:
    """Look at everything; what needs a broken package is left out, for that is the fault."""
    from hw7.course.doctor import machine

    findings = [machine.python_finding(), machine.package_finding()]
    if not will_run(findings):
        return findings
    from hw7.course.doctor.imports import import_finding

    findings.append(import_finding())
    if not will_run(findings):
        return findings
    from hw7.course.doctor.models_here import hub_finding, model_findings

    return [
        *findings, machine.device_finding(), machine.memory_finding(), machine.disk_finding(),
        *model_findings(), hub_finding(), machine.font_finding(), *machine.fault_findings(),
    ]  # fmt: skip
