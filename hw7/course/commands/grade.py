"""Grade a folder or zip of submitted notebooks; nothing submitted is ever executed."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from helpers.errors import HomeworkError
from hw7.course.grading.class_run import OTHER_DIGEST, Grader, Result
from hw7.course.grading.roster import ClassList, Student, load_roster, parse_time
from hw7.course.grading.submissions import SubmittedFile, find_submissions
from hw7.course.keys import Key, load_key
from hw7.course.questions import QuestionSet, load_questions
from hw7.course.reports import exports, gradebook, item_analysis
from hw7.course.reports.feedback import FeedbackPages, file_stem
from hw7.course.reports.gradebook import Row

HELP = "grade a folder or zip of submitted notebooks without executing them"
PROGRESS_FROM = 50
T = TypeVar("T")
LISTED = 20  # lines of one kind on screen; the gradebook has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("submissions", type=Path, help="folder or zip from Moodle, NTU COOL/Canvas, or your own")
    add("--key", type=Path, required=True, help="key file written by `hw7 key`")
    add("-o", "--output", type=Path, default=Path("grades.csv"), help="gradebook to write")
    add("--roster", type=Path, help="class list in CSV, such as Canvas's gradebook export")
    add("--deadline", help="mark later files as late: 2026-05-01T23:59+08:00 (no zone: this one)")
    add("--student", metavar="ID", help="all files are this student's (a platform's autograder)")
    add("--canvas-column", default="HW7", help="the assignment's column in Canvas: 'HW7 (12345)'")
    add("--gradescope", type=Path, help="also write Gradescope's results.json here (a .json file"
        " for a single student, otherwise a folder)")  # fmt: skip
    add("--questions", type=Path, help="other questions than the kit's")


def run(arguments: argparse.Namespace) -> int:
    """Grade, write all reports, and say on screen what a person must look at."""
    questions = load_questions(arguments.questions)
    key = load_key(arguments.key, questions)
    earlier = gradebook.load_gradebook(arguments.output, questions)
    class_list = ClassList(_students(arguments.roster, key))
    grader = Grader(
        questions, key, class_list, _deadline(arguments.deadline), _owner(arguments, class_list)
    )
    results = grader.grade(_with_progress(arguments))
    rows = {
        result.student.id: gradebook.row_of(result, questions, earlier.get(result.student.id, {}))
        for result in results
    }
    gradebook.write_csv(arguments.output, gradebook.columns_of(questions), list(rows.values()))
    _write_reports(arguments, questions, results, rows, class_list)
    _report(results, rows)
    _report_changes(arguments.output, earlier, rows)
    return 0


def _students(roster: Path | None, key: Key) -> list[Student]:
    if roster is not None:
        return load_roster(roster)
    return [Student(student_id) for student_id in key.students]


def _deadline(text: str | None) -> datetime | None:
    if text is None:
        return None
    deadline = parse_time(text)
    return deadline if deadline.tzinfo else deadline.astimezone()


def _owner(arguments: argparse.Namespace, class_list: ClassList) -> Student | None:
    if arguments.student is None:
        return None
    return class_list.student(arguments.student) or Student(arguments.student)


def _with_progress(arguments: argparse.Namespace) -> Iterator[SubmittedFile]:
    """Yield the files below a progress bar where they are many; never our own earlier reports."""
    output, source = arguments.output.resolve(), arguments.submissions.resolve()
    own = f"{output.stem}." if output.parent == source else None
    files = [
        file
        for file in find_submissions(arguments.submissions)
        if own is None or not file.parts[0].startswith(own)
    ]
    yield from with_bar(files, "file", is_long=len(files) > PROGRESS_FROM)


def with_bar(items: Sequence[T], unit: str, *, is_long: bool) -> Iterable[T]:
    """Return the items below a progress bar where they take long; ``TQDM_DISABLE`` silences it."""
    return tqdm(items, unit=unit) if is_long else items


def report_path(output: Path, part: str) -> Path:
    """Return where a report beside the gradebook goes: ``grades.csv`` → ``grades.items.png``."""
    return output.with_name(f"{output.stem}.{part}")


def _write_reports(
    arguments: argparse.Namespace,
    questions: QuestionSet,
    results: Sequence[Result],
    rows: dict[str, Row],
    class_list: ClassList,
) -> None:
    output: Path = arguments.output
    students = class_list.students or [result.student for result in results]
    columns, table = exports.canvas_rows(students, rows, arguments.canvas_column)
    # Canvas's import wants its first column named exactly, so no byte order mark here.
    gradebook.write_csv(report_path(output, "canvas.csv"), columns, table, has_mark=False)
    pages = FeedbackPages(questions)
    for result in results:
        page = pages.page(result, rows[result.student.id])
        folder = report_path(output, "feedback")
        gradebook.write_text(folder / f"{file_stem(result.student.id)}.html", page)
    items = item_analysis.analyse(results, rows, questions)
    table = [item.row for item in items]
    gradebook.write_csv(report_path(output, "items.csv"), item_analysis.COLUMNS, table)
    item_analysis.draw(items, report_path(output, "items.png"))
    if arguments.gradescope is not None:
        _write_gradescope(arguments.gradescope, results, rows)


def _write_gradescope(target: Path, results: Sequence[Result], rows: dict[str, Row]) -> None:
    is_single = target.suffix == ".json"
    if is_single and len(results) != 1:
        raise HomeworkError(
            f"{target} takes one student, but {len(results)} were graded. Give a folder instead."
        )
    for result in results:
        path = target if is_single else target / f"{file_stem(result.student.id)}.json"
        content = exports.gradescope_results(result, rows[result.student.id])
        gradebook.write_text(path, exports.as_json(content))


def _report(results: Sequence[Result], rows: dict[str, Row]) -> None:
    counts = {"graded": 0, "rubric": 0, "unreadable": 0, "missing": 0}
    for row in rows.values():
        counts[row["status"]] += 1
    print(
        f"{len(results)} students: {counts['graded']} graded, {counts['rubric']} wait for rubric "
        f"points, {counts['unreadable']} unreadable, {counts['missing']} without a submission."
    )
    problems = [f"{r.student.id}: {r.problem}" for r in results if r.problem]
    unreadable = [line for line in problems if "nothing submitted" not in line]
    _list("unreadable", unreadable)
    _list("look at", [f"{r.student.id}: {flag}" for r in results for flag in r.flags])
    others = sum(OTHER_DIGEST in result.notes for result in results)
    if others:
        print(
            f"  {others} students explained with other weights or versions than the key's. "
            "If there are many, make the key again with what they used."
        )
    _list("late", [result.student.id for result in results if result.is_late])


def _report_changes(output: Path, earlier: dict[str, Row], rows: dict[str, Row]) -> None:
    """Print and keep who changed since the earlier gradebook; without changes keep nothing."""
    if not earlier:
        return
    changes = gradebook.changes_between(earlier, list(rows.values()))
    if not changes:
        print("No grade changed since the earlier gradebook.")
        return
    lines = [f"{c.student_id}: {c.before} → {c.after} ({', '.join(c.questions)})" for c in changes]
    _list(f"{len(changes)} changed", lines)
    table = [
        {"student_id": c.student_id, "before": c.before, "after": c.after,
         "questions": " ".join(c.questions)}
        for c in changes
    ]  # fmt: skip
    gradebook.write_csv(report_path(output, "changes.csv"), list(table[0]), table)


def _list(title: str, lines: Sequence[str]) -> None:
    for line in lines[:LISTED]:
        print(f"  {title}: {' '.join(line.split())}")
    if len(lines) > LISTED:
        print(f"  {title}: … and {len(lines) - LISTED} more, all in the gradebook")
