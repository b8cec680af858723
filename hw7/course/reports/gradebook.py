"""The gradebook: one row per student, the human's rubric points kept, and who changed since."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import HomeworkError
from hw7.course.grading.class_run import Result
from hw7.course.marking import Mark
from hw7.course.questions import QuestionSet

Row = dict[str, str]

_FRONT = ["student_id", "name", "status", "score", "maximum", "pending", "late"]
_BACK = ["flags", "notes", "problem", "file"]
# What Excel, LibreOffice or Google Sheets may take for a formula, full-width signs included.
_FORMULA = re.compile(r"^[\s']*[=+\-@＝＋－＠|%]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True)
class Change:
    """One student whose score differs from the earlier gradebook."""

    student_id: str
    before: str
    after: str
    questions: tuple[str, ...]


def columns_of(questions: QuestionSet) -> list[str]:
    """Return the gradebook's columns in order."""
    columns = list(_FRONT)
    for question in questions.questions:
        human = "rubric_points" if question.type == "text" else "points"
        columns += [f"{question.id}_answer", f"{question.id}_result", f"{question.id}_{human}"]
    return columns + _BACK


def row_of(result: Result, questions: QuestionSet, earlier: Mapping[str, str]) -> Row:
    """Return a student's row; rubric points a human entered earlier stay while the answer does."""
    row = dict.fromkeys(columns_of(questions), "")
    row |= {"student_id": result.student.id, "name": result.student.name, "file": result.path}
    row |= {"late": {True: "late", False: "on time", None: ""}[result.is_late]}
    row["problem"] = result.problem
    score, pending, notes = 0.0, 0.0, list(result.notes)
    for mark in result.marks:
        cells, points, note = _cells_of(mark, earlier)
        row |= cells
        notes += [note] if note else []
        notes += [f"{mark.question.id}: {text}" for text in mark.answer.notes]
        score += points or 0.0
        pending += mark.question.points if points is None else 0.0
    if result.marks:
        row["score"], row["pending"] = f"{score:g}", f"{pending:g}"
    row["maximum"] = f"{sum(question.points for question in questions.questions):g}"
    row["status"] = _status(result, pending)
    row["flags"], row["notes"] = "; ".join(result.flags), "; ".join(notes)
    return {column: safe_cell(text) for column, text in row.items()}


def _status(result: Result, pending: float) -> str:
    if not result.marks:
        return (
            "unreadable"
            if result.problem and "nothing submitted" not in result.problem
            else "missing"
        )
    return "rubric" if pending else "graded"


def _cells_of(mark: Mark, earlier: Mapping[str, str]) -> tuple[Row, float | None, str]:
    """Return a question's cells, its points (None while pending), and a note ("" for none)."""
    name = mark.question.id
    shown = "" if mark.answer.value is None else _shown(mark.answer.value)
    if mark.answer.problem:
        shown = f"{mark.answer.typed} ← {mark.answer.problem}"
    cells = {f"{name}_answer": shown, f"{name}_result": mark.verdict}
    if mark.question.type != "text":
        cells[f"{name}_points"] = f"{mark.points or 0:g}"
        return cells, mark.points, ""
    entered = earlier.get(f"{name}_rubric_points", "").strip()
    if mark.verdict != "rubric":
        return cells | {f"{name}_rubric_points": "0"}, 0.0, ""
    if not entered:
        return cells, None, ""
    if earlier.get(f"{name}_answer", "") != safe_cell(shown):
        return (
            cells,
            None,
            f"{name} 的答案变了，原评分 {entered} 已作废 (answer changed, points dropped)",
        )
    if not _NUMBER.fullmatch(entered) or not 0 <= float(entered) <= mark.question.points:
        note = f"{name} 的评分 {entered} 不在 0 到 {mark.question.points:g} 之间 (not legal points)"
        return cells | {f"{name}_rubric_points": entered}, None, note
    return cells | {f"{name}_rubric_points": entered}, float(entered), ""


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; plain numbers stay as they are."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def load_gradebook(path: Path, questions: QuestionSet) -> dict[str, Row]:
    """Read an earlier gradebook by student id; an absent file gives none.

    Raises:
        HomeworkError: The file is there but is no gradebook of this homework.
    """
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HomeworkError(f"{path} can't be read as an earlier gradebook: {error}.") from error
    if missing := [name for name in columns_of(questions) if name not in columns]:
        raise HomeworkError(
            f"{path} exists but has no column {missing[0]!r}, so it is no gradebook of this "
            "homework and is not overwritten. Give another -o."
        )
    return {row["student_id"]: {k: v or "" for k, v in row.items() if k} for row in rows}


def changes_between(before: Mapping[str, Row], after: Sequence[Row]) -> list[Change]:
    """Return the students whose score or status differs, and in which questions."""
    changes = []
    for row in after:
        earlier = before.get(row["student_id"])
        if earlier is None:
            continue
        changed = [
            name.removesuffix("_result")
            for name in row
            if name.endswith("_result") and _outcome(row, name) != _outcome(earlier, name)
        ]
        if row["pending"] != earlier["pending"]:
            changed.append("rubric")
        if changed or row["score"] != earlier["score"] or row["status"] != earlier["status"]:
            outcome = [f"{r['score'] or r['status']}" for r in (earlier, row)]
            changes.append(Change(row["student_id"], outcome[0], outcome[1], tuple(changed)))
    return changes


def _outcome(row: Mapping[str, str], column: str) -> tuple[str, str]:
    name = column.removesuffix("_result")
    points = row.get(f"{name}_points") or row.get(f"{name}_rubric_points") or ""
    return row.get(column, ""), points


def write_csv(
    path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]], *, has_mark: bool = True
) -> None:
    """Write a CSV in one step, so that a stopped run never leaves half a gradebook.

    Args:
        path: The file.
        columns: The columns in order.
        rows: The cells by column.
        has_mark: Start with a byte order mark, without which Excel garbles Chinese.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, ("\ufeff" if has_mark else "") + text.getvalue())


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, replacing an earlier one.

    Raises:
        HomeworkError: The folder can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        temporary.write_text(text, "utf-8", newline="")
        temporary.replace(path)
    except OSError as error:
        raise HomeworkError(f"{path} can't be written: {error.strerror}.") from error
