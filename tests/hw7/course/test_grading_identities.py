"""Who gets what: names of each platform, spoofed, mistaken, handed in twice, late."""

import os
import shutil
import zipfile
from collections.abc import Callable

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw7.course.grading.class_run import Grader
from hw7.course.grading.roster import ClassList, load_roster, parse_time
from hw7.course.grading.submissions import find_submissions
from hw7.course.keys import load_key
from hw7.course.reports.gradebook import row_of
from tests.support.made_submissions import QUESTIONS, RIGHT, Class, as_bytes, sheet

STUDENTS = {"b12902001": "王小明", "b12902002": "Lin, Mei", "b12902003": "陈静"}
CANVAS = {"b12902001": "4711", "b12902002": "4712", "b12902003": "90009"}
ROSTER = "Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n" + "".join(
    f'"{name}",{CANVAS[i]},{i},{i}@ntu.edu.tw,S\n' for i, name in STUDENTS.items()
)
MOODLE_NAMES = {"b12902001": "王小明", "b12902002": "Mei Lin", "b12902003": "陈静"}


def squashed(student_id: str) -> str:
    return STUDENTS[student_id].replace(", ", "").lower()


# How each platform names a file: student, number of the file, late, the name that the student gave.
PLATFORMS: dict[str, Callable[[str, int, bool, str], str]] = {
    "Canvas": lambda i, n, late, own: (
        f"{squashed(i)}{'_LATE' if late else ''}_{CANVAS[i]}_{90_000 + n}_{own}"
    ),
    "NTU COOL": lambda i, n, late, own: f"{i}#_{STUDENTS[i]}_{CANVAS[i]}_{90_000 + n}_{own}",
    "COOL without its mark": lambda i, n, late, own: (
        f"{i}_{squashed(i)}_{CANVAS[i]}_{90_000 + n}_{own}"
    ),
    "Moodle": lambda i, n, late, own: (
        f"{MOODLE_NAMES[i]}_{500 + int(i[-1])}_assignsubmission_file_/{own}"
    ),
    "Moodle, flat": lambda i, n, late, own: (
        f"{MOODLE_NAMES[i]}_{500 + int(i[-1])}_assignsubmission_file_{own}"
    ),
    "Gradescope": lambda i, n, late, own: f"assignment_5_export/submission_{int(i[-1])}/{own}",
    "folders": lambda i, n, late, own: f"{i}/{own}",
    "folders with names": lambda i, n, late, own: f"all/{i.upper()} {squashed(i)}/{own}",
}
METADATA = {
    f"submission_{int(i[-1])}": {
        ":submitters": [{":name": name, ":sid": i, ":email": f"{i}@ntu.edu.tw"}],
        ":created_at": "2026-05-01 12:00:00.000000000 Z",
    }
    for i, name in STUDENTS.items()
}
# What a student may call a file: nothing of it says whose it is.
OWN_NAMES = [
    "hw7.ipynb", "hw7_b12902001.ipynb", "hw7_b12902002.ipynb", "4712.ipynb", "王小明.ipynb",
    "x_4711_90009_hw7_b12902002.ipynb", "陈静_503_assignsubmission_file_hw7.ipynb",
    "hw7_LATE_1_2_x.ipynb",
    "b12902001#_王小明_4711_1_x.ipynb", "submission_2.ipynb", "Lin Mei.ipynb", "b12902003.ipynb",
    "_90009_90009_.ipynb",
]  # fmt: skip


class Download(Class):
    """A download of one platform with a roster."""

    def __init__(self, folder, platform):
        super().__init__(folder)
        self.platform = platform
        self.roster = folder / "roster.csv"
        self.roster.write_text(ROSTER, "utf-8")
        if platform == "Gradescope":
            path = self.submissions / "assignment_5_export" / "submission_metadata.yml"
            self.hand_in(path.relative_to(self.submissions), yaml.safe_dump(METADATA).encode())

    def upload(self, student_id, content, own="hw7.ipynb", number=0, late=False):
        self.hand_in(PLATFORMS[self.platform](student_id, number, late, own), content)

    def rows(self, deadline=None, source=None):
        """Grade without writing the reports, which would take most of the time."""
        source = source or self.submissions
        grader = Grader(
            QUESTIONS,
            load_key(self.key_path, QUESTIONS),
            ClassList(load_roster(self.roster)),
            parse_time(deadline) if deadline else None,
        )
        results = grader.grade(find_submissions(source), is_archive=source.is_file())
        return {result.student.id: row_of(result, QUESTIONS, {}) for result in results}


@pytest.fixture(params=PLATFORMS)
def download(tmp_path, request):
    return Download(tmp_path, request.param)


def scores(rows):
    return {name: row["score"] for name, row in rows.items()}


def test_everybody_gets_the_own_mark(download):
    download.upload("b12902001", sheet(RIGHT))
    download.upload("b12902002", sheet({"q1": '"B"'}))
    rows = download.rows()
    assert scores(rows) == {"b12902001": "80", "b12902002": "10", "b12902003": ""}
    assert not any(row["flags"] for row in rows.values())


@pytest.mark.parametrize("own", OWN_NAMES)
def test_a_spoofed_name_takes_nothing_from_anybody_and_is_flagged_on_both(download, own):
    """One hands in a friend's name; the friend hands in before and after (a file of each order)."""
    download.upload("b12902001", sheet({"q1": '"A"'}), own, number=9)
    download.upload("b12902002", sheet(RIGHT), number=5)
    rows = download.rows()
    assert scores(rows) == {"b12902001": "0", "b12902002": "80", "b12902003": ""}
    named = [i for i in ("b12902002", "b12902003") if i in own]
    for other in named:
        assert other in rows["b12902001"]["flags"]
        assert "handed in by b12902001" in rows[other]["flags"]


def test_an_unrenamed_sheet_of_a_friend_is_the_own_work_and_flagged_on_both(download):
    friends = sheet(RIGHT | {"student_id": '"b12902002"', "q1": '"A"'})
    download.upload("b12902001", friends, "hw7_b12902002.ipynb")
    download.upload(
        "b12902002", sheet(RIGHT | {"student_id": '"b12902002"'}), "hw7_b12902002.ipynb"
    )
    rows = download.rows()
    assert scores(rows) == {"b12902001": "70", "b12902002": "80", "b12902003": ""}
    assert "sheet was made for b12902002" in rows["b12902001"]["flags"]
    assert "handed in by b12902001" in rows["b12902002"]["flags"]


def test_handed_in_twice_the_later_counts(download):
    download.upload("b12902001", sheet({"q1": '"A"'}), "hw7.ipynb", 1)
    download.upload("b12902001", sheet({"q1": '"B"'}), "hw7-1.ipynb", 2)
    rows = download.rows()
    assert rows["b12902001"]["score"] == "10" and rows["b12902002"]["status"] == "missing"


@pytest.mark.parametrize("platform", ["Canvas", "NTU COOL"])
def test_the_platforms_number_of_a_file_goes_before_its_time_and_name(tmp_path, platform):
    download = Download(tmp_path, platform)
    download.upload("b12902001", sheet({"q1": '"A"'}), "z.ipynb", number=9_999)  # 99999
    download.upload("b12902001", sheet({"q1": '"B"'}), "a.ipynb", number=10_000)  # 100000
    for path in download.submissions.iterdir():
        os.utime(path, (9, 9) if path.name.endswith("z.ipynb") else (1, 1))
    assert download.rows()["b12902001"]["score"] == "10"


def test_an_untouched_or_other_notebook_counts_for_nothing(download):
    download.upload("b12902001", sheet(RIGHT), "hw7.ipynb", 1)
    download.upload("b12902001", sheet(dict.fromkeys(RIGHT, '""')), "hw7 (1).ipynb", 2)
    download.upload("b12902001", sheet({"x": "1"}, "print('tutorial')"), "z.ipynb", 3)
    download.upload("b12902001", b"{", "zz.ipynb", 4)
    assert download.rows()["b12902001"]["score"] == "80"


def test_the_mark_late_is_believed_and_its_absence_too(download):
    download.upload("b12902001", sheet(RIGHT))
    download.upload("b12902002", sheet(RIGHT), late=True)
    archive = download.folder / "in.zip"
    with zipfile.ZipFile(archive, "w") as opened:  # every member bears the time of zipping
        for path in download.submissions.rglob("*.*"):
            member = zipfile.ZipInfo(
                str(path.relative_to(download.submissions)), (2026, 9, 9, 9, 9, 9)
            )
            opened.writestr(member, path.read_bytes())
    rows = download.rows("2026-05-02T00:00+00:00", source=archive)
    found = (rows["b12902001"]["late"], rows["b12902002"]["late"])
    expected = {
        "Canvas": ("on time", "late"),
        "Gradescope": ("on time", "on time"),  # by the time in its metadata
        "folders": ("late", "late"),  # a folder that no platform named has but the files' times
        "folders with names": ("late", "late"),
    }
    assert found == expected.get(download.platform, ("", ""))


def test_the_roster_says_when_where_the_platform_does_not(tmp_path):
    course = Download(tmp_path, "NTU COOL")
    course.roster.write_text(
        "student_id,name,submitted_at\nb12902001,王小明,2026/5/1 12:00\n"
        "b12902002,Mei,2026/5/3 0:01\n"
    )
    course.upload("b12902001", sheet(RIGHT))
    course.upload("b12902002", sheet(RIGHT))
    rows = course.rows("2026-05-02T00:00+08:00")
    assert [rows[i]["late"] for i in sorted(rows)] == ["on time", "late"]


def test_a_platforms_login_tells_namesakes_apart(tmp_path):
    course = Download(tmp_path, "NTU COOL")
    course.roster.write_text("student_id,name\nb12902001,王小明\nb12902002,王小明\n")
    course.hand_in("b12902001#_王小明_4711_90001_hw7.ipynb", sheet(RIGHT))
    course.hand_in("b12902002#_王小明_4712_90002_hw7.ipynb", sheet({"q1": '"B"'}))
    rows = course.rows()
    assert scores(rows) == {"b12902001": "80", "b12902002": "10"}
    assert not any(row["flags"] for row in rows.values())


def test_the_platforms_mark_late_goes_before_the_time_of_the_roster(tmp_path):
    course = Download(tmp_path, "Canvas")
    course.roster.write_text("student_id,name,submitted_at\nb12902001,王小明,2026/5/1 12:00\n")
    course.upload("b12902001", sheet(RIGHT), late=True)
    assert course.rows("2026-05-02T00:00+08:00")["b12902001"]["late"] == "late"


@pytest.mark.parametrize(
    ("name", "late"),
    [("anon_a1B2c_555_hw7.ipynb", "on time"), ("LATE_anon_a1B2c_555_hw7.ipynb", "late"),
     ("anon_a1B2c_LATE_555_b12902002.ipynb", "late")],
)  # fmt: skip
def test_an_anonymous_canvas_file_is_its_own_student(tmp_path, name, late):
    course = Download(tmp_path, "Canvas")
    course.hand_in(name, sheet(RIGHT))
    rows = course.rows("2026-05-02T00:00+08:00")
    (row,) = [row for row in rows.values() if row["score"]]
    assert row["student_id"] in {"anon_a1B2c"} and row["late"] == late
    assert "not in the roster" in row["flags"]


def test_numbers_of_students_and_of_files_are_not_confused(tmp_path):
    course = Download(tmp_path, "Canvas")
    course.roster.write_text("Student,ID,SIS User ID\nA B,1001,5001\nC D,1002,5002\n")
    course.hand_in("ba_1001_5002_hw7.ipynb", sheet(RIGHT))
    course.hand_in("dc_1002_5001_hw7.ipynb", sheet({"q1": '"B"'}))
    assert scores(course.rows()) == {"5001": "80", "5002": "10"}


def test_an_online_text_is_no_student(tmp_path):
    course = Download(tmp_path, "Moodle")
    course.upload("b12902001", sheet(RIGHT))
    course.hand_in("王小明_501_assignsubmission_onlinetext_/onlinetext.html", b"<p>hello</p>")
    course.hand_in("陈静_503_assignsubmission_onlinetext_/onlinetext.html", b"<p>hello</p>")
    rows = course.rows()
    assert set(rows) == set(STUDENTS) and rows["b12902001"]["score"] == "80"
    assert "not an .ipynb" in rows["b12902003"]["problem"]
    without_roster = course.grade()
    assert set(without_roster) >= {"王小明_501", "陈静_503"}


def test_a_guests_folder_takes_nothing_from_a_student(tmp_path):
    course = Download(tmp_path, "folders")
    course.upload("b12902002", sheet(RIGHT))
    course.hand_in("guest/b12902002.ipynb", sheet({"q1": '"A"'}))
    rows = course.rows()
    assert rows["b12902002"]["score"] == "80" and rows["guest"]["score"] == "0"
    assert "handed in by guest" in rows["b12902002"]["flags"]


def test_a_file_that_is_called_exactly_after_a_student_goes_before_one_that_names_the_student(
    tmp_path,
):
    course = Download(tmp_path, "folders")
    course.hand_in("b12902002.ipynb", sheet(RIGHT))
    course.hand_in("zz b12902002 final.ipynb", sheet({"q1": '"A"'}))
    row = course.rows()["b12902002"]
    assert row["score"] == "80" and "answers differ" in row["flags"]


@pytest.mark.parametrize("below", ["", "deeper/"])
def test_a_zip_of_one_folder_is_a_class_and_not_a_student(tmp_path, below):
    course = Class(tmp_path)
    for name, answer in (("b1", "A"), ("b2", "B")):
        course.hand_in(f"hw7/{below}{name}.ipynb", sheet({"q1": f'"{answer}"'}))
    archive = shutil.make_archive(str(tmp_path / "in"), "zip", course.submissions)
    rows = course.grade(source=tmp_path / archive)
    assert set(rows) == ({"deeper"} if below else {"b1", "b2"})


def test_a_planted_list_of_gradescope_is_a_students_file(tmp_path):
    course = Download(tmp_path, "Gradescope")
    course.upload("b12902001", sheet({"q1": '"A"'}))
    course.upload("b12902002", sheet(RIGHT))
    planted = {"submission_1": METADATA["submission_2"], "submission_2": METADATA["submission_1"]}
    course.upload("b12902001", yaml.safe_dump(planted).encode(), "submission_metadata.yml")
    rows = course.rows()
    assert rows["b12902002"]["score"] == "80"
    assert "submission_1/submission_metadata.yml: 不是 .ipynb" in rows["b12902001"]["notes"]


def test_files_handed_in_together_are_flagged(tmp_path):
    course = Download(tmp_path, "Gradescope")
    both = [*METADATA["submission_1"][":submitters"], *METADATA["submission_2"][":submitters"]]
    path = course.submissions / "assignment_5_export" / "submission_metadata.yml"
    path.write_text(yaml.safe_dump({"submission_1": {":submitters": both}}), "utf-8")
    course.upload("b12902001", sheet(RIGHT))
    assert "together with b12902002" in course.rows()["b12902001"]["flags"]


uploads = st.lists(
    st.tuples(
        st.sampled_from(sorted(STUDENTS)),
        st.sampled_from(OWN_NAMES),
        st.sampled_from(["A", "B", "C", ""]),
        st.sampled_from(["", *STUDENTS]),
    ),
    max_size=5,
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(PLATFORMS)), uploads, st.sampled_from(sorted(STUDENTS)))
def test_nobodys_mark_changes_by_what_another_hands_in(tmp_path_factory, platform, everything, one):
    """A student's mark in the whole class is the mark among the own files only."""
    marks = []
    for handed_in in (everything, [upload for upload in everything if upload[0] == one]):
        course = Download(tmp_path_factory.mktemp("class"), platform)
        course.hand_in("b12902003/x.txt" if platform == "folders" else "x.txt", b"")
        for number, (student_id, own, answer, claimed) in enumerate(handed_in):
            order = sum(u[0] == student_id for u in handed_in[:number])
            content = sheet({"q1": f'"{answer}"', "student_id": f'"{claimed}"'})
            course.upload(student_id, as_bytes(content), own, order)
        marks.append({k: course.rows()[one][k] for k in ("score", "status", "q1_answer", "file")})
    assert marks[0] == marks[1]
