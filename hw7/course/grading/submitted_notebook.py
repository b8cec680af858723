"""Read a stranger's notebook: the code of its cells and the record of its last cell, as text."""

import json
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

from hw7.course.grading.submissions import MAX_NOTEBOOK_BYTES, SubmissionError, size_problem
from hw7.course.literals import Assignment, last_assignments, printable
from hw7.course.record import parse_record

MAX_JSON_DEPTH = 100
MAX_CELLS = 2_000

_JSON_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True)
class SubmittedNotebook:
    """What is read from one submission.

    Attributes:
        assignments: The last assignment to each answer, by name.
        overwritten: Names that were assigned more than once with different values.
        record: Model, versions and digest as the sheet's last cell printed them.
        notes: What was unusual about the file.
    """

    assignments: dict[str, Assignment]
    overwritten: list[str] = field(default_factory=list)
    record: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def student_id(self) -> str:
        """The id written in the sheet; "" when there is none."""
        claimed = self.assignments.get("student_id")
        return claimed.value.strip() if claimed and isinstance(claimed.value, str) else ""


def read_notebook(content: bytes) -> SubmittedNotebook:
    """Read the answers out of a notebook file without executing anything.

    Raises:
        SubmissionError: It is no notebook; the message says why in one line.
    """
    notebook, version = parse_notebook(content)
    sources = list(code_sources(notebook))
    notes = (f"旧版笔记本 v{version}，已升级 (upgraded from v{version})",) if version < 4 else ()
    assignments, overwritten = last_assignments(sources)
    return SubmittedNotebook(assignments, overwritten, read_record(notebook), notes)


def parse_notebook(content: bytes) -> tuple[Any, int]:
    """Parse a notebook of any version into version 4; return it and the version it had.

    Raises:
        SubmissionError: Too large, not UTF-8, not JSON, nested too deep, or not a notebook.
    """
    if len(content) > MAX_NOTEBOOK_BYTES:
        raise SubmissionError(size_problem(len(content)))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SubmissionError("不是 UTF-8 编码的笔记本 (not UTF-8)") from error
    if is_nested_deeper(text, MAX_JSON_DEPTH):
        raise SubmissionError(f"JSON 嵌套超过 {MAX_JSON_DEPTH} 层 (JSON nested too deep)")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = (
            f" at {error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        )
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
        reason = printable(" ".join(str(error).split()))[:120]
        raise SubmissionError(f"旧版笔记本无法升级 (can't be upgraded: {reason})") from error


def is_nested_deeper(text: str, limit: int) -> bool:
    """Tell whether JSON text nests deeper than a limit, by a linear scan that never recurses."""
    depth = 0
    for match in _JSON_TOKEN.finditer(text):
        token = match.group()
        if token in {"[", "{"}:
            depth += 1
            if depth > limit:
                return True
        elif token in {"]", "}"}:
            depth -= 1
    return False


def code_sources(notebook: Any) -> list[str]:
    """Return the source of every code cell in order.

    Raises:
        SubmissionError: The notebook has no cells, too many, or cells that are not cells.
    """
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise SubmissionError("cells 不是列表 (cells are not a list)")
    if not cells:
        raise SubmissionError("笔记本里没有单元格 (no cells)")
    if len(cells) > MAX_CELLS:
        raise SubmissionError(f"单元格太多 ({len(cells):,} cells; at most {MAX_CELLS:,} are read)")
    if not all(isinstance(cell, dict) for cell in cells):
        raise SubmissionError("单元格的格式不对 (a cell is not an object)")
    return [_joined(cell.get("source")) for cell in cells if cell.get("cell_type") == "code"]


def read_record(notebook: Any) -> dict[str, str]:
    """Return the last record that a cell printed; it is a claim, not a proof."""
    record: dict[str, str] = {}
    for cell in notebook["cells"]:
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else []:
            text = _joined(output.get("text")) if isinstance(output, dict) else ""
            record = parse_record(text) or record
    return record


def _joined(source: Any) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return ""
