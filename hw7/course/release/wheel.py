"""The students' wheel: code, bundled translator, questions, published scores, fonts."""

import importlib.util
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

from helpers.errors import HomeworkError
from hw7.course.release.contents import wheel_name
from hw7.fetch.pip_download import pip_command

PATTERN = "hw7_*.whl"
"""What the bootstrap cell looks for."""
_NOT_PACKED = ("pyproject.toml", "README.md", "LICENSE")  # they become the metadata


def build_wheel(checkout: Path, output: Path) -> Path:
    """Build the kit's wheel with pip and return its path.

    An installed hatchling is used as it is, so that no network is needed; otherwise pip fetches
    one for the build. The same checkout gives the same bytes: hatchling fixes all times.

    Raises:
        HomeworkError: The build failed.
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
    return wheels[0]


def ensure_complete(wheel: Path, files: Iterable[str]) -> None:
    """Check that a wheel carries exactly the files it was built from, and its own metadata.

    Raises:
        HomeworkError: Names what is missing, or what should not be there.
    """
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {wheel_name(name) for name in files} - set(_NOT_PACKED)
    for name in sorted(wanted - found):
        raise HomeworkError(f"{name} is missing in {wheel.name}; look at [tool.hatch.build].")
    for name in sorted(found - wanted):
        raise HomeworkError(f"{wheel.name} carries {name}, which only instructors may have.")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "pip gave no reason"
