"""What the answer sheet calls: check an answer's format, show what will be read, leave a record."""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from helpers.errors import HomeworkError
from hw7.course.answers import Answer, interpret
from hw7.course.literals import Assignment, last_assignments
from hw7.course.marking import Conceptual, KeyAnswer, is_right
from hw7.course.questions import Question, QuestionSet, load_questions, load_record
from hw7.course.record import RECORD_MARK, versions
from hw7.course.written_cells import executed_cells, written_cells

if TYPE_CHECKING:
    from helpers.explanation import Explanation

SELF_CHECK = "self_check.yaml"
_SHOWN_CHARACTERS = 40
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class SheetQuestions:
    """The questions of one sheet, the answers it may tell, and which differ from the kit's."""

    questions: QuestionSet
    opened: Mapping[str, KeyAnswer] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


_open_sheets: list[SheetQuestions] = []  # at most one: that of the notebook


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


def open_sheet(packed: str = "") -> None:
    """Tell the checks which questions this sheet asks: what ``hw7 key`` wrote, or "" for the kit's.

    Raises:
        HomeworkError: The line was changed.
    """
    _open_sheets[:] = [unpacked_questions(packed)]


def check_answer(question_id: str, value: Any) -> None:
    """Print whether an answer has the right format: type, legal option, number in range.

    In a notebook the cell that sets it is read instead of the value, as the grader reads it. Right
    or wrong is said only of questions that the instructor opened.
    """
    question = _sheet().questions[question_id]
    assignment = last_assignments(executed_cells()).get(question_id)
    answer = _interpreted(question, value if assignment is None else assignment)
    if answer.status == "unanswered":
        print(f"{question_id}：还没有作答 (not answered yet)。")
    elif answer.status == "malformed":
        print(f"{question_id}：格式不对 (wrong format)：{answer.problem}")
    else:
        read_as = f"；{answer.notes[0]}" if answer.notes else ""
        print(f"{question_id}：格式正确，尚未评分 (format accepted, not graded){read_as}。")
        if key := _open_answers().get(question_id):
            is_it = is_right(question, answer, key)
            print("  自查：正确 (right)。" if is_it else "  自查：不正确 (wrong)。")


def _interpreted(question: Question, given: Any) -> Answer:
    if isinstance(given, Assignment | str | int | float | None):
        return interpret(question, given)
    name = type(given).__name__
    return Answer("malformed", problem=f"请写文字或数字，而不是 {name} (text or a number)")


def _sheet() -> SheetQuestions:
    return _open_sheets[0] if _open_sheets else unpacked_questions("")


def is_legal(question_id: str, value: Any) -> bool:
    """Tell whether a value is an answer of the right format (for otter-grader's visible tests)."""
    return _interpreted(load_questions()[question_id], value).status == "accepted"


def is_correct(question_id: str, value: Any, **key: Any) -> bool:
    """Tell whether a value is right by ``correct``, or ``value_is`` and ``tolerance`` (otter's)."""
    right = KeyAnswer.model_validate({"value" if n == "value_is" else n: v for n, v in key.items()})
    question = load_questions()[question_id]
    answer = _interpreted(question, value)
    return answer.status == "accepted" and is_right(question, answer, right)


def _open_answers() -> dict[str, KeyAnswer]:
    """Return the answers the instructor opened for self-checking; usually none.

    Those in a file are for everybody, so they say nothing about a look-up of a personal sheet.
    """
    sheet, path = _sheet(), Path(SELF_CHECK)
    for_all = load_record(Conceptual, path, "self-check file").answers if path.is_file() else {}
    personal = {question.id for question in sheet.questions.look_ups} & sheet.own
    common = {name: answer for name, answer in for_all.items() if name not in personal}
    return common | dict(sheet.opened)


def show_answers() -> None:
    """Print what the grader will read, and warn about what is missing or illegible.

    That are the code cells as they are written in this notebook, or, where it can't be reached,
    those that were run.
    """
    run = executed_cells()
    if not run:
        raise HomeworkError("show_answers() reads the notebook's cells; run it in the sheet.")
    written = written_cells(run)
    lines, was_run = _answer_lines(run if written is None else written), _answer_lines(run)
    print("批改程序会读到 (the grader will read):")
    print("\n".join(f"  {name:4}{line}" for name, line in lines.items()))
    if changed := [name for name in lines if lines[name] != was_run[name]]:
        print(
            f"注意：{', '.join(changed)} 写的与运行过的不同，批改时看写的；请保存后再运行 "
            "(written differently from what was run; what is written counts)。"
        )
    if missing := [name for name, line in lines.items() if line == _UNANSWERED]:
        print(f"注意：还有 {len(missing)} 题未作答 (unanswered): {', '.join(missing)}")
    else:
        print("全部作答 (all answered)。请保存笔记本后再提交 .ipynb 文件 (save, then hand it in)。")


_UNANSWERED = "（未作答 unanswered）"


def _answer_lines(sources: list[str]) -> dict[str, str]:
    """Return what the grader reads in these cells, a line for each question."""
    assignments = last_assignments(sources)
    lines = {}
    for question in _sheet().questions.questions:
        answer = interpret(question, assignments.get(question.id))
        text = " ".join(str(answer.value).split())
        if answer.status == "unanswered":
            text = _UNANSWERED
        elif answer.status == "malformed":
            text = f"读不出来 (can't be read)：{answer.problem}"
        elif len(text) > _SHOWN_CHARACTERS:
            text = f"{text[:_SHOWN_CHARACTERS]}…（共 {len(text)} 字 characters）"
        lines[question.id] = text
    return lines


def record_answers(explanation: "Explanation", student_id: str = "") -> None:
    """Print the record the grader looks for: model, versions, and a digest of the explanation."""
    content = {
        "student_id": student_id,
        "model": explanation.model_name,
        "sentence": explanation.input_text,
        "digest": explanation.digest(),
        **versions(),
    }
    print(f"{RECORD_MARK} {json.dumps(content, ensure_ascii=False)}")
