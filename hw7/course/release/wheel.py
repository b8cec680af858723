"""The kit as one wheel: code, bundled translator, questions, published scores, fonts."""

import importlib.util
import subprocess
import zipfile
from pathlib import Path

from helpers.errors import HomeworkError
from hw7.fetch.pip_download import pip_command

PATTERN = "hw7_*.whl"
"""What the bootstrap cell looks for."""

_NEEDED = {
    "helpers/__init__.py": "the package itself",
    "hw7/views/heatmap.js": "the heatmap's script",
    "helpers/assets/hw7/questions.yaml": "the homework's questions",
    "helpers/assets/models/tiny-zh-en/config.json": "the bundled translator",
    "helpers/assets/models/tiny-zh-en/model.safetensors": "the bundled translator's weights",
    "helpers/assets/reference/opus-mt-zh-en.saliency.json": "the published scores",
    "helpers/assets/fonts/HW7Sans-Regular.otf": "the font of the pictures",
}


def build_wheel(checkout: Path, output: Path) -> Path:
    """Build the kit's wheel with pip and return its path.

    An installed hatchling is used as it is, so that no network is needed; otherwise pip fetches
    one for the build. The same checkout gives the same bytes: hatchling fixes all times.

    Raises:
        HomeworkError: The build failed, or something that students need is not in the wheel.
    """
    command = [*pip_command(), "wheel", "--no-deps", "--disable-pip-version-check", "--quiet"]
    if importlib.util.find_spec("hatchling") is not None:
        command.append("--no-build-isolation")
    command += ["--wheel-dir", str(output), str(checkout)]
    finished = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 (pip's own)
    wheels = list(output.glob(PATTERN))
    if finished.returncode != 0 or len(wheels) != 1:
        raise HomeworkError(
            f"The wheel could not be built ({_last_line(finished.stderr)}). Without a network "
            "the build needs hatchling; type: pip install hatchling"
        )
    _ensure_complete(wheels[0])
    return wheels[0]


def _ensure_complete(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for name, what in _NEEDED.items():
        if name not in names:
            missing = name.removeprefix("helpers/") if "/assets/" in name else name
            raise HomeworkError(
                f"{what[0].upper()}{what[1:]} is missing: {missing} is not in the checkout. "
                "Type: git status, and restore the file before releasing."
            )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "pip gave no reason"
