"""The English edition runs the same code as the Chinese one, and its prose is English."""

import re
import unicodedata
from itertools import pairwise

import nbformat
import pytest

from hw7.course.answer_sheet import question_cells
from hw7.course.questions import load_questions
from tools.execute_notebooks import ENGLISH_FORM, NOTEBOOKS

ENGLISH = NOTEBOOKS / "en"
CHINESE_EDITION = sorted(NOTEBOOKS.glob("*.ipynb"))
# English prose quotes Chinese example words; Chinese prose is more than a third Chinese.
MOST_CHINESE = 0.2

every_notebook = pytest.mark.parametrize("path", CHINESE_EDITION, ids=lambda path: path.stem)


def chinese_cells(path):
    return nbformat.read(path, as_version=4).cells


def english_cells(path):
    return nbformat.read(ENGLISH / path.name, as_version=4).cells


def prose(cells):
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def code(cells):
    return [
        (cell.source, cell.metadata.get("tags", [])) for cell in cells if cell.cell_type == "code"
    ]


def text_outputs(cells):
    """Return what each code cell printed or showed as plain text."""
    texts = []
    for cell in cells:
        if cell.cell_type == "code":
            shown = [output.get("data", {}).get("text/plain") for output in cell.outputs]
            texts.append((shown, [output.get("text") for output in cell.outputs]))
    return texts


def share_of_chinese(text):
    """Return the share of Chinese characters among letters; 0 for a text without letters."""
    letters = [character for character in text if character.isalpha()]
    chinese = [c for c in letters if unicodedata.name(c, "").startswith("CJK")]
    return len(chinese) / max(len(letters), 1)


def paragraphs(text):
    return sum(bool(line.strip()) for line in text.splitlines())


def headings(text):
    return re.findall(r"^(#+) ", text, re.MULTILINE)


def code_spans(text):
    return set(re.findall(r"`[^`\n]+`", text))


def test_both_editions_have_the_same_notebooks():
    names = {path.name for path in CHINESE_EDITION}
    assert len(names) >= 6
    assert names == {path.name for path in ENGLISH.glob("*.ipynb")}


def without_english_form(cells):
    return [(source.replace(ENGLISH_FORM, ""), tags) for source, tags in code(cells)]


@every_notebook
def test_code_cells_and_their_tags_are_identical(path):
    assert without_english_form(english_cells(path)) == code(chinese_cells(path))


@every_notebook
def test_the_explorer_starts_in_the_language_of_its_edition(path):
    def forms(cells):
        return [source for source, _ in code(cells) if "explore(" in source]

    assert all(ENGLISH_FORM in source for source in forms(english_cells(path)))
    assert not any("language" in source for source in forms(chinese_cells(path)))


@every_notebook
def test_stored_text_outputs_are_identical(path):
    # nbval runs the Chinese edition only; this is what ties the English one to it.
    assert text_outputs(english_cells(path)) == text_outputs(chinese_cells(path))


@every_notebook
def test_cells_have_the_same_order_of_types_and_the_same_ids(path):
    chinese, english = chinese_cells(path), english_cells(path)
    kinds = [(cell.cell_type, cell.id) for cell in chinese]
    assert [(cell.cell_type, cell.id) for cell in english] == kinds


@every_notebook
def test_prose_cells_are_english(path):
    for text in prose(english_cells(path)):
        assert text.strip()
        assert share_of_chinese(text) < MOST_CHINESE, text


@every_notebook
def test_chinese_prose_would_be_noticed(path):
    for text in prose(chinese_cells(path)):
        assert share_of_chinese(text) > MOST_CHINESE, text


@every_notebook
def test_each_prose_cell_has_the_paragraphs_headings_and_names_of_its_original(path):
    chinese, english = prose(chinese_cells(path)), prose(english_cells(path))
    for original, translation in zip(chinese, english, strict=True):
        assert paragraphs(translation) == paragraphs(original), translation
        assert headings(translation) == headings(original), translation
        assert code_spans(translation) <= code_spans(original), translation


def test_the_english_sheet_asks_each_question_in_the_kits_own_words():
    cells = nbformat.read(ENGLISH / "hw7_answers.ipynb", as_version=4).cells
    asked = {after.source.split(" = ")[0]: cell.source for cell, after in pairwise(cells)}
    for question in load_questions().questions:
        assert asked[question.id] == question_cells(question, "en")[0].source
