"""Free texts reach a human, wherever and however a student typed them."""

import nbformat
import pytest

from helpers.environment import project_folder
from hw7.course.answer_sheet import build_answer_sheet, load_master
from tests.support.made_submissions import QUESTIONS, Class

NAMES = {"zh": "notebooks/hw7_answers.ipynb", "en": "notebooks/en/hw7_answers.ipynb"}


def released(language):
    """The answer sheet as students get it."""
    return nbformat.read(project_folder() / NAMES[language], as_version=4)


def position(cells, start):
    return next(i for i, cell in enumerate(cells) if cell.source.startswith(start))


def graded(folder, content):
    course = Class(folder)
    course.hand_in("b1.ipynb", content)
    return course.grade()["b1"], course


@pytest.mark.parametrize("language", NAMES)
def test_an_untouched_sheet_has_no_answer_at_all(tmp_path, language):
    row, _ = graded(tmp_path, released(language))
    assert {row[f"{q.id}_result"] for q in QUESTIONS.questions} == {"unanswered"}
    assert (row["score"], row["status"]) == ("0", "graded") and "nothing answered" in row["flags"]


def test_an_untouched_personal_sheet_has_no_answer_at_all(tmp_path):
    content = build_answer_sheet(load_master(), QUESTIONS, sentence="x", student_id="b1")
    row, _ = graded(tmp_path, content)
    assert row["pending"] == "0" and "nothing answered" in row["flags"]


PLACES = {
    "a text cell after the answer's": lambda cells, at: cells.insert(at + 1, text_cell()),
    "a text cell after the check": lambda cells, at: cells.insert(at + 2, text_cell()),
    "a raw cell": lambda cells, at: cells.insert(at + 1, nbformat.v4.new_raw_cell("My answer")),
    "below the question": lambda cells, at: append(cells[at - 1], "\n\nMy answer"),
    "the heading of the question": lambda cells, at: append(
        cells[at - 1], "", "\n", " My answer\n"
    ),
    "the answer's cell without code": lambda cells, at: append(
        cells[at], "", None, "My answer is so."
    ),
    "the answer's cell made a text": lambda cells, at: cells.__setitem__(
        at, text_cell('q8 = "My answer"')
    ),
    "the end of the notebook": lambda cells, at: cells.append(text_cell("Q8: My answer")),
}


def text_cell(text="# My answer\n\nIt says so."):
    return nbformat.v4.new_markdown_cell(text)


def append(cell, text, old=None, new=None):
    if new is not None:
        cell.source = cell.source.replace(old, new, 1) if old else new
    cell.source += text


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("place", PLACES)
def test_a_text_typed_outside_the_answer_waits_for_a_human(tmp_path, language, place):
    content = released(language)
    PLACES[place](content.cells, position(content.cells, "q8 ="))
    row, course = graded(tmp_path, content)
    assert row["q8_result"] == "rubric" and "My answer" in row["q8_answer"]
    assert row["q10_result"] == "unanswered"
    page = (course.output.with_name("grades.feedback") / "b1.html").read_text("utf-8")
    assert "My answer" in page


@pytest.mark.parametrize("language", NAMES)
def test_a_text_typed_after_the_last_question_waits_for_a_human(tmp_path, language):
    content = released(language)
    content.cells.insert(position(content.cells, "q10 =") + 2, text_cell())
    row, _ = graded(tmp_path, content)
    assert row["q10_result"] == "rubric" and "My answer" in row["q10_answer"]
    assert row["q8_result"] == "unanswered"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ('"""\nHe said "no", it\'s\n\nso\n"""', 'He said "no", it\'s\n\nso'),
        ('"He said "no""', 'He said "no'), ("'it's'", "it's"), ('"a\nb"', "a\nb"),
        ('"a" + "b"', "ab"),
        ('f"{x} is"', 'f"{x} is"'), ("['a', 'b']", "['a', 'b']"), ('"a b ".strip()', "a b"),
        (repr("x" * 20_001), "x" * 20_001), ("see the text", "see the text"), ("answer", "answer"),
    ],
)  # fmt: skip
def test_whatever_is_typed_for_a_text_is_in_the_gradebook_and_on_the_page(tmp_path, code, shown):
    content = released("zh")
    content.cells[position(content.cells, "q8 =")].source = f"q8 = {code}"
    row, course = graded(tmp_path, content)
    assert row["q8_result"] == "rubric" and row["q8_answer"].removeprefix(
        "'"
    ) == shown.removeprefix("'")
    page = (course.output.with_name("grades.feedback") / "b1.html").read_text("utf-8")
    assert shown[:3].replace("'", "&#39;").replace('"', "&#34;") in page


def test_a_text_that_python_cannot_hold_is_cut_and_said_so(tmp_path):
    content = released("zh")
    content.cells[position(content.cells, "q8 =")].source = f"q8 = '{'x' * 300_000}'"
    row, _ = graded(tmp_path, content)
    assert row["q8_result"] == "rubric" and 20_000 < len(row["q8_answer"]) < 32_767
    assert "300,007 characters" in row["notes"]


def test_a_choice_in_a_text_cell_is_not_read_but_noted(tmp_path):
    content = released("zh")
    at = position(content.cells, "q1 =")
    content.cells[at] = text_cell('q1 = "B"')
    row, _ = graded(tmp_path, content)
    assert row["q1_result"] == "unanswered" and "stands in a text cell" in row["notes"]


def test_pages_escape_what_was_typed(tmp_path):
    content = released("zh")
    content.cells[position(content.cells, "q8 =")].source = "q8 = <script>alert(1)</script>"
    _, course = graded(tmp_path, content)
    page = (course.output.with_name("grades.feedback") / "b1.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)" in page and "<script" not in page
