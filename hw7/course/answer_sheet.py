"""Derive answer sheets from the instructor's master notebook: the common one and personal ones."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.errors import HomeworkError
from hw7.course.keys import instructors_file
from hw7.course.notebook_cells import FOLDED, INSTRUCTOR_ONLY, stamped_bootstrap
from hw7.course.questions import Question, QuestionSet
from hw7.course.right_answers import KeyAnswer
from hw7.course.sheet_questions import packed_questions

Language = Literal["zh", "en"]

_QUESTION = re.compile(r"\s*\{\{\s*(q\d+)\s*\}\}\s*")


def load_master(path: Path | None = None) -> nbformat.NotebookNode:
    """Read the master notebook; without a path, the one in the source checkout."""
    path = path or instructors_file(
        "master.ipynb", "master notebook. Pass it with --master master.ipynb."
    )
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise HomeworkError(f"The master notebook {path} can't be read: {error}.") from error


def build_answer_sheet(
    master: nbformat.NotebookNode,
    questions: QuestionSet,
    *,
    sentence: str,
    student_id: str = "",
    language: Language = "zh",
    address: str = "",
    opened: Mapping[str, KeyAnswer] | None = None,
) -> nbformat.NotebookNode:
    """Return the students' copy of a master: instructor's cells dropped, questions filled in.

    Args:
        master: Its cells ``{{ q1 }}`` … become a question, an empty answer and a format check. In
            code, ``{{ sentence }}`` and ``{{ student_id }}`` become quoted text,
            ``{{ questions }}`` what the sheet's checks must know of its questions, and
            ``{{ bootstrap }}`` the cell every notebook starts with. The English text of a cell is
            in its metadata, under ``en``.
        questions: The questions as this student is asked them.
        sentence: The sentence the translation questions are about.
        student_id: Whose sheet it is; "" leaves it to the student.
        language: The language of the prose.
        address: Where the sheet installs the kit from; "" leaves it to ``hw7 release``.
        opened: Right answers that the sheet itself may tell.
    """
    placeholders = {
        "bootstrap": stamped_bootstrap(address),
        "questions": quoted(packed_questions(questions, opened or {})),
        "sentence": quoted(sentence),
        "student_id": quoted(student_id),
    }
    sheet = nbformat.v4.new_notebook(metadata=master.metadata)
    for cell in master.cells:
        asked = _QUESTION.fullmatch(cell.source)
        if INSTRUCTOR_ONLY.match(cell.source):
            continue
        if asked:
            sheet.cells += question_cells(questions[asked[1]], language)
            continue
        copy = nbformat.from_dict(cell)
        in_english = copy.metadata.pop("en", copy.source)
        copy.source = in_english if language == "en" else copy.source
        if copy.cell_type == "code":
            copy.outputs, copy.execution_count = [], None
            copy.metadata.update(FOLDED if "{{ bootstrap }}" in copy.source else {})
            for name, text in placeholders.items():
                copy.source = copy.source.replace(f"{{{{ {name} }}}}", text)
        sheet.cells.append(copy)
    for number, cell in enumerate(sheet.cells):
        cell.id = f"cell-{number:02d}"
    return sheet


def question_cells(question: Question, language: Language) -> list[nbformat.NotebookNode]:
    """Return a question's three cells: the text, the empty answer, the format check."""
    number, unit = question.id.removeprefix("q"), " 分：" if language == "zh" else " points: "
    heading = {
        "zh": f"第 {number} 题（{question.points:g} 分）",
        "en": f"Question {number} ({question.points:g} points)",
    }[language]
    lines = [f"### {heading}", "", getattr(question.wording, language)]
    lines += [""] if question.options or question.rubric else []
    lines += [f"- **{name}** {getattr(w, language)}" for name, w in question.options.items()]
    lines += [f"- {line.points:g}{unit}{getattr(line, language)}" for line in question.rubric]
    return [
        new_markdown_cell("\n".join(lines)),
        new_code_cell(_answer_cell(question)),
        new_code_cell(f'check_answer("{question.id}", {question.id})'),
    ]


def _answer_cell(question: Question) -> str:
    """Return the empty answer: Colab's drop-down or field, or room for lines of free text."""
    if question.type == "text":
        return f'{question.id} = """\n\n"""'
    form, offered = '{type: "string"}', [*question.options] or question.suggestions
    if offered:
        form = f"[{', '.join(map(quoted, ['', *offered]))}]"
        form += "" if question.options else " {allow-input: true}"
    return f'{question.id} = ""  # @param {form}'


def quoted(text: str) -> str:
    """Return text as a Python literal in double quotes, whatever characters it has."""
    escaped = "".join(
        "\\" + character if character in '"\\' else character if character.isprintable()
        else character.encode("unicode_escape").decode()
        for character in text
    )  # fmt: skip
    return f'"{escaped}"'
