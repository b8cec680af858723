"""Key files: which answers are right, for which model, versions, questions and students."""

from datetime import date
from pathlib import Path

import yaml
from pydantic import Field

from helpers.environment import project_folder
from helpers.errors import HomeworkError
from hw7.course.questions import Query, QuestionId, QuestionSet, Record, load_record
from hw7.course.right_answers import Conceptual, KeyAnswer


class PersonalLookUp(Record):
    """One look-up question about a student's own sentence, and its answer."""

    query: Query
    answer: KeyAnswer
    tokens: list[str] = Field(default_factory=list)


class PersonalKey(Record):
    """What one student is asked: the sentence, the look-ups, the digest of the explanation."""

    sentence: str
    digest: str
    look_ups: dict[QuestionId, PersonalLookUp]


class Key(Record):
    """A key file."""

    model: str
    versions: dict[str, str]
    date: date
    questions: str  # their digest
    asked: dict[QuestionId, str] = Field(default_factory=dict)  # the digest of each
    tolerance: str  # how it was chosen, in words
    digests: dict[str, str] = Field(default_factory=dict)  # of each common explanation
    salt: str = ""  # decides with the student's id who gets which sentence; keep it private
    answers: dict[QuestionId, KeyAnswer]
    students: dict[str, PersonalKey] = Field(default_factory=dict)

    def answer(self, question_id: str, student_id: str) -> KeyAnswer | None:
        """Return the right answer to a question for a student; None where a human decides."""
        personal = self.students.get(student_id)
        if personal and question_id in personal.look_ups:
            return personal.look_ups[question_id].answer
        return self.answers.get(question_id)

    def personalised(self, questions: QuestionSet, student_id: str) -> QuestionSet:
        """Return the questions as a student was asked them."""
        personal = self.students.get(student_id)
        if personal is None:
            return questions
        asked = [
            question.with_query(look_up.query, look_up.tokens)
            if (look_up := personal.look_ups.get(question.id))
            else question
            for question in questions.questions
        ]
        return QuestionSet(title=questions.title, questions=asked)


def load_key(path: Path, questions: QuestionSet) -> Key:
    """Read a key, and refuse one that does not answer these questions, and all of them."""
    key = read_key(path)
    if key.questions != questions.digest():
        changed = [q.id for q in questions.questions if key.asked.get(q.id) != q.digest()]
        raise HomeworkError(
            f"The key {path} was made for other questions ({', '.join(changed) or 'fewer now'}). "
            f"Bring it up to date, which keeps sentences and corrections: hw7 key -o {path}, "
            "with --students and the other options as before."
        )
    check_answers(key.answers, questions, path)
    return key


def read_key(path: Path) -> Key:
    """Read a key whatever questions it answers."""
    return load_record(Key, path, "key")


def instructors_file(name: str, refusal: str) -> Path:
    """Return a file of the answer sheet's folder, which only a source checkout has."""
    checkout = project_folder()
    if checkout is None:
        raise HomeworkError(f"An installed kit carries no {refusal}")
    return checkout / "tools" / "answer_sheet" / name


def load_conceptual(path: Path | None, questions: QuestionSet) -> dict[str, KeyAnswer]:
    """Read the instructor's file; without a path, the one in the source checkout.

    Raises:
        HomeworkError: It answers a question that does not exist or is a free text.
    """
    path = path or instructors_file(
        "instructor_key.yaml",
        "conceptual answers. Pass the instructor's file: hw7 key --answers instructor_key.yaml …",
    )
    answers = load_record(Conceptual, path, "instructor's key").answers
    for name in answers:
        if questions[name].type == "text" and not answers[name].void:
            raise HomeworkError(f"{path} answers {name}, a free text that only a human can read.")
    return answers


def check_answers(answers: dict[str, KeyAnswer], questions: QuestionSet, path: Path) -> None:
    """Refuse a key in which a question that a machine can mark has no legal answer."""
    for question in questions.questions:
        answer = answers.get(question.id)
        if question.type == "text" or (answer is not None and answer.void):
            continue
        if answer is None:
            raise HomeworkError(f"The key {path} has no answer to {question.id}.")
        if (answer.value is not None) != (question.type == "number"):
            raise HomeworkError(f"The key {path} answers {question.id} with the wrong type.")
        for option in [answer.correct, *answer.accepted] if question.options else []:
            if option not in question.options:
                raise HomeworkError(f"The key {path}: {question.id} has no option {option!r}.")


def save_key(key: Key, path: Path) -> None:
    """Write a key as YAML that a person can read and correct."""
    header = "# Answer key for homework 7. Keep it private: it holds the answers and the salt.\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + as_yaml(key), "utf-8")


def as_yaml(record: Record) -> str:
    """Return a record as YAML in the order of its fields, without those left at their default."""
    content = record.model_dump(mode="json", exclude_defaults=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(content, Dumper=dumper, allow_unicode=True, sort_keys=False, width=100))
