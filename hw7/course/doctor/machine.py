"""Python and its packages, device, memory, disk, fonts, and faults of other projects."""

import shutil
import sys
import tempfile
from importlib import metadata

import psutil
from packaging.requirements import Requirement
from packaging.version import Version

from helpers.environment import assets_folder, host, installed_version, models_folder
from hw7.course.doctor import Finding, State

DISTRIBUTION = "hw7-attribution-kit"
OLDEST_PYTHON = (3, 10)
GIGABYTE = 2**30
_SHOWN = ("torch", "transformers", "inseq", "numpy", "ipython")
_LEAST_MEMORY = 1.5 * GIGABYTE  # SmolLM2 in float32 with the packages; see benchmarks
_LEAST_DISK = 1.0 * GIGABYTE  # SmolLM2's wheel and the converted model


def python_finding() -> Finding:
    """Look at Python and the host."""
    text = f"{sys.version.split()[0]} on {host()} ({sys.executable})"
    is_old = sys.version_info < OLDEST_PYTHON
    remedy = f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or newer"
    return Finding("Python", "fault" if is_old else "ok", text, remedy)


def package_finding() -> Finding:
    """Look at every package the kit needs."""
    needs = requirements()
    shown = ", ".join(f"{name} {installed_version(name) or 'missing'}" for name in _SHOWN)
    if not needs:
        text = f"{shown}; the kit is not installed, so its ranges are unknown"
        return Finding("packages", "note", text, "make install, or pip install the wheel")
    wrong = {}
    for need in needs:
        found = installed_version(need.name)
        # A pre-release or a local build (2.9.0+cu126) of a version in range is in range.
        if found is None or not need.specifier.contains(Version(found), prereleases=True):
            wrong[f"{need.name}{need.specifier}"] = f"here: {found}" if found else "missing"
    if not wrong:
        return Finding("packages", "ok", f"{shown}; all {len(needs)} in range")
    listed = ", ".join(f"{need} ({found})" for need, found in wrong.items())
    names = " ".join(f"'{need}'" for need in wrong)
    text = f"{shown}; out of range: {listed}"
    return Finding("packages", "fault", text, pip_line(f"install {names}"))


def pip_line(words: str) -> str:
    """Return what to type for pip here; environments that uv made have none of their own."""
    if installed_version("pip") is None:
        return f"uv pip {words} --python {sys.executable}"
    return f"{sys.executable} -m pip {words}"


def requirements() -> list[Requirement]:
    """Return what the kit needs on this machine by its own metadata; nothing if not installed."""
    try:
        words = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # the folder was copied
        return []
    needs = [Requirement(word) for word in words]
    return [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def device_finding() -> Finding:
    """Look for the device that ``load_model`` will pick, and its free memory."""
    import torch

    from hw7.engine.capacity import available_memory
    from hw7.engine.devices import best_device

    device, obstacle = best_device()
    free = available_memory(device)
    name = torch.cuda.get_device_name() if device == "cuda" else f"{psutil.cpu_count()} cores"
    text = f"{device} ({name}), {free / GIGABYTE:.1f} GB free on it"
    if not obstacle:
        return Finding("device", "ok", text)
    remedy = "choose another GPU (Kaggle: Settings, Accelerator, GPU T4), or go on without"
    return Finding("device", "note", f"{text}; {obstacle}", remedy)


def memory_finding() -> Finding:
    """Look at the machine's memory."""
    memory = psutil.virtual_memory()
    text = f"{memory.available / GIGABYTE:.1f} of {memory.total / GIGABYTE:.1f} GB free"
    needed = f"{_LEAST_MEMORY / GIGABYTE:.1f} GB are needed"
    remedy = f"close other programs or restart the runtime: {needed}"
    return Finding("memory", "ok" if memory.available >= _LEAST_MEMORY else "fault", text, remedy)


def disk_finding() -> Finding:
    """Look at the disk that downloaded models go to."""
    wanted = models_folder()
    folder = next(f for f in (wanted, *wanted.parents) if f.is_dir())
    free = shutil.disk_usage(folder).free
    state: State = "ok" if free >= _LEAST_DISK else "note"
    text = f"{free / GIGABYTE:.1f} GB free for models in {wanted}"
    try:  # what the permissions say is not the whole truth
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        state = "note"
        text = f"{wanted} cannot be written; models that are there already will do"
    return Finding("disk", state, text, "set HW7_MODELS_FOLDER to a folder with more room")


def font_finding() -> Finding:
    """Look for a font that has Chinese characters, for pictures."""
    if (assets_folder() / "fonts" / "HW7Sans-Regular.otf").is_file():
        return Finding("fonts", "ok", "the bundled Chinese font is here")
    text = "the bundled font is missing; pictures may lack Chinese characters"
    return Finding("fonts", "note", text, "install the kit anew")


def fault_findings() -> list[Finding]:
    """Return a line for each known fault that these versions have."""
    from hw7.engine import methods

    found = []
    # Inseq 0.7's ``show()`` imports a name that IPython 9 removed.
    if Version(installed_version("ipython") or "0") >= Version("9"):
        text = "Inseq's own show() fails on IPython 9; the kit repairs it"
        found.append(Finding("faults", "note", text, "start notebooks with prepare_notebook()"))
    extra = methods.EXTRA_PACKAGES.items()
    missing = [f"{method} ({p})" for method, p in extra if installed_version(p) is None]
    missing += [f"{method} (the internet)" for method in methods.NEEDS_THE_INTERNET]
    missing += [f"{method} (gives zeros in Inseq)" for method in methods.GIVES_ZEROS]
    if missing:
        found.append(Finding("methods", "note", f"these do not run here: {', '.join(missing)}"))
    return found or [Finding("faults", "ok", "none known with these versions")]
