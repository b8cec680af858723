"""The last look before files leave: nothing that only instructors may have."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from helpers.errors import HomeworkError
from hw7.course.answer_sheet import INSTRUCTOR_ONLY
from hw7.course.sheet_checks import SELF_CHECK

_KEY_FIELDS = {"answers", "students", "salt"}


def ensure_no_instructor_files(folder: Path) -> None:
    """Refuse a folder for students that holds an answer key or a cell for instructors.

    Archives are looked into. Files are judged by content, since a key may have any name; only
    the file that opens answers for self-checking is meant to be there.

    Raises:
        HomeworkError: Names the file.
    """
    for name, content in _texts(folder):
        if _is_key(name, content) or _is_master(name, content):
            raise HomeworkError(
                f"{name} holds answers that only instructors may have. "
                "Move it out of assets/ and notebooks/, then release again."
            )


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".zip", ".whl"):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if _is_text(name):
                        yield name, archive.read(name).decode("utf-8", errors="replace")
        elif path.is_file() and _is_text(path.name):
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


def _is_text(name: str) -> bool:
    return name.endswith((".yaml", ".yml", ".json", ".ipynb"))


def _is_key(name: str, content: str) -> bool:
    if name.endswith(".ipynb") or name.split("/")[-1] == SELF_CHECK:
        return False
    if not any(f"{field}" in content for field in _KEY_FIELDS):
        return False
    try:
        found = yaml.safe_load(content)
    except yaml.YAMLError:
        return False
    return isinstance(found, dict) and bool(_KEY_FIELDS & set(map(str, found)))


def _is_master(name: str, content: str) -> bool:
    if not name.endswith(".ipynb"):
        return False
    import nbformat

    cells = nbformat.reads(content, as_version=4).cells
    return any(INSTRUCTOR_ONLY.match(cell.source) for cell in cells)
