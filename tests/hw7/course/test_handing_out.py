"""Sheets go out and pages come back by the platforms' own names."""

import csv
import zipfile

from hw7.course.grading.roster import load_roster
from hw7.course.handing_out import hand_back, hand_out
from tests.support.made_submissions import RIGHT, Class, sheet


def written(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(f"page of {name}", "utf-8")
    return {name.rpartition(".")[0]: folder / name for name in names}


def test_the_table_says_who_gets_which_file_and_counts_missing_addresses(tmp_path):
    (tmp_path / "r.csv").write_text("student_id,name,Email\nb1,王芳,a@x.org\nb2,李华,\n", "utf-8")
    files = written(tmp_path / "key.sheets", "b1.ipynb", "b2.ipynb")
    (line,) = hand_out(load_roster(tmp_path / "r.csv"), files, tmp_path / "key.sheets")
    assert "1 without an address" in line
    text = (tmp_path / "key.sheets.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["email"] for row in rows] == ["a@x.org", ""]
    assert [row["file"] for row in rows] == [str(files["b1"]), str(files["b2"])]


def test_moodles_worksheet_as_roster_gives_a_zip_that_moodle_takes(tmp_path):
    text = "Identifier,Full name,ID number,Email address\nParticipant 4711,王芳,b1,a@x.org\n"
    (tmp_path / "r.csv").write_text(text, "utf-8")
    files = written(tmp_path / "key.sheets", "b1.ipynb")
    *_, line = hand_out(load_roster(tmp_path / "r.csv"), files, tmp_path / "key.sheets")
    assert "Moodle" in line
    with zipfile.ZipFile(tmp_path / "key.sheets.moodle.zip") as archive:
        assert archive.namelist() == ["王芳_4711_assignsubmission_file_/b1.ipynb"]
        assert archive.read(archive.namelist()[0]) == files["b1"].read_bytes()


def test_pages_go_back_under_the_names_by_which_each_platform_finds_the_student(tmp_path):
    pages = written(tmp_path / "g.feedback", "b1.html", "b2.html", "b3.html", "b4.html")
    paths = [
        "all/Wang Fang_4711_assignsubmission_file/mine.ipynb",
        "lihua_LATE_88_9001_hw7_b2.ipynb",
        "b12#_王芳_77_9002_x_1_2_y.ipynb",
        "just_a_file.ipynb",
    ]
    lines = list(hand_back(list(zip(paths, pages.values(), strict=True)), tmp_path / "g.feedback"))
    assert len(lines) == 2
    with zipfile.ZipFile(tmp_path / "g.feedback.moodle.zip") as archive:
        assert archive.namelist() == ["Wang Fang_4711_assignsubmission_file_/b1.html"]
        assert archive.read(archive.namelist()[0]) == pages["b1"].read_bytes()
    with zipfile.ZipFile(tmp_path / "g.feedback.canvas.zip") as archive:
        assert archive.namelist() == ["b12#_王芳_77_9002_b3.html", "lihua_LATE_88_9001_b2.html"]
        assert archive.read("lihua_LATE_88_9001_b2.html") == pages["b2"].read_bytes()


def test_grading_writes_the_zip_for_where_the_files_came_from(tmp_path, capsys):
    course = Class(tmp_path)
    course.hand_in("fangwang_11_9001_hw7.ipynb", sheet(RIGHT))
    course.grade()
    assert "Upload Submissions" in capsys.readouterr().out
    with zipfile.ZipFile(course.output.with_name("grades.feedback.canvas.zip")) as archive:
        (name,) = archive.namelist()
    assert name.startswith("fangwang_11_9001_") and name.endswith(".html")
