"""The list of what students get, and the last look before files leave: nothing else is there."""

import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

from helpers.errors import HomeworkError
from hw7.course.answer_sheet import INSTRUCTOR_ONLY
from hw7.course.literals import last_assignments
from hw7.course.sheet_checks import SELF_CHECK

ROOT = "hw7-classroom"
MANIFEST = "SHA256SUMS"
METADATA = "dataset-metadata.json"
READMES = ("README.md", "README.zh-CN.md")
SCREENSHOTS = "assets/screenshots"

NOTEBOOKS = tuple(
    f"{edition}{name}.ipynb"
    for edition in ("", "en/")
    for name in (
        "01_setup", "02_translation", "03_generation", "04_llm_explanation", "05_which_method",
        "hw7_answers",
    )
)  # fmt: skip

_PACKAGES = (
    "helpers", "hw7/engine", "hw7/views", "hw7/fetch", "hw7/text", "hw7/lessons",
    "hw7/course/doctor",
)  # fmt: skip
# Of the course's part students need what the answer sheet and their commands import.
_COURSE = (
    "__init__", "answers", "literals", "marking", "questions", "record", "sheet_checks",
    "untrusted_code", "written_cells",
    *(f"commands/{name}" for name in ("__init__", "doctor", "download", "explain", "run")),
)  # fmt: skip
_PROJECT = (
    "pyproject.toml", "README.md", "LICENSE", "hw7_setup.py", "hw7/__init__.py", "hw7/cli.py",
    "hw7/views/heatmap.js", "hw7/views/heads.js", "hw7/views/heatmap.css",
    "hw7/lessons/explorer/texts.json",
)  # fmt: skip
_ASSETS = (
    "fonts/HW7Sans-Regular.otf", "fonts/OFL.txt", "gold/conventions.md", "gold/zh-en.jsonl",
    "hw7/questions.yaml", "models/tiny-zh-en/README.md", "models/tiny-zh-en/config.json",
    "models/tiny-zh-en/evaluation.json", "models/tiny-zh-en/generation_config.json",
    "models/tiny-zh-en/heldout.jsonl", "models/tiny-zh-en/model.safetensors",
    "models/tiny-zh-en/source.spm", "models/tiny-zh-en/target.spm",
    "models/tiny-zh-en/tokenizer_config.json", "models/tiny-zh-en/vocab.json",
    "models/tiny-zh-en/words.txt", "reference/README.md",
    "reference/opus-mt-zh-en.attention.json", "reference/opus-mt-zh-en.saliency.json",
    "reference/qwen3-0.6b.attention.json", "reference/qwen3-0.6b.saliency.json",
)  # fmt: skip
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


def students_files(checkout: Path) -> list[str]:
    """Return the files of a checkout that the students' wheel is built from, by their paths."""
    modules = (path for package in _PACKAGES for path in (checkout / package).rglob("*.py"))
    names = {path.relative_to(checkout).as_posix() for path in modules}
    course = (f"hw7/course/{name}.py" for name in _COURSE)
    return sorted({*names, *course, *_PROJECT, *(f"assets/{name}" for name in _ASSETS)})


def stage_students_project(checkout: Path, target: Path) -> list[str]:
    """Copy what students get into an empty folder to build a wheel from; return the paths.

    Raises:
        HomeworkError: A file is missing.
    """
    files = students_files(checkout)
    for name in files:
        if not (checkout / name).is_file():
            raise HomeworkError(
                f"Students need {name}, but it is not in the checkout. "
                "Type: git status, and restore the file before releasing."
            )
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout / name, target / name)
    return files


def ensure_no_instructor_files(folder: Path) -> None:
    """Refuse a release with a file that students are not to get, or a notebook with answers.

    Files are judged by a list of what is released: a key may have any name. The classroom zip is
    looked into; the wheel is compared with its own list when it is built.
    """
    for name, content in _released(folder):
        if not name.endswith(".ipynb"):
            continue
        notebook = nbformat.reads(content.decode("utf-8"), as_version=4)
        if any(INSTRUCTOR_ONLY.match(cell.source) for cell in notebook.cells):
            raise _refusal(name, "has cells")
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        answers = last_assignments(code if name.endswith(_SHEET) else [])
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


def files_in(folder: Path) -> dict[str, Path]:
    """Return all files below a folder by their paths in it."""
    return {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
