"""Device, memory, disk and fonts."""

import shutil
from pathlib import Path

import psutil

from helpers.environment import assets_folder, models_folder
from hw7.course.doctor.finding import Finding

GIGABYTE = 2**30
_LEAST_MEMORY = 1.5 * GIGABYTE  # SmolLM2 in float32 with the packages; see benchmarks
_LEAST_DISK = 1.0 * GIGABYTE  # SmolLM2's wheel and the converted model


def device_finding() -> Finding:
    """Look for the device that ``load_model`` will pick, and its free memory."""
    try:
        import torch

        from helpers.models import choose_device
        from hw7.engine.capacity import available_memory

        device = choose_device()
        free = available_memory(device)
    except (ImportError, OSError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Finding("device", "fault", f"torch can't be loaded ({line})", "pip install torch")
    name = torch.cuda.get_device_name() if device == "cuda" else f"{psutil.cpu_count()} cores"
    return Finding("device", "ok", f"{device} ({name}), {free / GIGABYTE:.1f} GB free on it")


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
    folder = _first_that_exists(models_folder())
    free = shutil.disk_usage(folder).free
    text = f"{free / GIGABYTE:.1f} GB free for models in {models_folder()}"
    if free < _LEAST_DISK:
        return Finding("disk", "note", text, "set HW7_MODELS_FOLDER to a folder with more room")
    return Finding("disk", "ok", text)


def _first_that_exists(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def font_finding() -> Finding:
    """Look for a font that has Chinese characters, for pictures."""
    bundled = assets_folder() / "fonts" / "HW7Sans-Regular.otf"
    if bundled.is_file():
        return Finding("fonts", "ok", "the bundled Chinese font is here")
    return Finding(
        "fonts", "note", "the bundled font is missing; pictures may lack Chinese characters",
        "install the kit anew (heatmaps in the notebook use the browser's fonts)",
    )  # fmt: skip
