"""Results of an earlier run, read back from its gradebook for who is not in this run."""

from collections.abc import Mapping, Sequence

from hw7.course.grading.class_run import Grader, Result
from hw7.course.grading.roster import Student
from hw7.course.grading.tables import Row
from hw7.course.literals import Assignment

_KEPT = "沿用上次的成绩册 (kept from the earlier gradebook)"
_LATE = {"late": True, "on time": False}


def with_carried(
    results: Sequence[Result], earlier: Mapping[str, Row], grader: Grader
) -> list[Result]:
    """Return the results, where those without an answer give way to an earlier one with answers.

    A download of the late ones only leaves the others as they were; a corrected key counts anew.
    """
    found = {result.student.id: result for result in results}
    for student_id, row in earlier.items():
        now = found.get(student_id)
        had_answers = any(
            text not in {"", "unanswered"} for c, text in row.items() if c.endswith("_result")
        )
        has_answers = now and any(mark.answer.status != "unanswered" for mark in now.marks)
        if now is None or (had_answers and not has_answers):
            student = now.student if now else Student(student_id, row.get("name", ""))
            found[student_id] = _carried(student, row, grader, now)
    return [result for _, result in sorted(found.items())]


def _carried(student: Student, row: Row, grader: Grader, now: Result | None) -> Result:
    assignments = {}
    for name in (question.id for question in grader.questions.questions):
        shown = row.get(f"{name}_answer", "").removeprefix("'")
        typed, arrow, problem = shown.rpartition(" ← ")
        assignments[name] = Assignment(name, shown)
        if row.get(f"{name}_result") == "malformed" and arrow:
            assignments[name] = Assignment(name, problem=problem, typed=typed)
    marks = tuple(grader.marks(student.id, assignments)) if row.get("file") else ()
    flags = [flag for flag in row.get("flags", "").removeprefix("'").split("; ") if flag]
    if now is not None and now.path:
        flags.append(f"这次交的没有答案 (this time without answers: {now.path})")
    problem = (now.problem if now else "") or row.get("problem", "").removeprefix("'")
    return Result(
        student,
        row.get("file", "").removeprefix("'"),
        marks,
        problem=problem,
        is_late=_LATE.get(row.get("late", "")),
        flags=tuple(dict.fromkeys([*flags, *(now.flags if now else ())])),
        remarks=(_KEPT,),
    )
