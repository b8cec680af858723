"""The right answer to a question, as keys and the files for self-checking state it."""

from pydantic import Field, model_validator

from hw7.course.questions import QuestionId, Record, Wording


class KeyAnswer(Record):
    """The right answer to one question.

    Attributes:
        correct: The right letter or token of a choice.
        value: The right number.
        tolerance: By how much a number may differ and still be right.
        margin: By how much the strongest token leads the second, where a token is asked for.
        accepted: Further letters, tokens or numbers that are right too.
        void: Whether everybody gets the points, whatever was answered.
        feedback: What to tell a student who chose a wrong letter or token.
    """

    correct: str | None = None
    value: float | None = None
    tolerance: float | None = Field(default=None, ge=0)
    margin: float | None = None
    accepted: list[str | float] = Field(default_factory=list)
    void: bool = False
    feedback: dict[str, Wording] = Field(default_factory=dict)

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
