"""Marks as students and platforms get them: pages, Canvas (NTU COOL), Gradescope, otter-grader."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pprint import pformat
from typing import Any

import jinja2

from helpers.environment import assets_folder
from hw7.course.grading.class_run import Result
from hw7.course.grading.roster import Student
from hw7.course.grading.tables import Row
from hw7.course.keys import Key, KeyAnswer
from hw7.course.questions import Question, QuestionSet
from hw7.course.reports.gradebook import points_of, safe_cell, shown_value

_CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(assets_folder() / "hw7")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("feedback.html.j2")


def feedback_page(result: Result, row: Row, questions: QuestionSet) -> str:
    """Return a student's page as self-contained HTML without scripts or outside addresses.

    Points come from the gradebook row, so that those a human entered are on the page; the
    instructor's flags and remarks are not.
    """
    facts = {"student": result.student, "marks": result.marks, "notes": result.notes}
    facts |= {"problem": result.problem, "row": row, "title": questions.title}
    return _template().render(facts, points_of=points_of, shown_value=shown_value)


def canvas_rows(students: Iterable[Student], rows: Mapping[str, Row], column: str) -> list[Row]:
    """Return the rows of a CSV for Canvas's gradebook import.

    Canvas finds a student by ``ID`` or ``SIS User ID``, which its own export as the roster has.
    Whoever waits for rubric points, or handed nothing in, gets an empty cell, which Canvas leaves
    alone. ``column`` is the assignment as Canvas names it.
    """
    maximum = next((row["maximum"] for row in rows.values()), "")
    empty = dict.fromkeys(_CANVAS_COLUMNS, "")
    table: list[Row] = [empty | {"Student": "Points Possible", column: maximum}]
    for student in students:
        row = rows.get(student.id, {})
        cells = {name: student.row.get(name, "") for name in _CANVAS_COLUMNS}
        if not student.numbers["Canvas"]:
            cells |= {"Student": student.name, "ID": "", "SIS User ID": student.id}
        score = row["score"] if row.get("status") == "graded" else ""
        table.append({name: safe_cell(text) for name, text in cells.items()} | {column: score})
    return table


def gradescope_results(result: Result, row: Row) -> dict[str, Any]:
    """Return one student's ``results.json`` as Gradescope's autograder specification has it."""
    tests = []
    for mark in result.marks:
        points, told = points_of(row, mark.question), mark.feedback
        lines = [mark.verdict, mark.answer.problem, f"{told.zh}\n{told.en}" if told else ""]
        test: dict[str, Any] = {
            "number": mark.question.id.removeprefix("q"),
            "name": mark.question.wording.en,
            "max_score": mark.question.points,
            "output": "\n".join(filter(None, lines)),
            "output_format": "text",
            "visibility": "after_published",
        }
        # Without a score Gradescope shows no points: those of a free text are the human's.
        tests.append(test if points is None else test | {"score": points})
    # Flags and remarks are for the instructor only.
    output = "\n".join(result.notes) if result.marks else result.problem
    score = float(row["score"] or 0)
    return {"score": score, "output": output, "output_format": "text", "tests": tests}


def otter_tests(questions: QuestionSet, key: Key) -> dict[str, str]:
    """Return otter's test files by name, such as ``q1.py``.

    Hidden tests for correctness carry all points, visible ones tell the format. Free texts and
    personal sentences have no otter test.
    """
    return {
        f"{question.id}.py": _test_file(question, key.answers[question.id])
        for question in questions.questions
        if question.type != "text"
    }


def _test_file(question: Question, answer: KeyAnswer) -> str:
    name, right = question.id, f"correct={answer.correct!r}"
    if answer.value is not None:
        right = f"value_is={answer.value!r}, tolerance={answer.tolerance!r}"
    cases = [
        _case("is_legal", f'"{name}", {name}', is_hidden=False, points=0.0),
        _case("is_correct", f'"{name}", {name}, {right}', is_hidden=True, points=question.points),
    ]
    suite = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    test = {"name": name, "points": None, "suites": [suite]}
    return f"OK_FORMAT = True\n\ntest = {pformat(test, width=100, sort_dicts=False)}\n"


def _case(function: str, arguments: str, *, is_hidden: bool, points: float) -> dict[str, object]:
    lines = [
        f">>> from hw7.course.sheet_checks import {function}",
        f">>> {function}({arguments})",
        "True",
    ]
    return {"code": "\n".join(lines), "hidden": is_hidden, "locked": False, "points": points}
