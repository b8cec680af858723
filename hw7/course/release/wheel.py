"""The students' wheel: code, bundled translator, questions, published scores, fonts."""

import importlib.util
import zipfile
from collections.abc import Iterable
from pathlib import Path

from helpers.errors import HomeworkError
from hw7.course.release.contents import wheel_name
from hw7.course.release.packages import run_pip

PATTERN = "hw7_*.whl"
"""What the bootstrap cell looks for."""
_NOT_PACKED = ("pyproject.toml", "README.md", "LICENSE")  # they become the metadata


def build_wheel(checkout: Path, output: Path) -> Path:
    """Build the kit's wheel into an empty folder and return its path.

    An installed hatchling is used as it is, so that no network is needed; otherwise pip fetches
    one for the build. The same checkout gives the same bytes: hatchling fixes all times.
    """
    words = ["wheel", "--no-deps", "--wheel-dir", str(output), str(checkout)]
    if importlib.util.find_spec("hatchling") is not None:
        words.append("--no-build-isolation")
    advice = "Without a network the build needs hatchling; type: pip install hatchling"
    run_pip(words, "The wheel could not be built", advice)
    return next(output.glob(PATTERN))


def ensure_complete(wheel: Path, files: Iterable[str]) -> None:
    """Refuse a wheel that does not carry exactly the files it was built from, and metadata."""
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {wheel_name(name) for name in files} - set(_NOT_PACKED)
    for name in sorted(wanted - found):
        raise HomeworkError(f"{name} is missing in {wheel.name}; look at [tool.hatch.build].")
    for name in sorted(found - wanted):
        raise HomeworkError(f"{wheel.name} carries {name}, which only instructors may have.")
