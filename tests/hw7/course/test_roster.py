"""Whose a file is, by the names that Moodle, NTU COOL/Canvas and people give."""

import pytest

from helpers.errors import HomeworkError
from hw7.course.grading.roster import ClassList, Student, load_roster

CANVAS_EXPORT = """Student,ID,SIS User ID,SIS Login ID,Section,HW6 (77)
    Points Possible,,,,,100
"王, 小明",4711,b12902001,b12902001@ntu.edu.tw,GenAI,90
"Lin, Mei",4712,b12902002,b12902002@ntu.edu.tw,GenAI,
"""


@pytest.fixture
def canvas_class(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(CANVAS_EXPORT, "utf-8-sig")
    return ClassList(load_roster(path))


@pytest.mark.parametrize(
    ("parts", "student_id"),
    [
        (["王小明_98765_assignsubmission_file_", "hw7_answers.ipynb"], "b12902001"),
        (["王小明_98765_assignsubmission_file_hw7_answers.ipynb"], "b12902001"),
        (["Lin Mei_98766_assignsubmission_file_", "sub", "x.ipynb"], "b12902002"),
        (["王小明_4711_555001_hw7_answers.ipynb"], "b12902001"),
        (["linmei_LATE_4712_555002_hw7_answers-1.ipynb"], "b12902002"),
        (["someone_4712_555002_hw7.ipynb"], "b12902002"),
        (["b12902001.ipynb"], "b12902001"),
        (["B12902001_王小明.ipynb"], "b12902001"),
        (["hw7-ｂ12902002.ipynb"], "b12902002"),
        (["b12902002", "hw7_answers.ipynb"], "b12902002"),
        (["王小明.ipynb"], "b12902001"),
        (["hw7 王小明 final.ipynb"], "b12902001"),
    ],
)
def test_files_find_their_student(canvas_class, parts, student_id):
    identity = canvas_class.identify(parts)
    assert identity.student.id == student_id and identity.is_in_roster


def test_canvas_marks_late_files(canvas_class):
    assert canvas_class.identify(["linmei_LATE_4712_5_hw7.ipynb"]).is_late
    assert not canvas_class.identify(["linmei_4712_5_hw7.ipynb"]).is_late


def test_the_id_in_the_sheet_is_believed_last(canvas_class):
    assert canvas_class.identify(["x.ipynb"], "B12902002").student.id == "b12902002"
    assert canvas_class.identify(["b12902001.ipynb"], "b12902002").student.id == "b12902001"


def test_a_stranger_is_named_after_the_file_and_told_apart(canvas_class):
    identity = canvas_class.identify(["guest.ipynb"])
    assert identity.student.id == "guest" and not identity.is_in_roster


def test_two_ids_in_one_name_are_not_guessed_between(canvas_class):
    identity = canvas_class.identify(["b12902001_b12902002.ipynb"])
    assert not identity.is_in_roster


def test_two_students_of_one_name_are_not_confused():
    class_list = ClassList([Student("b1", "陈静"), Student("b2", "陈静")])
    assert not class_list.identify(["陈静_7_assignsubmission_file_", "a.ipynb"]).is_in_roster
    assert class_list.identify(["陈静_b2.ipynb"]).student.id == "b2"


def test_without_a_roster_names_and_numbers_make_the_id():
    class_list = ClassList()
    moodle = class_list.identify(["王小明_98765_assignsubmission_file_", "a.ipynb"])
    assert (moodle.student.id, moodle.student.name) == ("王小明_98765", "王小明")
    assert class_list.identify(["b1", "hw7.ipynb"]).student.id == "b1"
    assert class_list.identify(["b1.ipynb"]).student.id == "b1"
    assert class_list.identify(["x.ipynb"], "b7").student.id == "x"


def test_points_possible_is_no_student(canvas_class):
    assert [student.id for student in canvas_class.students] == ["b12902001", "b12902002"]
    assert canvas_class.students[0].canvas_id == "4711"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nx\n", "student_id"),
        ("", "student_id"),
        ("student_id\nb1\nB1\n", "twice"),
        ("student_id,submitted_at\nb1,yesterday\n", "no time"),
    ],
)
def test_a_bad_roster_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "roster.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(HomeworkError, match=message):
        load_roster(path)


def test_a_roster_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes("学号,姓名\nb1,王小明\n".encode("gb18030"))
    with pytest.raises(HomeworkError, match="UTF-8"):
        load_roster(path)


def test_chinese_headers_are_understood(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("学号,姓名\nb1,王小明\n", "utf-8")
    assert load_roster(path)[0].name == "王小明"
