"""Key files: which answers are right, for which model, versions, questions and students.

A key that is there already is brought up to date without losing what a person corrected in it.
"""

from datetime import date
from pathlib import Path

import yaml
from pydantic import Field

from helpers.environment import project_folder
from helpers.errors import HomeworkError
from hw7.course.grading.tables import write_text
from hw7.course.marking import Conceptual, KeyAnswer
from hw7.course.questions import Query, QuestionId, QuestionSet, Record, load_record

_SAME = 1e-4  # other hardware moves a float32 score by less


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
        own = personal.look_ups if personal else {}
        asked = [
            q.with_query(own[q.id].query, own[q.id].tokens) if q.id in own else q
            for q in questions.questions
        ]
        return QuestionSet(title=questions.title, questions=asked)


def load_key(path: Path, questions: QuestionSet) -> Key:
    """Read a key, and refuse one that does not answer these questions, and all of them."""
    key = load_record(Key, path, "key")
    if key.questions != questions.digest():
        changed = [q.id for q in questions.questions if key.asked.get(q.id) != q.digest()]
        raise HomeworkError(
            f"The key {path} was made for other questions ({', '.join(changed) or 'fewer now'}). "
            f"Bring it up to date, which keeps sentences and corrections: hw7 key -o {path}, "
            "with --students and the other options as before."
        )
    check_answers(key.answers, questions, path)
    return key


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
    write_text(path, header + as_yaml(key))


def as_yaml(record: Record) -> str:
    """Return a record as YAML in the order of its fields, without those left at their default."""
    content = record.model_dump(mode="json", exclude_defaults=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(content, Dumper=dumper, allow_unicode=True, sort_keys=False, width=100))


def updated(computed: Key, earlier: Key | None, questions: QuestionSet) -> tuple[Key, list[str]]:
    """Return a computed key with an earlier one's sentences and corrections, and what was kept.

    Of a question that has not changed, the earlier answer stays, whoever wrote it. Of one that
    has, a look-up is computed anew, and a right option must be the same in both files.
    """
    if earlier is None:
        return computed, []
    if earlier.model != computed.model:
        raise HomeworkError(
            f"The key there is for {earlier.model}, but this model is {computed.model}. Give "
            "another -o; with --salt from that key students keep their sentences."
        )
    answers, notes = {}, []
    for question in questions.questions:
        before, now = earlier.answers.get(question.id), computed.answers.get(question.id)
        if before is None or now is None or _is_same(before, now):
            kept = before if now is None else now
        elif earlier.asked.get(question.id) == question.digest():  # it has not changed
            kept = before
            notes.append(
                f"{question.id}: kept from the earlier key: {in_words(before)} "
                f"(anew it would be: {in_words(now)})"
            )
        elif question.query is not None:
            kept = now
            notes.append(f"{question.id}: asked anew, so its answer is new: {in_words(now)}")
        else:
            raise HomeworkError(
                f"{question.id} has changed since the earlier key, which says {before.correct}, "
                f"but the instructor's file says {now.correct}. Make both say the same."
            )
        if kept is not None:
            answers[question.id] = kept
    students = {n: p for n, p in earlier.students.items() if _still_asks(p, questions)}
    if lost := len(earlier.students) - len(students):
        notes.append(f"{lost} students get new look-ups, for the look-up questions have changed.")
    return computed.model_copy(update={"answers": answers, "students": students}), notes


def _is_same(one: KeyAnswer, other: KeyAnswer) -> bool:
    """Tell whether two answers accept the same; the feedback may differ."""
    near = abs((one.value or 0.0) - (other.value or 0.0)) <= _SAME
    exact = ("correct", "tolerance", "accepted", "void")
    return near and all(getattr(one, fact) == getattr(other, fact) for fact in exact)


def _still_asks(personal: PersonalKey, questions: QuestionSet) -> bool:
    """Tell whether a student's look-ups are of the kinds that the questions ask for today."""
    today = [(question.id, question.query) for question in questions.personal]
    given = [(name, look_up.query) for name, look_up in personal.look_ups.items()]
    kinds = [{(n, q.method, q.source is None) for n, q in asked if q} for asked in (today, given)]
    return kinds[0] == kinds[1]


def in_words(answer: KeyAnswer) -> str:
    """Return an answer as one clause of the screen."""
    if answer.void:
        return "void, everybody gets the points"
    more = f", or {', '.join(map(str, answer.accepted))}" if answer.accepted else ""
    if answer.value is not None:
        return f"{answer.value:.4f}{more}, accepted within {answer.tolerance:g}"
    margin = f", leads the next token by {answer.margin:.3f}" if answer.margin is not None else ""
    return f"{answer.correct}{more}{margin}"
