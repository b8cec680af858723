"""The gradebook: rubric points that survive reruns, imports for Canvas and Gradescope."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw7.course.keys import KeyAnswer, save_key
from hw7.course.record import RECORD_MARK
from hw7.course.reports.gradebook import columns_of, safe_cell
from hw7.course.reports.item_analysis import COLUMNS
from tests.support.made_submissions import (
    QUESTIONS,
    RIGHT,
    code_cell,
    made_key,
    read_csv,
    sheet,
)

CANVAS_EXPORT = """Student,ID,SIS User ID,SIS Login ID,Section,HW6 (77)
    Points Possible,,,,,100
王小明,4711,b1,b1@ntu.edu.tw,GenAI,90
林美,4712,b2,b2@ntu.edu.tw,GenAI,
陈静,4713,b3,b3@ntu.edu.tw,GenAI,
"""


def enter(course, student_id, **cells):
    """Type into the gradebook as an instructor does in a spreadsheet."""
    rows = read_csv(course.output)
    rows[student_id] |= cells
    with course.output.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns_of(QUESTIONS))
        writer.writeheader()
        writer.writerows(rows.values())


def test_rubric_points_a_human_entered_survive_a_rerun_and_count(course):
    course.hand_in("b1.ipynb", sheet(RIGHT))
    course.grade()
    enter(course, "b1", q8_rubric_points="7.5", q10_rubric_points="10")
    row = course.grade()["b1"]
    assert (row["score"], row["pending"], row["status"]) == ("97.5", "0", "graded")
    assert row["q8_rubric_points"] == "7.5"


def test_rubric_points_wait_for_a_human_when_the_text_changed_and_are_never_lost(course):
    course.hand_in("b1.ipynb", sheet(RIGHT))
    course.grade()
    enter(course, "b1", q8_rubric_points="7")
    course.hand_in("b1.ipynb", sheet(RIGHT | {"q8": '"Another text of some length altogether."'}))
    for _ in range(2):  # a further rerun, with the text unchanged since, must not count them either
        row = course.grade()["b1"]
        assert row["q8_rubric_points"] == "7?" and row["status"] == "rubric"
        assert "delete the ?" in row["notes"] and row["score"] == "80"
    enter(course, "b1", q8_rubric_points="7")
    assert course.grade()["b1"]["score"] == "87"


def test_illegal_rubric_points_are_kept_noted_and_do_not_count(course):
    illegal = {"b1": "11", "b2": "-1", "b3": "seven", "b4": "nan", "b5": "1e1", "b6": "=5"}
    for name in illegal:
        course.hand_in(f"{name}.ipynb", sheet(RIGHT))
    course.grade()
    for name, entered in illegal.items():
        enter(course, name, q8_rubric_points=entered, q10_rubric_points="10")
    for name, row in course.grade().items():
        assert (row["status"], row["score"]) == ("rubric", "90"), illegal[name]
        assert row["q8_rubric_points"].removeprefix("'") == illegal[name]
        assert "not legal points" in row["notes"]


def test_rubric_points_survive_for_texts_with_line_breaks_and_formulas(course):
    course.hand_in("b1.ipynb", sheet(RIGHT | {"q8": "'''=1+1\nsecond, \"line\"\n'''"}))
    course.grade()
    enter(course, "b1", q8_rubric_points="4")
    assert course.grade()["b1"]["q8_rubric_points"] == "4"


def test_canvas_gets_back_its_own_columns_and_only_final_scores(course, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text(CANVAS_EXPORT, "utf-8")
    course.hand_in("王小明_4711_1_hw7.ipynb", sheet(RIGHT))
    course.hand_in("linmei_4712_2_hw7.ipynb", sheet({"q1": '"B"'}))
    course.grade("--roster", str(roster), "--canvas-column", "HW7 (123)")
    text = course.output.with_name("grades.canvas.csv").read_bytes()
    assert not text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8"))))
    assert list(rows[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "HW7 (123)"]
    assert rows[0]["Student"] == "Points Possible" and rows[0]["HW7 (123)"] == "100"
    scores = {row["ID"]: row["HW7 (123)"] for row in rows[1:]}
    # One waits for rubric points, one has no free text to read, one handed nothing in.
    assert scores == {"4711": "", "4712": "10", "4713": ""}
    assert rows[1] | {"HW7 (123)": ""} == {
        "Student": "王小明", "ID": "4711", "SIS User ID": "b1", "SIS Login ID": "b1@ntu.edu.tw",
        "Section": "GenAI", "HW7 (123)": "",
    }  # fmt: skip


def test_gradescope_results_have_the_documented_fields(course):
    course.hand_in("b1.ipynb", sheet(RIGHT | {"q1": '"A"'}))
    target = course.folder / "results.json"
    course.grade("--gradescope", str(target))
    results = json.loads(target.read_text("utf-8"))
    assert results["score"] == 70 and len(results["tests"]) == 10
    assert sum(test["max_score"] for test in results["tests"]) == 100
    first, text = results["tests"][0], results["tests"][7]
    assert first["score"] == 0 and "accuracy stays" in first["output"]
    assert "score" not in text, "the human's points are not the machine's to give"


def test_no_flag_and_no_remark_reaches_a_student(course, tmp_path):
    """All kinds of flags at once, none of which is on a page or in Gradescope's results."""
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id,name\nb1000,王小明\nb2000,林美\n", "utf-8")
    copied = sheet(RIGHT | {"student_id": '"b2000"'})
    facts = '{"digest": "other", "model": "other-model", "student_id": "b2000"}'
    output = {"output_type": "stream", "name": "stdout", "text": f"{RECORD_MARK} {facts}"}
    copied["cells"].append(code_cell("", [output]))
    course.hand_in("b1000/hw7_b2000.ipynb", copied)
    course.hand_in("b1000/old.ipynb", sheet({"q1": '"A"'}))
    course.hand_in("b2000/hw7.ipynb", copied)
    course.hand_in("guest/hw7.ipynb", sheet(dict.fromkeys(RIGHT, '""')))
    folder = course.folder / "gs"
    rows = course.grade("--roster", str(roster), "--gradescope", str(folder))
    flags = {flag for row in rows.values() for flag in row["flags"].split("; ") if flag}
    assert len(flags) >= 7, flags
    pages = [*folder.iterdir(), *course.output.with_name("grades.feedback").iterdir()]
    assert len(pages) == 6
    for page in pages:
        text = page.read_text("utf-8")
        assert not [flag for flag in flags if flag in text or flag.partition(" (")[0] in text], page
        assert page.stem == "b2000" or "b2000" not in text.replace("hw7_b2000.ipynb", "")


def test_an_unreadable_submission_gets_a_gradescope_result_with_the_reason(course):
    course.hand_in("b1.ipynb", b"{")
    course.grade("--gradescope", str(course.folder / "gs"))
    (path,) = (course.folder / "gs").iterdir()
    results = json.loads(path.read_text("utf-8"))
    assert results["score"] == 0 and "not JSON" in results["output"]


def test_feedback_explains_the_wrong_option_and_not_the_right_one(course):
    course.hand_in("b1.ipynb", sheet({"q1": '"A"', "q6": '"A"'}))
    course.grade()
    page = (course.output.with_name("grades.feedback") / "b1.html").read_text("utf-8")
    assert "An explanation changes no parameter" in page
    assert "准确率不会因此提高" in page
    assert "Smaller" not in page and "smaller and faster; explanations" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_item_analysis_counts_success_options_and_discrimination(course):
    for number in range(8):
        good = number < 4
        answers = RIGHT if good else {"q1": '"A"', "q2": '"C"', "q3": '""', "q4": "x"}
        course.hand_in(f"b{number}.ipynb", sheet(answers))
    course.grade(picture=True)
    items = read_csv(course.output.with_name("grades.items.csv"), "question")
    assert list(items["q1"]) == COLUMNS
    assert (items["q1"]["success"], items["q2"]["success"]) == ("0.500", "1.000")
    assert items["q1"]["discrimination"] == "1.000" and items["q2"]["discrimination"] == ""
    assert items["q1"]["chosen"] == "B: 4; A: 4"
    assert (items["q3"]["unanswered"], items["q4"]["malformed"]) == ("4", "4")
    assert items["q8"]["awaiting_rubric"] == "4"
    picture = course.output.with_name("grades.items.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 10_000


def test_canvas_finds_students_without_sis_ids_by_its_own_number(course, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("Student,ID,SIS Login ID,Section\n王小明,4711,wang,S\n", "utf-8")
    course.hand_in("王小明_4711_1_hw7.ipynb", sheet({"q1": '"B"'}))
    course.grade("--roster", str(roster))
    rows = read_csv(course.output.with_name("grades.canvas.csv"), "ID")
    assert (rows["4711"]["Student"], rows["4711"]["HW7"]) == ("王小明", "10")
    assert rows["4711"]["SIS User ID"] == ""


def test_what_was_typed_and_cannot_be_read_is_counted_on_screen(course, capsys):
    for number, code in enumerate(["x.most()", "x.most()", '"机器 (0.1)"']):
        course.hand_in(f"b{number}.ipynb", sheet({"q3": code}))
    rows = course.grade()
    assert rows["b0"]["q3_answer"].startswith("x.most() ← ")
    shown = capsys.readouterr().out
    assert "q3: 2 could not be read: 2× x.most()" in shown
    assert "q3: 1 were read as a person would: 1× “机器 (0.1)” 读作 机器" in shown


def test_a_void_question_is_right_for_all_who_handed_in(course):
    void = {"q1": KeyAnswer(void=True), "q8": KeyAnswer(void=True)}
    save_key(made_key(answers=made_key().answers | void), course.key_path)
    course.hand_in("b1.ipynb", sheet({"q1": '"A"'}))
    course.hand_in("b2.ipynb", sheet(dict.fromkeys(RIGHT, '""')))
    rows = course.grade()
    assert {row["score"] for row in rows.values()} == {"20"}
    assert rows["b2"]["q8_result"] == "void"
    assert {row["score"] for row in course.grade().values()} == {"20"}


def is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


@given(
    st.sampled_from(["=", "+", "-", "@", "＝", "＠", "|", "%", " =", "\t+"]), st.text(max_size=30)
)
def test_no_text_becomes_a_formula(start, text):
    cell = safe_cell(start + text)
    assert cell == "'" + start + text or (cell == start + text and is_number(cell))


@given(st.text(max_size=30))
def test_a_text_stays_whole_in_its_cell(text):
    assert safe_cell(text) in (text, "'" + text)


@pytest.mark.parametrize("text", ["0.5", "-0.5", "12", "+3"])
def test_plain_numbers_stay_numbers(text):
    assert safe_cell(text) == text
