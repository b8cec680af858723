"""The homework's questions: their wording, types, points, and the queries that produce the keys."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from helpers.environment import assets_folder
from helpers.errors import HomeworkError

# The safe loader in C reads a key for 1,000 students in a second instead of ten.
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

QuestionId = Annotated[str, Field(pattern=r"^q[1-9][0-9]?$")]


class Record(BaseModel):
    """A part of a YAML file: unknown fields are mistakes, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Wording(Record):
    """One text in Simplified Chinese and in English."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def filled(self, **values: str | None) -> "Wording":
        """Return the text with ``{name}`` replaced by each value given."""
        zh, en = self.zh, self.en
        for name, value in values.items():
            zh, en = zh.replace(f"{{{name}}}", value or ""), en.replace(f"{{{name}}}", value or "")
        return Wording(zh=zh, en=en)


class Query(Record):
    """A look-up in an explanation; running it on a model produces the key.

    Attributes:
        task: A key of the model catalog.
        sentence: The text to explain.
        method: The attribution method to read.
        generated: The generated token whose column is read.
        source: The source token whose score is asked for; None asks for the strongest token.
    """

    task: Literal["translation", "generation"]
    sentence: str = Field(min_length=1)
    method: str = Field(min_length=1)
    generated: str = Field(min_length=1)
    source: str | None = None


class RubricLine(Record):
    """What a human reader gives points for in a free text."""

    points: float = Field(gt=0)
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Question(Record):
    """One question.

    Attributes:
        options: The legal letters of a choice and their wording.
        suggestions: Tokens offered in a drop-down where the query's answer is a token.
        aliases: Other spellings of a token that a person would accept.
        minimum: Smallest legal number.
        maximum: Largest legal number.
        rubric: Lines whose points add up to the question's.
    """

    id: QuestionId
    type: Literal["choice", "number", "text"]
    points: float = Field(gt=0)
    text: Wording
    options: dict[Annotated[str, Field(pattern="^[A-Z]$")], Wording] = {}
    query: Query | None = None
    suggestions: list[str] = []
    aliases: dict[str, list[str]] = {}
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
        if self.query is None:
            return self.text
        query = self.query
        return self.text.filled(
            sentence=query.sentence, source=query.source, generated=query.generated
        )

    def with_query(self, query: Query, suggestions: list[str]) -> "Question":
        """Return the same question about another sentence; a number is chosen from no tokens."""
        offered = [] if self.type == "number" else suggestions
        return self.model_copy(update={"query": query, "suggestions": offered, "aliases": {}})

    def digest(self) -> str:
        """Return the SHA-256 of what decides which answers are right.

        The text, its rubric and the points are left out, so that a mended typo or other points
        leave a key as it is; an option's wording is not, for options may have changed places.
        """
        told = self.model_dump_json(exclude={"text", "rubric", "points", "suggestions", "aliases"})
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
        """Return the question with an id such as ``"q3"``.

        Raises:
            HomeworkError: No such question; the message lists those there are.
        """
        for question in self.questions:
            if question.id == question_id:
                return question
        ids = ", ".join(question.id for question in self.questions)
        raise HomeworkError(f"There is no question {question_id!r}; there are {ids}.")

    @property
    def look_ups(self) -> list[Question]:
        """The questions whose key is computed by running a model."""
        return [question for question in self.questions if question.query is not None]

    def digest(self) -> str:
        """Return the SHA-256 of the questions, by which a key knows what it answers."""
        told = "\n".join(f"{question.id} {question.digest()}" for question in self.questions)
        return hashlib.sha256(told.encode()).hexdigest()


def load_yaml(path: Path, kind: str) -> Any:
    """Read a YAML file with the safe loader.

    Raises:
        HomeworkError: The file is missing, unreadable or not YAML; the message says where.
    """
    try:
        return yaml.load(path.read_text("utf-8"), _SAFE_LOADER)  # noqa: S506
    except OSError as error:
        raise HomeworkError(f"The {kind} {path} can't be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise HomeworkError(f"The {kind} {path} is not valid YAML: {reason}") from error


def explain_validation(error: ValidationError, path: Path, kind: str) -> HomeworkError:
    """Turn pydantic's report into one line: the file, the place and what is wrong there."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "top level"
    return HomeworkError(f"The {kind} {path} is wrong at {place}: {first['msg']}.")


@lru_cache(maxsize=4)
def load_questions(path: Path | None = None) -> QuestionSet:
    """Load and validate the questions; without a path, those of the kit.

    Raises:
        HomeworkError: The file can't be read or breaks a rule; the message names file and place.
    """
    path = path or assets_folder() / "hw7" / "questions.yaml"
    content = load_yaml(path, "question file")
    try:
        return QuestionSet.model_validate(content)
    except ValidationError as error:
        raise explain_validation(error, path, "question file") from error
