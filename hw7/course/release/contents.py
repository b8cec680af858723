"""The list of what students get. What is not on it stays with the instructor."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

from helpers.errors import HomeworkError

NOTEBOOKS = tuple(
    f"{edition}{name}.ipynb"
    for edition in ("", "en/")
    for name in (
        "01_setup", "02_translation", "03_generation", "04_llm_explanation", "05_which_method",
        "hw7_answers",
    )
)  # fmt: skip

_PACKAGES = ("helpers", "hw7/engine", "hw7/views", "hw7/fetch", "hw7/text", "hw7/lessons")
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
# Of the course's part students need what the answer sheet and their commands import.
_SHEET = "hw7/course/sheet_checks.py"
_COMMANDS = "hw7/course/commands"
_INSTRUCTORS_COMMANDS = ("__init__", "grade", "key", "release")
_NEVER = (
    "hw7/course/grading/", "hw7/course/reports/", "hw7/course/release/", "hw7/course/keys.py",
    "hw7/course/key_queries.py", "hw7/course/personal_questions.py", "hw7/course/answer_sheet.py",
    *(f"{_COMMANDS}/{name}.py" for name in _INSTRUCTORS_COMMANDS[1:]),
)  # fmt: skip


def students_files(checkout: Path) -> list[str]:
    """Return the files of a checkout that the students' wheel is built from, by their paths.

    Raises:
        HomeworkError: One is missing, or students would get an instructor's module.
    """
    names = {*_PROJECT, *_course_modules(checkout), *(f"assets/{name}" for name in _ASSETS)}
    modules = (path for package in _PACKAGES for path in (checkout / package).rglob("*.py"))
    names |= {path.relative_to(checkout).as_posix() for path in modules}
    for name in sorted(names):
        if not (checkout / name).is_file():
            raise HomeworkError(
                f"Students need {name}, but it is not in the checkout. "
                "Type: git status, and restore the file before releasing."
            )
        if name.startswith(_NEVER):
            raise HomeworkError(
                f"Something that students get imports {name}, which only instructors may have. "
                "Move what both need into a module of its own."
            )
    return sorted(names)


def stage_students_project(checkout: Path, target: Path) -> list[str]:
    """Copy what students get into an empty folder to build a wheel from; return the paths."""
    files = students_files(checkout)
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout / name, target / name)
    return files


def wheel_name(name: str) -> str:
    """Return where a file of the checkout lies in the wheel."""
    return f"hw7_{name}" if name.startswith("assets/") else name


def _course_modules(checkout: Path) -> set[str]:
    """Return what of ``hw7/course`` is imported, directly or not, from the students' entries."""
    commands = (checkout / _COMMANDS).glob("*.py")
    reached = {f"{_COMMANDS}/{p.name}" for p in commands if p.stem not in _INSTRUCTORS_COMMANDS}
    reached.add(_SHEET)
    waiting = sorted(reached)
    while waiting:
        file = checkout / waiting.pop()
        tree = ast.parse(file.read_text("utf-8") if file.is_file() else "")
        named = {f"{path}.py" for path in imports_of(tree) if path.startswith("hw7/course/")}
        new = {name for name in named - reached if (checkout / name).is_file()}
        reached |= new
        waiting += new
    return reached | {f"{name.rpartition('/')[0]}/__init__.py" for name in reached}


def imports_of(node: ast.AST) -> Iterator[str]:
    """Yield what code imports as paths without suffix, leaving out what is for type checkers."""
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name.replace(".", "/") for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        module = node.module.replace(".", "/")
        yield from (module, *(f"{module}/{alias.name}" for alias in node.names))
    for child in ast.iter_child_nodes(node):
        yield from imports_of(child)
