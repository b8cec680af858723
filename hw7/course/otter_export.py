"""The questions as otter-grader tests, for courses that already run otter.

Otter executes submissions, and a submission that runs can read its own hidden tests; ``hw7 grade``
does neither. Free texts and personal sentences have no otter test.
"""

from pprint import pformat

from hw7.course.keys import Key, KeyAnswer
from hw7.course.questions import Question, QuestionSet


def otter_tests(questions: QuestionSet, key: Key | None) -> dict[str, str]:
    """Return otter's test files by name, such as ``q1.py``.

    Args:
        questions: The questions; free texts are left out, a human reads them.
        key: Adds a hidden test for correctness that carries all points; without a key there are
            only the visible format tests.
    """
    return {
        f"{question.id}.py": _test_file(question, key.answers[question.id] if key else None)
        for question in questions.questions
        if question.type != "text"
    }


def _test_file(question: Question, answer: KeyAnswer | None) -> str:
    name = question.id
    cases = [_case("is_legal", f'"{name}", {name}', is_hidden=False, points=0.0)]
    if answer is not None:
        given: dict[str, str | float | None] = {"correct": answer.correct}
        if answer.value is not None:
            given = {"value_is": answer.value, "tolerance": answer.tolerance}
        words = ", ".join(f"{field}={value!r}" for field, value in given.items())
        arguments = f'"{name}", {name}, {words}'
        cases.append(_case("is_correct", arguments, is_hidden=True, points=question.points))
    suite = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    test = {"name": name, "points": None, "suites": [suite]}
    return f"OK_FORMAT = True\n\ntest = {pformat(test, width=100, sort_dicts=False)}\n"


def _case(function: str, arguments: str, *, is_hidden: bool, points: float) -> dict[str, object]:
    lines = [
        f">>> from hw7.course.sheet_checks import {function}",
        f">>> {function}({arguments})",
        "True",
    ]
    return {"code": "\n".join(lines), "hidden": is_hidden, "locked": False, "points": points}
