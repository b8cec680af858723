"""Python and packages: what is here, and whether it is in the ranges the kit supports."""

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.version import Version

from helpers.environment import host, installed_version
from hw7.course.doctor.finding import Finding

DISTRIBUTION = "hw7-attribution-kit"
OLDEST_PYTHON = (3, 10)
_SHOWN = ("torch", "transformers", "inseq", "numpy", "ipython")


def python_finding() -> Finding:
    """Look at Python and the host."""
    version = sys.version.split()[0]
    text = f"{version} on {host()} ({sys.executable})"
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return Finding("Python", "fault", text, f"install Python {wanted} or newer")
    return Finding("Python", "ok", text)


def package_findings() -> list[Finding]:
    """Look at every package the kit needs; one line for all that are right."""
    needs = requirements()
    wrong = [problem for need in needs if (problem := _problem(need))]
    shown = ", ".join(f"{name} {installed_version(name) or 'missing'}" for name in _SHOWN)
    if not needs:
        text = f"{shown}; the kit is not installed, so its ranges are unknown"
        return [Finding("packages", "note", text, "make install, or pip install the wheel")]
    if not wrong:
        return [Finding("packages", "ok", f"{shown}; all {len(needs)} in range")]
    names = " ".join(f"'{need.split(' (')[0]}'" for need in wrong)
    remedy = f"{sys.executable} -m pip install {names}"
    return [Finding("packages", "fault", f"{shown}; out of range: {', '.join(wrong)}", remedy)]


def requirements() -> list[Requirement]:
    """Return what the kit needs on this machine, from its own metadata.

    Without metadata (the folder was copied, nothing installed) the list is empty.
    """
    try:
        words = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    needs = [Requirement(word) for word in words]
    return [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def _problem(need: Requirement) -> str | None:
    """Return ``'name>=1 (here: …)'`` where a requirement is not met."""
    found = installed_version(need.name)
    if found is None:
        return f"{need.name}{need.specifier} (missing)"
    # A pre-release or a local build (2.9.0+cu126) of a version in range is in range.
    if need.specifier.contains(Version(found), prereleases=True):
        return None
    return f"{need.name}{need.specifier} (here: {found})"
