"""What the answer sheet calls: check an answer's format, show what will be read, leave a record."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError
from hw7.course.answers import interpret
from hw7.course.literals import last_assignments
from hw7.course.marking import is_right, mark_answer
from hw7.course.questions import Question, load_questions, load_yaml
from hw7.course.record import record_line
from hw7.course.right_answers import Conceptual, KeyAnswer

if TYPE_CHECKING:
    from helpers.explanation import Explanation

SELF_CHECK = "self_check.yaml"
_SHOWN_CHARACTERS = 40


def check_answer(question_id: str, value: Any) -> None:
    """Print whether an answer has the right format: type, legal option, number in range.

    It says nothing about right or wrong, except for questions the instructor opened by handing out
    ``self_check.yaml`` beside the answer sheet (``hw7 release --self-check``).

    Args:
        question_id: Such as ``"q3"``.
        value: The answer.

    Raises:
        HomeworkError: There is no such question.
    """
    question = load_questions()[question_id]
    if value is not None and not isinstance(value, str | int | float):
        print(f"{question_id}：格式不对 (wrong format)：{type(value).__name__}。请写文字或数字。")
        return
    answer = interpret(question, value)
    if answer.status == "unanswered":
        print(f"{question_id}：还没有作答 (not answered yet)。")
    elif answer.status == "malformed":
        print(f"{question_id}：格式不对 (wrong format)：{answer.problem}")
    else:
        read_as = f"；{answer.notes[0]}" if answer.notes else ""
        print(f"{question_id}：格式正确，尚未评分 (format accepted, not graded){read_as}。")
        key = _open_answers().get(question_id)
        if key is not None:
            print(
                "  自查：正确 (right)。"
                if is_right(question, answer, key)
                else "  自查：不正确 (wrong)。"
            )


def is_legal(question_id: str, value: Any) -> bool:
    """Tell whether a value is an answer of the right format (for otter-grader's visible tests)."""
    if value is not None and not isinstance(value, str | int | float):
        return False
    return interpret(load_questions()[question_id], value).status == "accepted"


def is_correct(question_id: str, value: Any, **key: Any) -> bool:
    """Tell whether a value is right (for otter-grader's hidden tests).

    Args:
        question_id: Such as ``"q3"``.
        value: The answer.
        **key: ``correct``, or ``value_is`` and ``tolerance``.
    """
    answer = KeyAnswer(
        correct=key.get("correct"), value=key.get("value_is"), tolerance=key.get("tolerance")
    )
    question = load_questions()[question_id]
    return is_legal(question_id, value) and is_right(question, interpret(question, value), answer)


@lru_cache(maxsize=1)
def _open_answers() -> dict[str, KeyAnswer]:
    """Return the answers the instructor opened for self-checking; usually none."""
    path = Path(SELF_CHECK)
    if not path.is_file():
        return {}
    return Conceptual.model_validate(load_yaml(path, "self-check file")).answers


def show_answers(sources: list[str] | None = None) -> None:
    """Print what the grader will read, and warn about what is missing or illegible.

    Args:
        sources: The code cells; by default those that were executed in this notebook.

    Raises:
        HomeworkError: Called outside a notebook.
    """
    assignments, _ = last_assignments(_executed_cells() if sources is None else sources)
    missing = []
    print("批改程序会读到 (the grader will read):")
    for question in load_questions().questions:
        mark = mark_answer(question, assignments.get(question.id), None)
        if mark.verdict == "unanswered":
            missing.append(question.id)
            shown = "（未作答 unanswered）"
        elif mark.verdict == "malformed":
            shown = f"读不出来 (can't be read)：{mark.answer.problem}"
        else:
            shown = _brief(question, mark.answer.value)
        print(f"  {question.id:4}{shown}")
    if missing:
        print(f"注意：还有 {len(missing)} 题未作答 (unanswered): {', '.join(missing)}")
    else:
        print("全部作答 (all answered)。请保存笔记本后再提交 .ipynb 文件 (save, then hand it in)。")


def _brief(question: Question, value: str | float | None) -> str:
    text = " ".join(str(value).split())
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"{text[:_SHOWN_CHARACTERS]}…（共 {len(text)} 字 characters）"


def _executed_cells() -> list[str]:
    """Return the source of the cells executed so far, in order."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        raise HomeworkError(
            "show_answers() reads the notebook's cells; run it in the answer sheet."
        )
    return [str(source) for source in shell.history_manager.input_hist_raw]


def record_answers(explanation: "Explanation", student_id: str = "") -> None:
    """Print the record the grader looks for: model, versions, and a digest of the explanation."""
    print(record_line(explanation, student_id))
