"""Read a stranger's notebook as text: its answers, its prose, and the record of its last cell."""

import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hw7.course.grading.identities import Identity
from hw7.course.grading.submissions import SubmissionError, SubmittedFile
from hw7.course.literals import Assignment, last_of, printable, read_assignments
from hw7.course.record import parse_record
from hw7.course.untrusted_code import parsed, without_magic

MAX_CELLS = 2_000
MAX_PROSE_CHARACTERS = 30_000
GUARDED_FROM = 2_000_000  # bytes; a larger file is read in a process with limits of its own
CHILD_SECONDS = 60
CHILD_BYTES = 1_000_000_000

_ASKED = re.compile(r"[#\s>*_]*(?:第\s*(\d{1,2})\s*[题題]|(?:question|q)\s*(\d{1,2})\b)", re.I)


@dataclass(frozen=True)
class SubmittedNotebook:
    """What is read from one submission."""

    assignments: dict[str, Assignment]  # the last to each name
    overwritten: list[str]  # names that were assigned different values
    prose: dict[str, str]  # what stands about each question in cells that are no code
    record: dict[str, str]  # model, versions and digest as the sheet's last cell printed them
    notes: list[str]  # what was unusual about the file

    def text_of(self, name: str) -> str:
        """Return a text that the sheet assigns, such as its ``student_id``; "" for none."""
        found = self.assignments.get(name)
        return found.value.strip() if found and isinstance(found.value, str) else ""

    @property
    def claimed_ids(self) -> list[str]:
        """The students' ids in the sheet and in the record it printed."""
        ids = [self.text_of("student_id"), self.record.get("student_id", "").strip()]
        return list(dict.fromkeys(claimed[:80] for claimed in ids if claimed))


@dataclass(frozen=True)
class ReadFile:
    """One file after reading: either a notebook or a problem."""

    file: SubmittedFile
    identity: Identity
    content_digest: str = ""
    notebook: SubmittedNotebook | None = None
    problem: str = ""

    @property
    def answers(self) -> dict[str, Assignment]:
        """The questions with an answer; in an untouched sheet there are none."""
        found = self.notebook.assignments if self.notebook else {}
        return {n: a for n, a in found.items() if n.startswith("q") and not a.is_empty}

    @property
    def rank(self) -> int:
        """How much it is worth: 2 with answers, 1 where it can be read, else 0."""
        return (self.notebook is not None) + bool(self.answers)


def read_file(file: SubmittedFile, identity: Identity) -> ReadFile:
    """Read one file; whatever is wrong with it becomes its problem line."""
    try:
        content = file.read()
        digest = hashlib.sha256(content).hexdigest()
        is_large = len(content) > GUARDED_FROM
        notebook = _read_in_child(content) if is_large else read_notebook(content)
    except SubmissionError as error:
        return ReadFile(file, identity, problem=str(error))
    except Exception as error:  # one student's file never ends the run, whatever is wrong with it
        problem = f"读取时出错，请报告 (please report this error: {type(error).__name__})"
        return ReadFile(file, identity, problem=problem)
    return ReadFile(file, identity, digest, notebook)


def _read_in_child(content: bytes) -> SubmittedNotebook:
    """Read a large file in a process that may run out of memory or time without ending the run."""
    folder = Path(__file__).resolve().parents[3]
    try:
        run = subprocess.run(
            [sys.executable, "-m", "hw7.course.grading.submitted_notebook"],
            input=content,
            capture_output=True,
            timeout=2 * CHILD_SECONDS,
            env=os.environ | {"PYTHONPATH": str(folder)},
            check=False,
        )
        found = json.loads(run.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SubmissionError("读它需要太多内存或时间 (took too much memory or time)") from error
    if "problem" in found:
        raise SubmissionError(found["problem"])
    assignments = {name: Assignment(**facts) for name, facts in found["assignments"].items()}
    return SubmittedNotebook(**found | {"assignments": assignments})


def _answer_parent() -> None:
    """Read a notebook from standard input under limits, and write what it holds as JSON."""
    with suppress(ImportError):  # Windows has no such limits; the parent still waits no longer
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS))
    try:
        answer = asdict(read_notebook(sys.stdin.buffer.read()))
    except SubmissionError as error:
        answer = {"problem": str(error)}
    sys.stdout.write(json.dumps(answer))


def read_notebook(content: bytes) -> SubmittedNotebook:
    """Read the answers out of a notebook file without executing anything.

    Raises:
        SubmissionError: It is no notebook; the message says why in one line.
    """
    notebook, version = _parsed_notebook(content)
    cells = _cells(notebook)
    found = [read_assignments(source) if kind == "code" else [] for kind, source in cells]
    notes = [f"旧版笔记本 v{version}，已升级 (upgraded from v{version})"] if version < 4 else []
    assignments, overwritten = last_of(one for in_cell in found for one in in_cell)
    names = [[one.name for one in in_cell if one.name.startswith("q")] for in_cell in found]
    prose, record = _prose(cells, names), _record(notebook["cells"])
    return SubmittedNotebook(assignments, overwritten, prose, record, notes)


def _parsed_notebook(content: bytes) -> tuple[Any, int]:
    """Parse a notebook of any version into version 4; return it and the version it had."""
    try:
        text = content.decode("utf-8-sig")
        notebook = json.loads(text)
    except UnicodeDecodeError as error:
        raise SubmissionError("不是 UTF-8 编码的笔记本 (not UTF-8)") from error
    except RecursionError as error:
        raise SubmissionError("JSON 嵌套太深 (JSON nested too deep)") from error
    except ValueError as error:  # or an integer beyond Python's limit, which has no place
        is_syntax = isinstance(error, json.JSONDecodeError)
        where = f" at {error.lineno}:{error.colno}" if is_syntax else ""  # type: ignore[attr-defined]
        raise SubmissionError(f"不是 JSON，文件可能不完整 (not JSON{where})") from error
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if type(version) is not int or not 1 <= version <= 4:
        raise SubmissionError("不是笔记本 (not a notebook of version 1 to 4)")
    # Version 4 is read as it is: nbformat refuses a whole notebook for one odd cell.
    return (notebook if version == 4 else _upgraded(text)), version


def _upgraded(text: str) -> Any:
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return nbformat.convert(nbformat.reader.reads(text), 4)
    except Exception as error:  # nbformat meets strangers' data with every kind of exception
        reason = printable(" ".join(str(error)[:500].split()))[:120]
        raise SubmissionError(f"旧版笔记本无法升级 (can't be upgraded: {reason})") from error


def _cells(notebook: Any) -> list[tuple[str, str]]:
    """Return type and source of every cell in order."""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise SubmissionError("cells 不是列表 (cells are not a list)")
    if not cells:
        raise SubmissionError("笔记本里没有单元格 (no cells)")
    if len(cells) > MAX_CELLS:
        raise SubmissionError(f"单元格太多 ({len(cells):,} cells; at most {MAX_CELLS:,} are read)")
    if not all(isinstance(cell, dict) for cell in cells):
        raise SubmissionError("单元格的格式不对 (a cell is not an object)")
    return [(str(cell.get("cell_type"))[:20], _joined(cell.get("source"))) for cell in cells]


def _prose(cells: list[tuple[str, str]], names_in: list[list[str]]) -> dict[str, str]:
    """Return what is written about each question outside of code, the question's text included.

    It lies between the question's heading, or its answer's cell, and the next one's. The text above
    ``show_answers()`` is the sheet's own.
    """
    found: dict[str, list[str]] = {}
    current, last = "", ""
    for (kind, source), names in zip(cells, names_in, strict=True):
        if kind == "code":
            current = names[-1] if names else current
            if "show_answers(" in source[:200]:
                if current and last == "text":
                    found[current].pop()
                current = ""
            elif current and not names and parsed(without_magic(source[:2000])) is None:
                found.setdefault(current, []).append(source)
            last = "code"
        else:
            if asked := _ASKED.match(source[:200]):
                current = f"q{int(asked[1] or asked[2])}"
            if current and source.strip():
                found.setdefault(current, []).append(source)
                last = "text"
    joined = {name: "\n\n".join(texts)[:MAX_PROSE_CHARACTERS] for name, texts in found.items()}
    return {name: printable(text) for name, text in joined.items()}


def _record(cells: list[dict[str, Any]]) -> dict[str, str]:
    """Return the last record that a cell printed; it is a claim, not a proof."""
    record: dict[str, str] = {}
    for cell in cells:
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else []:
            text = _joined(output.get("text")) if isinstance(output, dict) else ""
            record = parse_record(text) or record
    return record


def _joined(source: Any) -> str:
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


if __name__ == "__main__":
    _answer_parent()
