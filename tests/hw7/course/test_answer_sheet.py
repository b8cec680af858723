"""The students' copy: current, without the key, with forms for Colab."""

import ast
import re

import nbformat
import pytest

from helpers.errors import HomeworkError
from hw7.course.answer_sheet import (
    INSTRUCTOR_ONLY,
    build_answer_sheet,
    load_master,
    quoted,
    stamped_bootstrap,
)
from hw7.course.grading.submitted_notebook import read_notebook
from hw7.course.keys import load_conceptual
from hw7.course.literals import read_assignments
from hw7.course.marking import KeyAnswer
from hw7.course.sheet_checks import packed_questions, unpacked_questions
from tests.support.made_submissions import QUESTIONS
from tools.build_answer_sheet import STORED, derive, is_current


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(STORED["zh"], as_version=4)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_stored_sheet_is_what_the_master_gives(language):
    assert is_current(STORED[language], language), "run: python -m tools.build_answer_sheet"


def test_a_changed_cell_is_noticed(tmp_path):
    changed = derive()
    changed.cells[3].source += " "
    path = tmp_path / "sheet.ipynb"
    nbformat.write(changed, path)
    assert not is_current(path)


def test_the_master_has_instructors_cells_and_the_sheet_has_none(stored):
    assert any(INSTRUCTOR_ONLY.match(cell.source) for cell in load_master().cells)
    assert "instructor" not in nbformat.writes(stored).lower()


def test_the_sheet_carries_no_key_and_no_feedback(stored):
    text = nbformat.writes(stored)
    for answer in load_conceptual(None, QUESTIONS).values():
        for wording in answer.feedback.values():
            assert wording.zh not in text and wording.en not in text
    read = read_notebook(text.encode())
    for question in QUESTIONS.questions:
        assert read.assignments[question.id].is_empty
    code = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    given = [source for source in code if re.match(r"q\d+ = ", source)]
    assert len(given) == 10 and all(
        re.match(r'q\d+ = ""(  #|"\n\n"""$)', source) for source in given
    )


def test_every_question_has_one_answer_cell_and_one_check_cell(stored):
    code = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    for question in QUESTIONS.questions:
        assert sum(source.startswith(f"{question.id} = ") for source in code) == 1
        assert code.count(f'check_answer("{question.id}", {question.id})') == 1


def test_answer_cells_have_colab_forms_with_the_legal_options(stored):
    code = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    for question in QUESTIONS.questions:
        (source,) = (s for s in code if s.startswith(f"{question.id} = "))
        if question.type == "text":
            assert source == f'{question.id} = """\n\n"""', "room for several lines"
            continue
        form = source.split("# @param ")[1]
        if question.options:
            assert ast.literal_eval(form) == ["", *question.options]
        elif question.suggestions:
            listed, _, setting = form.partition("] ")
            assert ast.literal_eval(listed + "]") == ["", *question.suggestions]
            assert setting == "{allow-input: true}"
        else:
            assert form == '{type: "string"}'


def test_the_stored_sheet_was_executed_from_top_to_bottom(stored):
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_the_stored_sheet_shows_that_nothing_is_answered(stored):
    text = "".join(o.get("text", "") for c in stored.cells for o in c.get("outputs", []))
    assert "还有 10 题未作答" in text and text.count("还没有作答") == 10


def test_the_stored_sheet_leaves_a_record_of_model_and_digest(stored):
    record = read_notebook(nbformat.writes(stored).encode()).record
    assert record["model"] == "tiny-zh-en" and len(record["digest"]) == 64
    assert {"inseq", "transformers", "torch"} <= set(record)


def test_a_personal_sheet_has_its_sentence_id_and_options():
    query = QUESTIONS["q3"].query.model_copy(update={"sentence": "猫喝水。", "generated": "cat"})
    questions = QUESTIONS.model_copy(
        update={
            "questions": [
                q.with_query(query, ["猫", "喝", "水"]) if q.id == "q3" else q
                for q in QUESTIONS.questions
            ]
        }
    )
    sheet = build_answer_sheet(load_master(), questions, sentence="猫喝水。", student_id='b"1\\')
    code = [cell.source for cell in sheet.cells if cell.cell_type == "code"]
    assert any('["", "猫", "喝", "水"] {allow-input' in source for source in code)
    assert any(source.startswith('sentence = "猫喝水。"') for source in code)
    text = "\n".join(cell.source for cell in sheet.cells)
    assert "生成“cat”时" in text and "{{" not in text
    read = read_notebook(nbformat.writes(sheet).encode())
    assert read.text_of("student_id") == 'b"1\\'


def test_a_personal_sheet_installs_from_the_address_given():
    address = "https://example.org/hw7.whl"
    sheet = build_answer_sheet(load_master(), QUESTIONS, sentence="x", address=address)
    code = [cell.source for cell in sheet.cells if cell.cell_type == "code"]
    assert code[0] == stamped_bootstrap(address)


def test_the_english_sheet_has_the_same_code():
    kinds = [
        build_answer_sheet(load_master(), QUESTIONS, sentence="x", language=language).cells
        for language in ("zh", "en")
    ]
    codes = [[c.source for c in cells if c.cell_type == "code"] for cells in kinds]
    assert codes[0] == codes[1]
    assert any("Question 1 (10 points)" in cell.source for cell in kinds[1])
    prose = [cell.source for cell in kinds[1] if cell.cell_type == "markdown"]
    assert not [text for text in prose if "单元格" in text or "第 1 题" in text]


def test_every_prose_cell_of_the_master_is_also_in_english():
    for cell in load_master().cells:
        is_prose = cell.cell_type == "markdown" and not cell.source.startswith("{{")
        assert not is_prose or INSTRUCTOR_ONLY.match(cell.source) or cell.metadata.get("en")


def test_cells_stay_short():
    for cell in derive().cells:
        assert cell.cell_type == "markdown" or len(cell.source.splitlines()) <= 15


def test_a_number_asked_about_an_own_sentence_is_chosen_from_no_tokens():
    query = QUESTIONS["q4"].query
    asked = QUESTIONS["q4"].with_query(query, ["猫", "喝", "水"])
    assert asked.suggestions == []


def test_a_packed_sheet_is_unpacked_to_the_same_questions_and_answers():
    query = QUESTIONS["q3"].query.model_copy(update={"sentence": "他在辦公室。"})
    own = QUESTIONS["q3"].with_query(query, ["他", "在", "办公室"])
    asked = [own if q.id == "q3" else q for q in QUESTIONS.questions[:9]]
    questions = QUESTIONS.model_copy(update={"questions": asked})
    opened = {"q3": KeyAnswer(correct="办公室", margin=0.1)}
    sheet = unpacked_questions(packed_questions(questions, opened))
    assert sheet.questions.questions == asked and sheet.opened == opened and sheet.own == {"q3"}
    assert packed_questions(QUESTIONS, {}) == "" and not unpacked_questions("").own


@pytest.mark.parametrize("packed", ["x", "eJw=", "机器", "eJyrVkrOz0lRslJQKlaqBQAeWQQV"])
def test_a_changed_line_of_questions_is_refused_in_one_line(packed):
    with pytest.raises(HomeworkError, match="was changed") as caught:
        unpacked_questions(packed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ['"', "\\", "\n", "'", '"""', "\\n", "机器", "\u202e", "\x00", "a#b"]
)
def test_quoted_text_is_read_back(text):
    assert ast.literal_eval(quoted(text)) == text
    assert len(quoted(text).splitlines()) == 1
    if text not in {"\u202e", "\x00"}:  # dropped on reading, for the gradebook's sake
        assert read_assignments(f"q1 = {quoted(text)}")[0].value == text


def test_a_missing_master_is_one_line(tmp_path):
    with pytest.raises(HomeworkError, match="master"):
        load_master(tmp_path / "absent.ipynb")
