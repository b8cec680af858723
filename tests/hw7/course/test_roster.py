"""Reading class lists as platforms and spreadsheets save them, and finding students in them."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import HomeworkError
from hw7.course.grading.roster import ClassList, Student, file_stem, load_roster, parse_time
from hw7.course.grading.tables import Ids, comparable

CANVAS_EXPORT = """Student,ID,SIS User ID,SIS Login ID,Section,HW6 (77)
    Points Possible,,,,,100
"王, 小明",4711,b12902001,b12902001@ntu.edu.tw,GenAI,90
"Lin, Mei",4712,b12902002,b12902002@ntu.edu.tw,GenAI,
"""


def written(tmp_path, content):
    path = tmp_path / "roster.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def ids(path):
    return [student.id for student in load_roster(path)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("lead", ["", "sep={}\n", '"sep={}"\r\n', "\ufeff"])
def test_every_separator_that_spreadsheets_write_is_understood(tmp_path, separator, lead):
    text = lead.format(separator) + "student_id,name\nb1,王小明\nb2,林美\n".replace(",", separator)
    students = load_roster(written(tmp_path, text))
    assert [(s.id, s.name) for s in students] == [("b1", "王小明"), ("b2", "林美")]


def test_excels_unicode_text_is_understood(tmp_path):
    path = written(tmp_path, "student_id\tname\r\nb1\t王小明\r\n".encode("utf-16"))
    assert load_roster(path)[0].name == "王小明"


def test_points_possible_is_no_student(tmp_path):
    path = written(tmp_path, CANVAS_EXPORT)
    assert ids(path) == ["b12902001", "b12902002"]
    assert load_roster(path)[0].numbers["Canvas"] == "4711"


def test_a_canvas_without_sis_ids_tells_students_by_login_or_number(tmp_path):
    text = "Student,ID,SIS User ID,SIS Login ID,Section\nA B,1,,ab@x.edu,S\nC D,2,,,S\n"
    assert ids(written(tmp_path, text)) == ["ab@x.edu", "2"]
    text = "Student,ID,SIS Login ID,Section\nA B,1,ab,S\n"
    (student,) = load_roster(written(tmp_path, text))
    assert (student.id, student.numbers["Canvas"]) == ("ab", "1")


def test_moodles_grading_worksheet_is_a_roster(tmp_path):
    text = "Identifier,Full name,ID number,Email address\nParticipant 77,Mei Lin,b1,mei@x.edu\n"
    (student,) = load_roster(written(tmp_path, text))
    assert (student.id, student.numbers["Moodle"]) == ("b1", "77")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nx\n", "student_id"), ("", "student_id"), ("student_id,name\n,x\n", "student_id"),
        ("student_id\nb1\nB1\n", "twice"), ("student_id\n1.20812E+08\n", "shortened"),
        ("student_id,submitted_at\nb1,yesterday\n", "no time"),
        ("student_id,submitted_at\nb1,3/4/2026 10:00\n", "no time"),
        ("学号,姓名\nb1,王小明\n".encode("gb18030"), "UTF-8"),
    ],
)  # fmt: skip
def test_a_bad_roster_is_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(HomeworkError, match=message) as caught:
        load_roster(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_chinese_headers_are_understood(tmp_path):
    assert load_roster(written(tmp_path, "学号,姓名\nb1,王小明\n"))[0].name == "王小明"


TAIPEI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-05-01T23:59", datetime(2026, 5, 1, 23, 59)),
        ("2026-05-01 23:59+08:00", datetime(2026, 5, 1, 23, 59, tzinfo=TAIPEI)),
        ("2026-05-01T15:59:00Z", datetime(2026, 5, 1, 15, 59, tzinfo=timezone.utc)),
        ("2026/05/01 23:59", datetime(2026, 5, 1, 23, 59)),
        ("2026/5/1 11:59 PM", datetime(2026, 5, 1, 23, 59)),
        ("2026年5月1日 23:59", datetime(2026, 5, 1, 23, 59)),
        ("31/5/2026 23:59", datetime(2026, 5, 31, 23, 59)),
        ("5/31/2026 23:59:30", datetime(2026, 5, 31, 23, 59, 30)),
        ("Friday, 1 May 2026, 11:59 PM", datetime(2026, 5, 1, 23, 59)),
    ],
)
def test_times_are_read_as_people_and_platforms_write_them(text, time):
    assert parse_time(text) == time


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-05-01", "23:59", "5/6/2026 10:00", "May 2026 10:00", "9" * 400]
)
def test_a_time_that_leaves_something_out_or_may_be_two_is_refused(text):
    with pytest.raises(HomeworkError, match="no time"):
        parse_time(text)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
def test_every_iso_time_is_read_back(time):
    time = time.replace(microsecond=0)
    assert parse_time(time.isoformat()) == parse_time(time.isoformat(" ").replace("-", "/")) == time


CLASS = ClassList(
    [
        Student("b12902001", "王, 小明"),
        Student("B12902002", "Lin, Mei"),
        Student("0812345", "May"),
        Student("b1.smith@x.edu", "Smith, John Paul"),
        Student("77", "陈静"),
    ]
)


@pytest.mark.parametrize(
    ("text", "student_id"),
    [
        ("b12902001.ipynb", "b12902001"), ("B12902001_王小明.ipynb", "b12902001"),
        ("hw7-ｂ12902002.ipynb", "B12902002"), ("王小明.ipynb", "b12902001"),
        ("hw7 王小明 final.ipynb", "b12902001"), ("Mei Lin hw7 (3).ipynb", "B12902002"),
        ("b12902001 (2).ipynb", "b12902001"), ("b12902001-Copy1.ipynb", "b12902001"),
        ("812345", "0812345"), ("John_Paul_Smith.ipynb", "b1.smith@x.edu"),
        ("hw7 b1.smith@x.edu.ipynb", "b1.smith@x.edu"), ("77.ipynb", "77"),
    ],
)  # fmt: skip
def test_files_that_a_person_named_find_their_student(text, student_id):
    found = CLASS.written_as(text)
    assert found is not None and found.id == student_id


@pytest.mark.parametrize("student", CLASS.students, ids=lambda student: student.id)
def test_the_names_of_the_kits_own_sheets_find_their_student(student):
    assert CLASS.written_as(f"hw7_{file_stem(student.id)}.ipynb") is student


@pytest.mark.parametrize(
    "text",
    ["guest.ipynb", "b12902001_b12902002.ipynb", "May.ipynb", "hw7 May.ipynb", "hw 77.ipynb",
     "x (77).ipynb",
     "b12902001_陈静.ipynb", "12902001.ipynb"],
)  # fmt: skip
def test_words_mononyms_and_two_students_at_once_are_nobody(text):
    assert CLASS.written_as(text) is None


@pytest.mark.parametrize("name", ["王小明", "王, 小明", "小明 王", "小明, 王", "WANG"])
def test_names_are_found_in_either_order(name):
    found = CLASS.named(name)
    assert (found.id if found else None) == (None if name == "WANG" else "b12902001")


def test_two_students_of_one_name_are_not_confused():
    class_list = ClassList([Student("b1", "陈静"), Student("b2", "陈静"), Student("b3", "An Na"),
                            Student("b4", "Na An")])  # fmt: skip
    assert class_list.named("陈静") is None
    named = class_list.named("An Na")
    assert named is not None and named.id == "b3"


@pytest.mark.parametrize(
    ("spelling", "found"),
    [
        ("B12902001", ["b12902001"]), (" b12902001 ", ["b12902001"]), ("ｂ12902001", ["b12902001"]),
        ("812345", ["0812345"]), ("0812345", ["0812345"]), ("812345.0", ["0812345"]),
        ("1.20812E+08", ["120812345"]), ("1.208E+08", ["120812345", "120799999"]),
        ("1,20812E+08", ["120812345"]), ("7", []), ("1E+99", []), ("", []), ("x", []),
    ],
)  # fmt: skip
def test_an_id_that_a_spreadsheet_mangled_is_found(spelling, found):
    known = Ids(["b12902001", "0812345", "120812345", "120799999"])
    assert known.all_of(spelling) == found
    assert known.find(spelling) == (found[0] if len(found) == 1 else None)


@given(st.text(max_size=300))
def test_comparing_is_stable(text):
    assert comparable(comparable(text)) == comparable(text)
