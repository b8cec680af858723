"""What an answer sheet knows of its questions, packed into one line of its code.

A personal sheet asks about another sentence than the kit's questions, and a course may have
questions of its own; the sheet's checks must read answers as the grader will.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from helpers.errors import HomeworkError
from hw7.course.questions import Question, QuestionSet, load_questions
from hw7.course.right_answers import KeyAnswer

_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class SheetQuestions:
    """The questions of one sheet, the answers it may tell, and which differ from the kit's."""

    questions: QuestionSet
    opened: Mapping[str, KeyAnswer] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


def packed_questions(questions: QuestionSet, opened: Mapping[str, KeyAnswer]) -> str:
    """Return what differs from the kit's questions as one word; "" where nothing does."""
    kits = {question.id: question for question in load_questions().questions}
    asked = questions.questions
    own = [q.model_dump(exclude_defaults=True) for q in asked if kits.get(q.id) != q]
    answers = {name: answer.model_dump(exclude_defaults=True) for name, answer in opened.items()}
    ids = [question.id for question in asked]
    if not own and not answers and ids == list(kits):
        return ""
    content = json.dumps({"ids": ids, "own": own, "opened": answers}, ensure_ascii=False)
    return base64.b64encode(zlib.compress(content.encode(), 9)).decode()


def unpacked_questions(packed: str) -> SheetQuestions:
    """Return the questions of a sheet; refuse a word that was changed."""
    kits = load_questions()
    if not packed:
        return SheetQuestions(kits)
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), _MOST_BYTES)
        content = json.loads(raw)
        own = {q["id"]: Question.model_validate(q) for q in content["own"]}
        asked = [own[name] if name in own else kits[name] for name in content["ids"]]
        opened = {k: KeyAnswer.model_validate(v) for k, v in content["opened"].items()}
        questions = QuestionSet(title=kits.title, questions=asked)
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, ValidationError) as error:
        raise HomeworkError(
            "The line open_sheet(…) of this sheet was changed (这一行被改动了). Copy it from the "
            "sheet you were given, then run the cell again."
        ) from error
    return SheetQuestions(questions, opened, frozenset(own))
