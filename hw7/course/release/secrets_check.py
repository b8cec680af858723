"""The last look before files leave: nothing is there that is not on the list."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

from helpers.errors import HomeworkError
from hw7.course.literals import last_assignments
from hw7.course.notebook_cells import INSTRUCTOR_ONLY
from hw7.course.release.badges import READMES, SCREENSHOTS
from hw7.course.release.bundles import MANIFEST, METADATA, ROOT, files_in
from hw7.course.release.contents import NOTEBOOKS
from hw7.course.sheet_checks import SELF_CHECK

_SHEET = "hw7_answers.ipynb"
_WHEEL = r"hw7_attribution_kit-[\w.]+-py3-none-any\.whl"
_PACKAGE = r"packages/[\w.+-]+\.whl"
_STUDENTS_OWN = [*map(re.escape, NOTEBOOKS), re.escape(SELF_CHECK)]
_RELEASED = re.compile(
    "|".join([
        _WHEEL, *(f"notebooks/{name}" for name in _STUDENTS_OWN), f"{ROOT}\\.zip", MANIFEST,
        *map(re.escape, READMES), rf"{SCREENSHOTS}/[a-z-]+\.png",
        f"kaggle/({_WHEEL}|{_PACKAGE}|{re.escape(METADATA)})",
    ])
)  # fmt: skip
_IN_THE_ZIP = re.compile(
    f"{ROOT}/({'|'.join([_WHEEL, _PACKAGE, *_STUDENTS_OWN, MANIFEST])}|START\\.txt)"
)


def ensure_no_instructor_files(folder: Path) -> None:
    """Refuse a release with a file that students are not to get, or a notebook with answers.

    Files are judged by a list of what is released, not of what is not: a key may have any name. The
    classroom zip is looked into; the wheel is compared with its own list when it is built.
    """
    for name, content in _released(folder):
        if not name.endswith(".ipynb"):
            continue
        notebook = nbformat.reads(content.decode("utf-8"), as_version=4)
        if any(INSTRUCTOR_ONLY.match(cell.source) for cell in notebook.cells):
            raise _refusal(name, "has cells")
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        answers, _ = last_assignments(code if name.endswith(_SHEET) else [])
        if not all(a.is_empty for name, a in answers.items() if name != "sentence"):
            raise _refusal(name, "holds answers")


def _released(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a release, those in the classroom zip too, after checking its name."""
    files = files_in(folder)
    _check_names(files, _RELEASED)
    for name, path in files.items():
        yield name, path.read_bytes()
        if name == f"{ROOT}.zip":
            with zipfile.ZipFile(path) as archive:
                _check_names(archive.namelist(), _IN_THE_ZIP)
                yield from ((member, archive.read(member)) for member in archive.namelist())


def _check_names(names: Iterable[str], allowed: re.Pattern[str]) -> None:
    for name in names:
        if not allowed.fullmatch(name):
            raise _refusal(name, "is on no list of what students get; it may hold what")


def _refusal(name: str, what: str) -> HomeworkError:
    return HomeworkError(
        f"{name} {what} that only instructors may have, so nothing was released. "
        "Move it out of notebooks/ and assets/, then release again."
    )
