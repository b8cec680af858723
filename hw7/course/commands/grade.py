"""Grade a folder or zip of submitted notebooks; nothing submitted is ever executed."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from helpers.errors import HomeworkError
from hw7.course.grading.class_run import OTHER_DIGEST, STRANGER, Grader, Result
from hw7.course.grading.roster import ClassList, Student, file_stem, load_roster, parse_time
from hw7.course.grading.submissions import find_submissions
from hw7.course.grading.tables import Row, as_csv, write_text
from hw7.course.handing_out import hand_back
from hw7.course.keys import load_key
from hw7.course.questions import QuestionSet, load_questions
from hw7.course.reports import exports, gradebook, item_analysis
from hw7.course.reports.carried import with_carried

PROGRESS_FROM = 20
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
    source, output = arguments.submissions.resolve(), arguments.output.resolve()
    if source in output.parents:
        raise HomeworkError(
            f"{arguments.output} lies among the submissions, where a student may have put a "
            f"gradebook. Give another place: -o {source.parent / output.name}"
        )
    before = gradebook.load_gradebook(arguments.output, questions)
    listed = [Student(name) for name in key.students]
    class_list = ClassList(load_roster(arguments.roster) if arguments.roster else listed)
    owner = arguments.student
    owner = owner and (class_list.student(owner) or Student(owner))
    deadline = parse_time(arguments.deadline) if arguments.deadline else None
    if deadline and not deadline.tzinfo:
        deadline = deadline.astimezone()
    grader = Grader(questions, key, class_list, deadline, owner)
    files = find_submissions(arguments.submissions)
    results = grader.grade(files, is_archive=arguments.submissions.is_file(), progress=with_bar)
    names = {result.student.id: result.student.name for result in results}
    earlier = gradebook.by_student(before, names, arguments.output)
    results = with_carried(results, earlier, grader)
    rows = {
        result.student.id: gradebook.row_of(result, questions, earlier.get(result.student.id, {}))
        for result in results
    }
    of_this_run = [result for result in results if result.student.id in names]
    gradescope = _gradescope_paths(arguments.gradescope, of_this_run)
    _write_gradebook(arguments.output, questions, rows)
    _write_reports(arguments, questions, results, rows, class_list)
    for path, result in zip(gradescope, of_this_run, strict=False):
        content = exports.gradescope_results(result, rows[result.student.id])
        write_text(path, json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    _report(results, rows)
    _report_answers(results)
    pages = report_path(arguments.output, "feedback")
    handed_in = [(r.path, pages / f"{file_stem(r.student.id)}.html") for r in results if r.path]
    for line in hand_back(handed_in, pages):
        print(line)
    _report_changes(arguments.output, earlier, rows)
    return 0


def _gradescope_paths(target: Path | None, results: Sequence[Result]) -> list[Path]:
    """Return where each student's results go; nowhere without a target."""
    if target is None:
        return []
    if target.suffix != ".json":
        return [target / f"{file_stem(result.student.id)}.json" for result in results]
    if len(results) != 1:
        raise HomeworkError(
            f"{target} takes one student, but {len(results)} were graded. Give a folder instead."
        )
    return [target]


def with_bar(items: Sequence[T]) -> Iterable[T]:
    """Return the items below a progress bar where they are many; ``TQDM_DISABLE`` silences it."""
    return tqdm(items) if len(items) >= PROGRESS_FROM else items


def report_path(output: Path, part: str) -> Path:
    """Return where a report beside the gradebook goes: ``grades.csv`` → ``grades.items.png``."""
    return output.with_name(f"{output.stem}.{part}")


def _write_gradebook(output: Path, questions: QuestionSet, rows: dict[str, Row]) -> None:
    """Write the gradebook; one that it differs from stays beside it."""
    text = as_csv(gradebook.columns_of(questions), rows.values())
    if output.exists() and (earlier := output.read_bytes()) != text.encode():
        write_text(report_path(output, "earlier.csv"), earlier)
    write_text(output, text)


def _write_reports(
    arguments: argparse.Namespace,
    questions: QuestionSet,
    results: Sequence[Result],
    rows: dict[str, Row],
    class_list: ClassList,
) -> None:
    output: Path = arguments.output
    students = {student.id: student for student in class_list.students}
    students |= {r.student.id: students.get(r.student.id, r.student) for r in results}
    table = exports.canvas_rows(students.values(), rows, arguments.canvas_column)
    # Canvas's import wants its first column named exactly, so no byte order mark here.
    text = as_csv(list(table[0]), table, has_mark=False)
    write_text(report_path(output, "canvas.csv"), text)
    for result in results:
        page = exports.feedback_page(result, rows[result.student.id], questions)
        folder = report_path(output, "feedback")
        write_text(folder / f"{file_stem(result.student.id)}.html", page)
    items = item_analysis.analyse(rows.values(), questions)
    write_text(report_path(output, "items.csv"), item_analysis.table_of(items))
    item_analysis.draw(items, report_path(output, "items.png"))


def _report(results: Sequence[Result], rows: dict[str, Row]) -> None:
    counts = Counter(row["status"] for row in rows.values())
    print(
        f"{len(results)} students: {counts['graded']} graded, {counts['rubric']} wait for rubric "
        f"points, {counts['unreadable']} unreadable, {counts['missing']} without a submission."
    )
    unreadable = [r for r in results if rows[r.student.id]["status"] == "unreadable"]
    _list("unreadable", [f"{r.student.id}: {r.problem}" for r in unreadable])
    _list("look at", [f"{r.student.id}: {flag}" for r in results for flag in r.flags])
    if others := sum(OTHER_DIGEST in result.remarks for result in results):
        print(
            f"  {others} students explained with other weights or versions than the key's. "
            "If there are many, make the key again with what they used."
        )
    strangers = sum(STRANGER in result.flags for result in results)
    if strangers > len(results) / 2:
        print(
            f"  {strangers} of {len(results)} are not in the class list. "
            "Give one that knows the platform's names or numbers: --roster gradebook_export.csv"
        )
    _list("late", [result.student.id for result in results if result.is_late])


def _report_answers(results: Sequence[Result]) -> None:
    """Print how many answers of each question could not be read, or were read as something else."""
    kinds: dict[tuple[str, str], Counter[str]] = {}
    for mark in (mark for result in results for mark in result.marks):
        answer = mark.answer
        if answer.status == "malformed":
            counts = kinds.setdefault((mark.question.id, "could not be read"), Counter())
            counts[" ".join(answer.typed.split())[:40]] += 1
        elif answer.notes and mark.question.type != "text":
            counts = kinds.setdefault((mark.question.id, "were read as a person would"), Counter())
            counts[" ".join(answer.notes[0].split())[:60]] += 1
    lines = [
        f"{name}: {counts.total()} {kind}: "
        + "; ".join(f"{n}× {t}" for t, n in counts.most_common(3))
        for (name, kind), counts in sorted(kinds.items())
    ]
    _list("answers", lines)


def _report_changes(output: Path, earlier: dict[str, Row], rows: dict[str, Row]) -> None:
    """Print and keep who changed since the earlier gradebook; without changes keep nothing."""
    changes = gradebook.changes_between(earlier, rows.values())
    if earlier and not changes:
        print("No grade changed since the earlier gradebook.")
    if not changes:
        return
    lines = [
        f"{c['student_id']}: {c['before']} → {c['after']} ({c['questions'].replace(' ', ', ')})"
        for c in changes
    ]
    _list(f"{len(changes)} changed", lines)
    table = as_csv(list(changes[0]), changes)
    write_text(report_path(output, "changes.csv"), table)


def _list(title: str, lines: Sequence[str]) -> None:
    for line in lines[:LISTED]:
        print(f"  {title}: {' '.join(line.split())}")
    if len(lines) > LISTED:
        print(f"  {title}: … and {len(lines) - LISTED} more, all in the gradebook")
