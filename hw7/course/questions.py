"""The homework's questions: their wording, types, points, and the queries that produce the keys."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from helpers.environment import assets_folder
from helpers.errors import HomeworkError

# The safe loader in C reads a key for 1,000 students in a second instead of ten.
SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

QuestionId = Annotated[str, Field(pattern=r"^q[1-9][0-9]?$")]


class Record(BaseModel):
    """A part of a YAML file: unknown fields are mistakes, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


R = TypeVar("R", bound=Record)


class Wording(Record):
    """One text in Simplified Chinese and in English."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Query(Record):
    """A look-up in an explanation; running it on a model produces the key."""

    task: Literal["translation", "generation"]
    sentence: str = Field(min_length=1)
    method: str = Field(min_length=1)
    generated: str = Field(min_length=1)  # the token whose column is read
    source: str | None = None  # the token whose score is asked for; None asks for the strongest


class RubricLine(Wording):
    """What a human reader gives points for in a free text."""

    points: float = Field(gt=0)


class Question(Record):
    """One question."""

    id: QuestionId
    type: Literal["choice", "number", "text"]
    points: float = Field(gt=0)
    text: Wording
    options: dict[Annotated[str, Field(pattern="^[A-Z]$")], Wording] = {}
    query: Query | None = None
    suggestions: list[str] = []  # tokens offered in a drop-down where the answer is a token
    minimum: float | None = None
    maximum: float | None = None
    rubric: list[RubricLine] = []

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> "Question":
        if self.type == "choice" and (len(self.options) < 2) == (self.query is None):
            raise ValueError(f"{self.id}: a choice needs two or more options, or a query")
        if self.type == "number" and (self.minimum is None or self.maximum is None):
            raise ValueError(f"{self.id}: a number needs a minimum and a maximum")
        if self.type == "number" and (self.query is None or self.query.source is None):
            raise ValueError(f"{self.id}: a number needs a query with a source token")
        if self.type == "text" and sum(line.points for line in self.rubric) != self.points:
            raise ValueError(f"{self.id}: the rubric's points must add up to {self.points:g}")
        return self

    @property
    def wording(self) -> Wording:
        """The text with the query's sentence and tokens filled in."""
        zh, en = self.text.zh, self.text.en
        for name in ("sentence", "source", "generated") if self.query else ():
            value = getattr(self.query, name) or ""
            zh, en = (text.replace(f"{{{name}}}", value) for text in (zh, en))
        return Wording(zh=zh, en=en)

    def with_query(self, query: Query, suggestions: list[str]) -> "Question":
        """Return the same question about another sentence; a number is chosen from no tokens."""
        offered = [] if self.type == "number" else suggestions
        return self.model_copy(update={"query": query, "suggestions": offered})

    def digest(self) -> str:
        """Return the SHA-256 of what decides which answers are right.

        The text, its rubric and the points are left out, so that a mended typo or other points
        leave a key as it is; an option's wording is not, for options may have changed places.
        """
        told = self.model_dump_json(exclude={"text", "rubric", "points", "suggestions"})
        return hashlib.sha256(told.encode()).hexdigest()


class QuestionSet(Record):
    """All questions in order."""

    title: Wording
    questions: list[Question] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_numbered_in_order(self) -> "QuestionSet":
        expected = [f"q{number + 1}" for number in range(len(self.questions))]
        if [question.id for question in self.questions] != expected:
            raise ValueError(f"the questions must be numbered {', '.join(expected)} in order")
        return self

    def __getitem__(self, question_id: str) -> Question:
        """Return the question with an id such as ``"q3"``, or list those there are."""
        for question in self.questions:
            if question.id == question_id:
                return question
        ids = ", ".join(question.id for question in self.questions)
        raise HomeworkError(f"There is no question {question_id!r}; there are {ids}.")

    @property
    def look_ups(self) -> list[Question]:
        """The questions whose key is computed by running a model."""
        return [question for question in self.questions if question.query is not None]

    @property
    def personal(self) -> list[Question]:
        """The look-ups that each student may be asked about an own sentence."""
        return [q for q in self.look_ups if q.query and q.query.task == "translation"]

    def digest(self) -> str:
        """Return the SHA-256 of the questions, by which a key knows what it answers."""
        told = "\n".join(f"{question.id} {question.digest()}" for question in self.questions)
        return hashlib.sha256(told.encode()).hexdigest()


def load_record(record: type[R], path: Path, kind: str) -> R:
    """Read a YAML file with the safe loader and check it.

    Raises:
        HomeworkError: It is unreadable, not YAML, or breaks a rule, at the place that is named.
    """
    try:
        return record.model_validate(yaml.load(path.read_text("utf-8"), SAFE_LOADER))  # noqa: S506
    except OSError as error:
        raise HomeworkError(f"The {kind} {path} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "top level"
        raise HomeworkError(f"The {kind} {path} is wrong at {place}: {first['msg']}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # such as a 13th month
        reason = " ".join(str(error).split())[:200]
        raise HomeworkError(f"The {kind} {path} is not valid YAML: {reason}") from error


@lru_cache(maxsize=4)
def load_questions(path: Path | None = None) -> QuestionSet:
    """Load and check the questions; without a path, those of the kit."""
    path = path or assets_folder() / "hw7" / "questions.yaml"
    return load_record(QuestionSet, path, "question file")
