"""Right answers, and marking by them: the same in the sheet, its self-check and the grader."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from hw7.course.answers import Answer, interpret, simplified
from hw7.course.literals import Assignment
from hw7.course.questions import Question, QuestionId, Record, Wording

Verdict = Literal["right", "wrong", "unanswered", "malformed", "rubric", "void"]

_WRONG_TOKEN = Wording(
    zh="请在热图里找到题目问的生成词元那一列，比较这一列中每个源词元的分数。",
    en="Find the column of the generated token and compare the scores of its source tokens.",
)
_WRONG_NUMBER = Wording(
    zh="请检查方法、行（源词元）和列（生成词元）是否都与题目一致。",
    en="Check that the method, the row (source) and the column (generated) are the ones asked for.",
)


class KeyAnswer(Record):
    """The right answer to one question."""

    correct: str | None = None  # the right letter or token of a choice
    value: float | None = None
    tolerance: float | None = Field(default=None, ge=0)  # by how much a right number may differ
    margin: float | None = None  # by how much the strongest token leads the second
    accepted: list[str | float] = Field(default_factory=list)  # right too
    void: bool = False  # whether everybody gets the points, whatever was answered
    feedback: dict[str, Wording] = Field(default_factory=dict)  # to a wrong choice

    @model_validator(mode="after")
    def _has_one_answer(self) -> "KeyAnswer":
        if (self.correct is None) == (self.value is None) and not self.void:
            raise ValueError("an answer needs either `correct` or `value`")
        if (self.value is None) != (self.tolerance is None):
            raise ValueError("a `value` needs a `tolerance`")
        return self


class Conceptual(Record):
    """Answers that depend on no student: the instructor's file, and what is opened for all."""

    answers: dict[QuestionId, KeyAnswer]


@dataclass(frozen=True)
class Mark:
    """One student's answer to one question and what it earned."""

    question: Question
    answer: Answer
    verdict: Verdict
    points: float | None  # None until a human has read a free text
    feedback: Wording | None = None  # what the student is told


def mark_answer(question: Question, given: Assignment | None, key: KeyAnswer | None) -> Mark:
    """Mark an answer to a question as this student was asked it.

    A free text with something in it waits for a human, as does what no key answers.
    """
    answer = interpret(question, given)
    if key is not None and key.void:
        return Mark(question, answer, "void", question.points)
    if answer.status != "accepted":
        return Mark(question, answer, answer.status, 0.0)
    if question.type == "text" or key is None:
        return Mark(question, answer, "rubric", None)
    if is_right(question, answer, key):
        return Mark(question, answer, "right", question.points)
    generic = _WRONG_NUMBER if question.type == "number" else _WRONG_TOKEN
    feedback = key.feedback.get(str(answer.value)) or (generic if question.query else None)
    return Mark(question, answer, "wrong", 0.0, feedback)


def is_right(question: Question, answer: Answer, key: KeyAnswer) -> bool:
    """Tell whether an accepted answer is one of the key's, within its tolerance."""
    rights = [right for right in (key.correct, key.value, *key.accepted) if right is not None]
    given = answer.value
    if isinstance(given, str):
        # A token on offer is meant as it stands; another may be one in other characters.
        is_exact = bool(question.options) or given in question.suggestions
        same = str if is_exact else simplified
        return same(given) in {same(right) for right in rights if isinstance(right, str)}
    # The last digits of decimal input are not exact in binary: 0.04 - 0.03 > 0.01.
    allowed = (key.tolerance or 0.0) + 1e-9
    numbers = [right for right in rights if not isinstance(right, str)]
    return given is not None and any(abs(given - right) <= allowed for right in numbers)
