"""Python and its packages, device, memory, disk, fonts, and faults of other projects."""

import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import psutil
from packaging.requirements import Requirement
from packaging.version import Version

from helpers.environment import assets_folder, host, installed_version, models_folder
from hw7.course.doctor import Finding

DISTRIBUTION = "hw7-attribution-kit"
OLDEST_PYTHON = (3, 10)
GIGABYTE = 2**30
_SHOWN = ("torch", "transformers", "inseq", "numpy", "ipython")
_LEAST_MEMORY = 1.5 * GIGABYTE  # SmolLM2 in float32 with the packages; see benchmarks
_LEAST_DISK = 1.0 * GIGABYTE  # SmolLM2's wheel and the converted model


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
    text = f"{shown}; out of range: {', '.join(wrong)}"
    return [Finding("packages", "fault", text, pip_line(f"install {names}"))]


def pip_line(words: str) -> str:
    """Return what to type for pip here; environments that uv made have none of their own."""
    if installed_version("pip") is None:
        return f"uv pip {words} --python {sys.executable}"
    return f"{sys.executable} -m pip {words}"


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


def device_finding() -> Finding:
    """Look for the device that ``load_model`` will pick, and its free memory."""
    import torch

    from hw7.engine.capacity import available_memory
    from hw7.engine.devices import best_device

    device, obstacle = best_device()
    free = available_memory(device)
    name = torch.cuda.get_device_name() if device == "cuda" else f"{psutil.cpu_count()} cores"
    text = f"{device} ({name}), {free / GIGABYTE:.1f} GB free on it"
    if obstacle:
        remedy = "choose another GPU (Kaggle: Settings, Accelerator, GPU T4), or go on without"
        return Finding("device", "note", f"{text}; {obstacle}", remedy)
    return Finding("device", "ok", text)


def memory_finding() -> Finding:
    """Look at the machine's memory."""
    memory = psutil.virtual_memory()
    text = f"{memory.available / GIGABYTE:.1f} of {memory.total / GIGABYTE:.1f} GB free"
    if memory.available < _LEAST_MEMORY:
        needed = f"{_LEAST_MEMORY / GIGABYTE:.1f}"
        remedy = f"close other programs or restart the runtime: {needed} GB are needed"
        return Finding("memory", "fault", text, remedy)
    return Finding("memory", "ok", text)


def disk_finding() -> Finding:
    """Look at the disk that downloaded models go to."""
    folder = next(f for f in (models_folder(), *models_folder().parents) if f.is_dir())
    free = shutil.disk_usage(folder).free
    text = f"{free / GIGABYTE:.1f} GB free for models in {models_folder()}"
    if not _is_writable(folder):
        text = f"{models_folder()} cannot be written; models that are there already will do"
    elif free >= _LEAST_DISK:
        return Finding("disk", "ok", text)
    return Finding("disk", "note", text, "set HW7_MODELS_FOLDER to a folder with more room")


def _is_writable(folder: Path) -> bool:
    """Tell whether files can be made there; what the permissions say is not the whole truth."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def font_finding() -> Finding:
    """Look for a font that has Chinese characters, for pictures."""
    bundled = assets_folder() / "fonts" / "HW7Sans-Regular.otf"
    if bundled.is_file():
        return Finding("fonts", "ok", "the bundled Chinese font is here")
    return Finding(
        "fonts", "note", "the bundled font is missing; pictures may lack Chinese characters",
        "install the kit anew (heatmaps in the notebook use the browser's fonts)",
    )  # fmt: skip


def fault_findings() -> list[Finding]:
    """Return a line for each known fault that these versions have."""
    checks: tuple[Callable[[], Finding | None], ...] = (_display_finding, _method_finding)
    found = [finding for check in checks if (finding := check()) is not None]
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
    from hw7.engine.methods import EXTRA_PACKAGES, GIVES_ZEROS, NEEDS_THE_INTERNET

    missing = [f"{m} ({p})" for m, p in EXTRA_PACKAGES.items() if installed_version(p) is None]
    missing += [f"{method} (the internet)" for method in NEEDS_THE_INTERNET]
    missing += [f"{method} (gives zeros in Inseq)" for method in GIVES_ZEROS]
    if not missing:
        return None
    return Finding("methods", "note", f"these do not run here: {', '.join(missing)}")
