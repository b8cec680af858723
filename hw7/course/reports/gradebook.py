"""The gradebook: one row per student, and whatever a human entered in it kept."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from helpers.errors import HomeworkError
from hw7.course.grading.class_run import MISSING, Result
from hw7.course.grading.tables import Ids, Row, comparable, read_table
from hw7.course.marking import Mark
from hw7.course.questions import Question, QuestionSet

_FRONT = ["student_id", "name", "status", "score", "maximum", "pending", "late"]
_BACK = ["flags", "notes", "problem", "file"]
# What Excel, LibreOffice or Google Sheets may take for a formula, full-width signs included.
_FORMULA = re.compile(r"^[\s']*[=+\-@＝＋－＠|%]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
DOUBT = "?"  # after points whose text has changed since; a human removes it, or the points


def columns_of(questions: QuestionSet) -> list[str]:
    """Return the gradebook's columns in order."""
    asked = [
        f"{question.id}_{name}"
        for question in questions.questions
        for name in ("answer", "result", _points_column(question), "override")
    ]
    return _FRONT + asked + _BACK


def _points_column(question: Question) -> str:
    return "rubric_points" if question.type == "text" else "points"


def row_of(result: Result, questions: QuestionSet, earlier: Mapping[str, str]) -> Row:
    """Return a student's row, with what a human entered in the earlier one."""
    row = dict.fromkeys(columns_of(questions), "") | {
        "student_id": result.student.id,
        "name": result.student.name,
        "file": result.path,
        "late": {True: "late", False: "on time", None: ""}[result.is_late],
        "problem": result.problem,
        "flags": "; ".join(result.flags),
        "maximum": f"{sum(question.points for question in questions.questions):g}",
    }
    notes = [*result.notes, *result.remarks]
    for mark in result.marks:
        row |= _machine_cells(mark)
        notes += [f"{mark.question.id}: {note}" for note in mark.answer.notes]
    for question in questions.questions:
        notes += _keep_entered(row, question, earlier)
    row["notes"] = "; ".join(notes)
    points = [points_of(row, question) for question in questions.questions]
    pending = sum(q.points for q, p in zip(questions.questions, points, strict=True) if p is None)
    if result.marks or any(points):
        row["score"] = f"{sum(known or 0 for known in points):g}"
        row["pending"] = f"{pending:g}"
        row["status"] = "rubric" if pending else "graded"
    else:
        row["status"] = "missing" if result.problem == MISSING else "unreadable"
    return {column: safe_cell(text) for column, text in row.items()}


def _machine_cells(mark: Mark) -> Row:
    shown = "" if mark.answer.value is None else shown_value(mark.answer.value)
    if mark.answer.problem:
        shown = f"{mark.answer.typed} ← {mark.answer.problem}"
    cells = {f"{mark.question.id}_answer": shown, f"{mark.question.id}_result": mark.verdict}
    if mark.question.type != "text" or mark.verdict == "void":
        cells[f"{mark.question.id}_{_points_column(mark.question)}"] = f"{mark.points or 0:g}"
    return cells


def _keep_entered(row: Row, question: Question, earlier: Mapping[str, str]) -> list[str]:
    """Copy what a human entered for a question into the new row; return notes about it."""
    name, notes = question.id, []
    for column in (f"{name}_override", f"{name}_rubric_points"):
        entered = earlier.get(column, "").strip().removeprefix("'")
        was_void = earlier.get(f"{name}_result") == "void" and column.endswith("_points")
        if column not in row or not entered or was_void or row[column]:
            continue
        answers = (earlier.get(f"{name}_answer", ""), row[f"{name}_answer"])
        # Whatever a spreadsheet did to the blanks.
        plain = ["".join(text.removeprefix("'").split())[:30_000] for text in answers]
        if column.endswith("_points") and plain[0] != plain[1] and not entered.endswith(DOUBT):
            entered += DOUBT
        row[column] = entered
        if entered.endswith(DOUBT):
            notes.append(
                f"{name} 的答案变了：确认评分 {entered} 后请去掉问号 (the answer changed since "
                "these points were entered: delete the ? to confirm them)"
            )
        elif number_in(entered, question.points) is None:
            legal = f"0 到 {question.points:g} 之间 (not legal points)"
            notes.append(f"{name} 的评分 {entered} 不在 {legal}")
    return notes


def points_of(row: Mapping[str, str], question: Question) -> float | None:
    """Return what a question earned by a row of the gradebook; None while a human has to say."""
    name, column = question.id, f"{question.id}_{_points_column(question)}"
    override, entered = (row.get(c, "").removeprefix("'") for c in (f"{name}_override", column))
    found = number_in(override, question.points)
    found = number_in(entered, question.points) if found is None else found
    waits = row.get(f"{name}_result") == "rubric" or bool(entered)
    return found if found is not None or waits else 0.0


def number_in(entered: str, maximum: float) -> float | None:
    """Return entered points, None where there are none or they are not in [0, maximum]."""
    if not _NUMBER.fullmatch(entered.strip()):
        return None
    number = float(entered.strip().replace(",", "."))
    return number if 0 <= number <= maximum else None


def shown_value(value: str | float) -> str:
    """Return an answer as the gradebook shows it."""
    return value if isinstance(value, str) else f"{value:.10g}"


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; plain numbers stay as they are."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def load_gradebook(path: Path, questions: QuestionSet) -> list[Row]:
    """Read the rows of an earlier gradebook; an absent file gives none.

    Raises:
        HomeworkError: The file is there but is no gradebook of this homework.
    """
    if not path.exists():
        return []
    columns, rows = read_table(path, "earlier gradebook")
    for name in columns_of(questions):
        if name not in columns and not name.endswith("_override"):
            raise HomeworkError(
                f"{path} exists but has no column {name!r}, so it is no gradebook of this "
                "homework and is not overwritten. Give another -o."
            )
    return rows


def by_student(rows: Iterable[Row], known: Mapping[str, str], path: Path) -> dict[str, Row]:
    """Return the rows of an earlier gradebook by student, though a spreadsheet mangled the ids.

    ``known`` has the names of the students of this run by id.

    Raises:
        HomeworkError: A row may be one of several students'.
    """
    ids, found = Ids(known), {}
    for row in rows:
        names = ids.all_of(row["student_id"])
        if len(names) > 1:
            names = [n for n in names if comparable(known[n]) == comparable(row["name"]) != ""]
        student_id = names[0] if len(names) == 1 else row["student_id"]
        if student_id in found or (len(names) != 1 and ids.all_of(student_id)):
            raise HomeworkError(
                f"{path} has a row for {row['student_id']!r}, which may be one of several students."
                " Nothing was written: correct the ids, format that column as text, and run again."
            )
        found[student_id] = row
    return found


def changes_between(before: Mapping[str, Row], after: Iterable[Row]) -> list[Row]:
    """Return a row for each student whose score or status differs, and in which questions."""
    changes = []
    for row in (row for row in after if row["student_id"] in before):
        earlier = before[row["student_id"]]
        changed = {
            column.partition("_")[0]: None
            for column in row
            if column.endswith(("_result", "_points", "_override"))
            and row[column].strip(DOUBT) != earlier.get(column, "").strip(DOUBT)
        }
        if changed or any(row[column] != earlier[column] for column in ("score", "status")):
            was, now = (r["score"] or r["status"] for r in (earlier, row))
            found = {"student_id": row["student_id"], "before": was, "after": now}
            changes.append(found | {"questions": " ".join(changed)})
    return changes
