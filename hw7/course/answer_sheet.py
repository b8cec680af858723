"""Answer sheets derived from the instructor's master notebook; every notebook's first cell."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.errors import HomeworkError
from hw7.course.keys import instructors_file
from hw7.course.marking import KeyAnswer
from hw7.course.questions import Question, QuestionSet
from hw7.course.sheet_checks import packed_questions

Language = Literal["zh", "en"]

INSTRUCTOR_ONLY = re.compile(r"^\s*(?:<!--|#)\s*instructor only")

BOOTSTRAP = """\
#@title 准备工具包（先运行这一格） · Get the kit (run this cell first)
KIT_ADDRESS = ""
import glob, sys; from importlib.util import find_spec; from urllib.request import urlretrieve
for d in ("", "../", "../../", "/kaggle/input/**/"): sys.path += [d, *glob.glob(d + "hw7_*.whl", recursive=True)]
try: find_spec("hw7_setup") or sys.path.append(urlretrieve(KIT_ADDRESS)[0]); import hw7_setup; hw7_setup.get_ready(KIT_ADDRESS)
except (ImportError, OSError, ValueError) as e: print(f"这里没有工具包：请用老师发的笔记本，或把 hw7_*.whl 放在旁边，或 pip install。No kit here: take your teacher's notebook, put hw7_*.whl beside it, or pip install it. ({e})")"""  # noqa: E501
"""At most six lines: they find ``hw7_setup`` in the kit, a checkout, a wheel or at the address."""

FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}
"""Metadata by which Colab and Jupyter show the first cell's title only."""

_ADDRESS = re.compile(r'^KIT_ADDRESS = ".*"$', re.MULTILINE)
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

    The master's cells ``{{ q1 }}`` … become a question, an empty answer and a format check. In
    code, ``{{ sentence }}`` and ``{{ student_id }}`` become quoted text, ``{{ questions }}`` what
    the sheet's checks must know of its questions and of the right answers ``opened`` to them, and
    ``{{ bootstrap }}`` the cell that installs the kit from the address. The English text of a cell
    is in its metadata, under ``en``.
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
    heading = f"### Question {number} ({question.points:g} points)"
    if language == "zh":
        heading = f"### 第 {number} 题（{question.points:g} 分）"
    lines = [heading, "", getattr(question.wording, language)]
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


def stamped_bootstrap(address: str) -> str:
    """Return the cell's source with the address that the kit is installed from."""
    return _ADDRESS.sub(lambda _: f"KIT_ADDRESS = {json.dumps(address)}", BOOTSTRAP)


def bootstrap_cell(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Return the notebook's first code cell.

    Raises:
        HomeworkError: It is not the bootstrap cell, so students could not install the kit.
    """
    first = next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
    if first is None or not _ADDRESS.search(first.source):
        raise HomeworkError(
            f"The first code cell of {name} is not the bootstrap cell, so students could not "
            'install the kit. Insert one with the line KIT_ADDRESS = "", then type: '
            "python -m tools.refresh_bootstrap"
        )
    return first
