"""Mark one student's answers against a key."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hw7.course.answers import Answer, interpret
from hw7.course.keys import Key, KeyAnswer
from hw7.course.literals import Assignment
from hw7.course.questions import Question, QuestionSet, Wording

if TYPE_CHECKING:
    from hw7.course.grading.submitted_notebook import SubmittedNotebook

Verdict = Literal["right", "wrong", "unanswered", "malformed", "rubric"]

WRONG_TOKEN = Wording(
    zh="请在热图里找到题目问的生成词元那一列，比较这一列中每个源词元的分数。",
    en="Find the column of the generated token and compare the scores of its source tokens.",
)
WRONG_NUMBER = Wording(
    zh="请检查方法、行（源词元）和列（生成词元）是否都与题目一致。",
    en="Check that the method, the row (source) and the column (generated) are the ones asked for.",
)


@dataclass(frozen=True)
class Mark:
    """One student's answer to one question and what it earned.

    Attributes:
        points: None until a human has read a free text.
        feedback: What the student is told.
    """

    question: Question
    answer: Answer
    verdict: Verdict
    points: float | None
    feedback: Wording | None = None
    notes: tuple[str, ...] = ()


def mark_answer(question: Question, assignment: Assignment | None, key: KeyAnswer | None) -> Mark:
    """Mark one answer; a free text with something in it waits for a human."""
    if assignment is not None and assignment.problem:
        answer = Answer("malformed", problem=assignment.problem)
    else:
        answer = interpret(question, assignment.value if assignment else None)
    notes = (*((assignment.note,) if assignment and assignment.note else ()), *answer.notes)
    if answer.status != "accepted":
        return Mark(question, answer, answer.status, 0.0, notes=notes)
    if question.type == "text" or key is None:
        return Mark(question, answer, "rubric", None, notes=notes)
    if is_right(answer, key):
        return Mark(question, answer, "right", question.points, notes=notes)
    generic = WRONG_NUMBER if question.type == "number" else WRONG_TOKEN
    feedback = key.feedback.get(str(answer.value)) or (generic if question.query else None)
    return Mark(question, answer, "wrong", 0.0, feedback, notes)


def is_right(answer: Answer, key: KeyAnswer) -> bool:
    """Tell whether an accepted answer is the key's, within its tolerance."""
    if key.value is None:
        return answer.value == key.correct
    # The last digits of decimal input are not exact in binary: 0.04 - 0.03 > 0.01.
    allowed = (key.tolerance or 0.0) + 1e-9
    return isinstance(answer.value, float | int) and abs(answer.value - key.value) <= allowed


def mark_notebook(
    questions: QuestionSet, notebook: "SubmittedNotebook", key: Key, student_id: str
) -> tuple[Mark, ...]:
    """Mark all answers of one student."""
    asked = key.personalised(questions, student_id)
    return tuple(
        mark_answer(
            question,
            notebook.assignments.get(question.id),
            key.answer(question.id, student_id),
        )
        for question in asked.questions
    )
