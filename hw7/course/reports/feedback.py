"""One page of feedback per student, on which nothing a student wrote can run."""

from functools import lru_cache

import jinja2

from helpers.environment import assets_folder
from hw7.course.grading.class_run import Result
from hw7.course.grading.tables import Row
from hw7.course.questions import QuestionSet
from hw7.course.reports.gradebook import points_of, shown_value

VERDICTS = {
    "right": "正确 right",
    "wrong": "不正确 wrong",
    "unanswered": "未作答 unanswered",
    "malformed": "格式错误 malformed",
    "rubric": "由老师批改 read by a human",
    "void": "本题作废，人人得分 void, everybody gets the points",
}


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets_folder() / "hw7"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("feedback.html.j2")


def feedback_page(result: Result, row: Row, questions: QuestionSet) -> str:
    """Return a student's page as self-contained HTML without scripts or outside addresses.

    Points come from the gradebook row, so that those a human entered are on the page; the
    instructor's flags and remarks are not.
    """
    points = {mark.question.id: points_of(row, mark.question) for mark in result.marks}
    return _template().render(
        title=questions.title,
        student=result.student,
        marks=result.marks,
        notes=result.notes,
        problem=result.problem,
        row=row,
        points={name: "" if p is None else f"{p:g}" for name, p in points.items()},
        shown={mark.question.id: shown_value(mark.answer.value or "") for mark in result.marks},
        verdicts=VERDICTS,
    )
