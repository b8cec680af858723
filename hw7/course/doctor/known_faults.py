"""Faults of other projects that readers meet with these versions, and what the kit does."""

from packaging.version import Version

from helpers.environment import installed_version
from hw7.course.doctor.finding import Finding


def fault_findings() -> list[Finding]:
    """Return a line for each known fault that these versions have."""
    checks = (_display_finding(), _method_finding())
    found = [finding for finding in checks if finding is not None]
    return found or [Finding("faults", "ok", "none known with these versions")]


def _display_finding() -> Finding | None:
    """Inseq 0.7's ``show()`` imports a name that IPython 9 removed."""
    if Version(installed_version("ipython") or "0") < Version("9"):
        return None
    return Finding(
        "faults", "note", "Inseq's own show() fails on IPython 9; the kit repairs it",
        "start notebooks with prepare_notebook()",
    )  # fmt: skip


def _method_finding() -> Finding | None:
    """Say which of Inseq's methods need a package, another version or a network."""
    from helpers.methods import (
        EXTRA_PACKAGES,
        NEEDS_THE_INTERNET,
        TRANSFORMERS_WITHOUT_VALUE_ZEROING,
    )

    missing = [f"{m} ({p})" for m, p in EXTRA_PACKAGES.items() if installed_version(p) is None]
    missing += [f"{method} (the internet)" for method in NEEDS_THE_INTERNET]
    version = Version(installed_version("transformers") or "0")
    if version >= Version(TRANSFORMERS_WITHOUT_VALUE_ZEROING):
        missing.append(f"value_zeroing (not Transformers {version.major})")
    if not missing:
        return None
    return Finding("methods", "note", f"these need something else: {', '.join(missing)}")
