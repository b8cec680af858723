"""What a student sees in the answer sheet: format checks, the preview, the record."""

import json
from types import SimpleNamespace

import pytest
import yaml

from helpers.errors import HomeworkError
from hw7.course import sheet_checks
from hw7.course.grading.submitted_notebook import read_notebook
from hw7.course.record import RECORD_MARK, parse_record
from hw7.course.sheet_checks import (
    check_answer,
    is_correct,
    is_legal,
    packed_questions,
    show_answers,
)
from tests.support.made_submissions import QUESTIONS, RIGHT, as_bytes, code_cell, notebook, sheet


@pytest.fixture(autouse=True)
def no_open_answers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sheet_checks.open_sheet("")


class Shell:
    """A notebook's shell with the cells that were run."""

    def __init__(self, monkeypatch, *run):
        self.history_manager = SimpleNamespace(input_hist_raw=["", *run])
        self.user_ns = {}
        monkeypatch.setattr("IPython.get_ipython", lambda: self)


@pytest.mark.parametrize(
    ("question", "value"), [("q1", "A"), ("q1", "B"), ("q3", "猫"), ("q4", "0.9"), ("q8", "text")]
)
def test_a_legal_answer_is_accepted_but_never_called_right(capsys, question, value):
    check_answer(question, value)
    shown = capsys.readouterr().out
    assert "格式正确，尚未评分 (format accepted, not graded)" in shown
    for word in ("passed", "correct", "right", "通过", "答对"):
        assert word not in shown


@pytest.mark.parametrize(
    ("question", "value", "reason"),
    [("q1", "E", "options"), ("q1", 3, "quotes"), ("q4", "1.2", "range"), ("q4", "abc", "number"),
     ("q1", ["A"], "list"), ("q4", float("nan"), "range"), ("q8", object(), "object")],
)  # fmt: skip
def test_a_malformed_answer_is_told_why(capsys, question, value, reason):
    check_answer(question, value)
    shown = capsys.readouterr().out
    assert "格式不对" in shown and reason in shown


@pytest.mark.parametrize("value", ["", None, "  "])
def test_no_answer_is_no_error(capsys, value):
    check_answer("q1", value)
    assert "还没有作答" in capsys.readouterr().out


def test_an_unknown_question_is_named():
    with pytest.raises(HomeworkError, match="q99"):
        check_answer("q99", "A")


def test_correctness_is_told_only_for_questions_the_instructor_opened(capsys, tmp_path):
    opened = {"answers": {"q3": {"correct": "机器"}, "q4": {"value": 0.03, "tolerance": 0.01}}}
    (tmp_path / "self_check.yaml").write_text(yaml.safe_dump(opened), "utf-8")
    for question, value in (("q3", "机器"), ("q3", "学习"), ("q4", "0.04"), ("q1", "A")):
        check_answer(question, value)
    verdicts = [line for line in capsys.readouterr().out.splitlines() if "自查" in line]
    assert ["正确 (right)" in v and "不" not in v for v in verdicts] == [True, False, True]


def test_a_file_for_the_common_sheet_says_nothing_about_a_personal_look_up(capsys, tmp_path):
    opened = {"answers": {"q1": {"correct": "A"}, "q3": {"correct": "机器"}}}
    (tmp_path / "self_check.yaml").write_text(yaml.safe_dump(opened), "utf-8")
    own = QUESTIONS["q3"].with_query(QUESTIONS["q3"].query, ["办公室", "餐厅"])
    asked = [own if q.id == "q3" else q for q in QUESTIONS.questions]
    questions = QUESTIONS.model_copy(update={"questions": asked})
    sheet_checks.open_sheet(packed_questions(questions, {}))
    check_answer("q3", "辦公室")
    check_answer("q1", "A")
    shown = capsys.readouterr().out
    assert "读作 办公室" in shown and shown.count("自查") == 1


def test_the_preview_shows_exactly_what_the_grader_reads(capsys, monkeypatch):
    sources = [
        'q1 = "B"',
        "q3 = 「机器」",
        "q4 = explanation.importance('a', 'b')",
        'q8 = "长" * 3',
    ]
    Shell(monkeypatch, *sources)
    show_answers()
    shown = capsys.readouterr().out
    read = read_notebook(as_bytes(notebook([code_cell(source) for source in sources])))
    assert read.assignments["q1"].value == "B" and "q1  B" in shown
    assert read.assignments["q3"].value == "机器" and "q3  机器" in shown
    assert read.assignments["q4"].problem in shown
    assert read.assignments["q8"].typed in shown, "a free text is read as it was typed"


def test_the_preview_warns_about_unanswered_questions(capsys, monkeypatch):
    Shell(monkeypatch, 'q1 = "B"', 'q2 = ""')
    show_answers()
    shown = capsys.readouterr().out
    assert "还有 9 题未作答" in shown and "q2, q3" in shown and "全部作答" not in shown


def test_a_complete_sheet_is_called_complete(capsys, monkeypatch):
    Shell(monkeypatch, *(f"{name} = {code}" for name, code in RIGHT.items()))
    show_answers()
    assert "全部作答" in capsys.readouterr().out


def test_the_check_reads_the_cell_as_the_grader_does_and_not_the_value(capsys, monkeypatch):
    Shell(monkeypatch, "q3 = explanation.most_important('machine')", "q4 = 3/100")
    check_answer("q3", "机器")
    check_answer("q4", 0.03)
    shown = capsys.readouterr().out
    assert "q3：格式不对" in shown and "q4：格式正确" in shown


def test_of_a_cell_that_was_run_again_the_last_run_counts(capsys, monkeypatch):
    Shell(monkeypatch, 'q1 = "A"', 'q1 = ""', "show_answers()")
    show_answers()
    assert "q1  （未作答" in capsys.readouterr().out


def test_the_preview_shows_what_is_written_and_tells_where_something_else_was_run(
    capsys, monkeypatch, tmp_path
):
    Shell(monkeypatch, 'q1 = "A"', 'q2 = "B"', "show_answers()")
    written = notebook([code_cell(s) for s in ('q1 = "C"', 'q2 = "B"', "show_answers()")])
    (tmp_path / "sheet.ipynb").write_text(json.dumps(written), "utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "sheet.ipynb"))
    show_answers()
    shown = capsys.readouterr().out
    assert "q1  C" in shown and "q2  B" in shown
    assert "注意：q1 写的与运行过的不同" in shown


def test_another_notebook_than_this_one_is_not_shown(capsys, monkeypatch, tmp_path):
    Shell(monkeypatch, 'q1 = "A"', "show_answers()")
    (tmp_path / "other.ipynb").write_text(json.dumps(notebook([code_cell('q1 = "C"')])), "utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "other.ipynb"))
    show_answers()
    assert "q1  A" in capsys.readouterr().out


def test_outside_a_notebook_the_preview_says_so():
    with pytest.raises(HomeworkError, match="notebook"):
        show_answers()


@pytest.mark.parametrize(
    "text",
    [
        "",
        RECORD_MARK,
        f"{RECORD_MARK} {{broken",
        f"{RECORD_MARK} [1]",
        f"{RECORD_MARK} " + '{"a":' * 300 + "1" + "}" * 300,
        f"{RECORD_MARK} {{" + "x" * 5000 + "}",
    ],
)
def test_a_damaged_record_counts_as_none(text):
    assert parse_record(text) == {}


def test_the_last_record_counts_and_is_cleaned():
    text = f'{RECORD_MARK} {{"model": "old"}}\n{RECORD_MARK} {{"model": "a\\u202eb", "n": 3}}'
    assert parse_record(text) == {"model": "ab"}


def test_a_record_is_read_from_outputs_only():
    line = f'{RECORD_MARK} {{"model": "m"}}'
    content = sheet({"q8": repr(line)})
    assert read_notebook(as_bytes(content)).record == {}
    output = {"output_type": "stream", "name": "stdout", "text": [line, "\n"]}
    content["cells"].append(code_cell("", [output, None, 3, {"text": 7}]))
    assert read_notebook(as_bytes(content)).record == {"model": "m"}


def test_otters_helpers_judge_format_and_correctness():
    assert is_legal("q1", "A") and not is_legal("q1", "E") and not is_legal("q1", [])
    assert not is_legal("q1", "")
    assert is_correct("q4", "3%", value_is=0.03, tolerance=0.01)
    assert is_correct("q3", "「机器」", correct="机器") and not is_correct(
        "q3", "学", correct="机器"
    )
