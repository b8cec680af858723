"""Grading a class from the command line: marks, lateness, several files, suspicion, reruns."""

import datetime
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from helpers.environment import project_folder
from hw7.cli import main
from hw7.course.keys import KeyAnswer, PersonalKey, PersonalLookUp
from hw7.course.record import RECORD_MARK
from tests.support.made_submissions import (
    QUESTIONS,
    RIGHT,
    Class,
    as_bytes,
    code_cell,
    made_key,
    notebook,
    read_csv,
    sheet,
)


def personal_key():
    """Two students with sentences of their own."""

    def look_ups(token, value):
        queries = {q.id: q.query for q in QUESTIONS.look_ups}
        answers = {
            "q3": KeyAnswer(correct=token, margin=0.2),
            "q4": KeyAnswer(value=value, tolerance=0.01),
        }
        return {n: PersonalLookUp(query=queries[n], answer=answers[n]) for n in answers}

    return made_key(
        students={
            "b1": PersonalKey(sentence="甲", digest="d1", look_ups=look_ups("老师", 0.21)),
            "b2": PersonalKey(sentence="乙", digest="d2", look_ups=look_ups("学生", 0.34)),
        }
    )


def record(**facts):
    text = RECORD_MARK + " " + as_bytes(facts).decode()
    return code_cell("", [{"output_type": "stream", "name": "stdout", "text": text}])


def test_right_answers_earn_all_points_but_those_a_human_gives(course):
    course.hand_in("b1.ipynb", sheet(RIGHT))
    row = course.grade()["b1"]
    assert (row["score"], row["pending"], row["maximum"], row["status"]) == (
        "80",
        "20",
        "100",
        "rubric",
    )
    assert row["q8_result"] == "rubric" and row["q8_rubric_points"] == ""


def test_wrong_unanswered_and_malformed_are_reported_apart(course):
    course.hand_in("b1.ipynb", sheet({"q1": '"A"', "q2": '""', "q3": "f'{x}机器'", "q4": "0.2"}))
    row = course.grade()["b1"]
    assert row["q1_result"] == "wrong" and row["q4_result"] == "wrong"
    assert row["q2_result"] == "unanswered" and row["q9_result"] == "unanswered"
    assert row["q3_result"] == "malformed"
    assert row["q3_answer"].startswith("f'{x}机器'") and "f-string" in row["q3_answer"]
    assert row["score"] == "0"


def test_a_number_is_right_within_the_tolerance_of_the_key(course):
    expected = {"0.03": "10", "0.04": "10", "0.02": "10", "0.041": "0", '"3%"': "10", "三": "0"}
    for number, code in enumerate(expected):
        course.hand_in(f"b{number}.ipynb", sheet({"q4": code}))
    rows = course.grade()
    assert [rows[f"b{n}"]["q4_points"] for n in range(len(rows))] == list(expected.values())


def test_the_last_assignment_wins_and_is_noted(course):
    course.hand_in("b1.ipynb", sheet({"q1": '"A"'}, 'q1 = "B"'))
    row = course.grade()["b1"]
    assert row["q1_points"] == "10" and "the last one counts" in row["notes"]


def test_markdown_and_outputs_are_not_read_for_answers(course):
    cell = {"cell_type": "markdown", "metadata": {}, "source": 'q1 = "B"'}
    output = {"output_type": "stream", "name": "stdout", "text": 'q1 = "B"'}
    course.hand_in("b1.ipynb", notebook([cell, code_cell("print(1)", [output])]))
    assert course.grade()["b1"]["q1_result"] == "unanswered"


def test_ids_and_tags_of_cells_do_not_matter(course):
    content = sheet(RIGHT)
    for number, cell in enumerate(content["cells"]):
        cell["id"], cell["metadata"] = f"zz{number}", {"tags": ["q9"], "id": "other"}
    course.hand_in("b1.ipynb", content)
    assert course.grade()["b1"]["score"] == "80"


def test_of_two_files_of_one_student_the_latest_counts(course):
    old = course.hand_in("b1/old.ipynb", sheet({"q1": '"A"'}))
    course.hand_in("b1/new.ipynb", sheet({"q1": '"B"'}))
    os.utime(old, (1, 1))
    row = course.grade()["b1"]
    assert row["q1_points"] == "10"
    assert "the latest with answers counts" in row["notes"] and "b1/old.ipynb" in row["notes"]


def test_later_attempts_are_known_by_canvas_suffix(course):
    for name, answer in (("hw7.ipynb", "A"), ("hw7-1.ipynb", "C"), ("hw7-10.ipynb", "B")):
        os.utime(course.hand_in(f"wang_1_5_{name}", sheet({"q1": f'"{answer}"'})), (9, 9))
    (row,) = course.grade().values()
    assert row["q1_points"] == "10"


def test_a_broken_later_file_does_not_hide_the_readable_one(course):
    course.hand_in("b1/a.ipynb", sheet({"q1": '"B"'}))
    course.hand_in("b1/b.ipynb", b"{")
    row = course.grade()["b1"]
    assert row["q1_points"] == "10" and "not JSON" in row["notes"]


def test_a_claimed_id_displaces_no_file_that_bears_the_name(course, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id\nb1\n", "utf-8")
    os.utime(course.hand_in("b1.ipynb", sheet({"q1": '"B"'})), (1, 1))
    course.hand_in("stranger.ipynb", sheet({"student_id": '"b1"', "q1": '"A"'}))
    assert course.grade("--roster", str(roster))["b1"]["q1_points"] == "10"


def test_without_a_class_list_the_claimed_id_of_another_is_flagged_on_both(course):
    course.hand_in("b1.ipynb", sheet({"student_id": '"b2"', "q1": '"B"'}))
    course.hand_in("b2.ipynb", sheet({"q1": '"A"'}))
    course.hand_in("wang_1_2_x.ipynb", sheet({"student_id": '"b9"', "q1": '"B"'}))
    rows = course.grade()
    assert rows["b1"]["q1_points"] == "10" and "sheet was made for b2" in rows["b1"]["flags"]
    assert rows["b2"]["q1_points"] == "0" and "handed in by b1" in rows["b2"]["flags"]
    assert not rows["wang_1"]["flags"] and "b9" in rows["wang_1"]["notes"]


def test_students_of_the_roster_without_a_file_are_listed(course, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id,name\nb1,王小明\nb2,林美\n", "utf-8")
    course.hand_in("b1.ipynb", sheet(RIGHT))
    rows = course.grade("--roster", str(roster))
    assert rows["b2"]["status"] == "missing" and rows["b2"]["score"] == ""
    assert rows["b1"]["name"] == "王小明"


def test_files_after_the_deadline_are_late(course):
    for name, hour in (("b1", 11), ("b2", 13)):
        path = course.hand_in(f"{name}.ipynb", sheet(RIGHT))
        seconds = datetime.datetime(2026, 5, 1, hour, tzinfo=datetime.timezone.utc).timestamp()
        os.utime(path, (seconds, seconds))
    course.hand_in("lin_LATE_7_8_x.ipynb", sheet(RIGHT))
    rows = course.grade("--deadline", "2026-05-01T20:00+08:00")
    assert (rows["b1"]["late"], rows["b2"]["late"], rows["lin_7"]["late"]) == (
        "on time",
        "late",
        "late",
    )


def test_the_summary_counts_every_student_once(course, tmp_path, capsys):
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id\n" + "".join(f"b{n}\n" for n in range(10)), "utf-8")
    without_texts = {name: code for name, code in RIGHT.items() if name not in ("q8", "q10")}
    for number, content in enumerate(
        [sheet(without_texts), sheet(RIGHT), sheet(RIGHT), b"no", b"no", b"no"]
    ):
        course.hand_in(f"b{number}.ipynb", content)
    course.grade("--roster", str(roster))
    assert (
        "10 students: 1 graded, 2 wait for rubric points, 3 unreadable, 4 without a submission."
        in capsys.readouterr().out
    )


def test_the_time_in_the_roster_beats_that_of_the_file(course, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id,submitted_at\nb1,2026-05-01T12:00:01Z\n", "utf-8")
    os.utime(course.hand_in("b1.ipynb", sheet(RIGHT)), (1, 1))
    rows = course.grade("--roster", str(roster), "--deadline", "2026-05-01T20:00+08:00")
    assert rows["b1"]["late"] == "late"


def test_times_in_a_zip_are_read_in_the_deadlines_zone(course):
    archive = course.folder / "in.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, minute in (("b1", 0), ("b2", 2)):
            member = zipfile.ZipInfo(f"{name}.ipynb", (2026, 5, 1, 20, minute, 0))
            opened.writestr(member, as_bytes(sheet(RIGHT)))
    rows = course.grade("--deadline", "2026-05-01T20:01+08:00", source=archive)
    assert (rows["b1"]["late"], rows["b2"]["late"]) == ("on time", "late")


def test_a_folder_and_its_zip_give_the_same_grades(course):
    course.hand_in("王小明_7_assignsubmission_file_/hw7.ipynb", sheet(RIGHT))
    course.hand_in("b2.ipynb", sheet({"q1": '"B"'}))
    from_folder = course.grade()
    archive = shutil.make_archive(str(course.folder / "in"), "zip", course.submissions)
    assert course.grade(source=course.folder / archive) == from_folder


def test_personal_answers_are_marked_for_their_own_student_only(tmp_path):
    course = Class(tmp_path, personal_key())
    answers = RIGHT | {"student_id": '"b1"', "q3": '"老师"', "q4": "0.21"}
    course.hand_in("b1.ipynb", sheet(answers))
    course.hand_in("b2.ipynb", sheet(answers))
    rows = course.grade()
    assert (rows["b1"]["q3_points"], rows["b1"]["q4_points"]) == ("10", "10")
    assert (rows["b2"]["q3_points"], rows["b2"]["q4_points"]) == ("0", "0")
    assert "sheet was made for b1" in rows["b2"]["flags"]
    assert "sheet was made" not in rows["b1"]["flags"]


def test_ids_of_roster_and_key_may_differ_in_capitals_and_leading_zeros(tmp_path):
    look_ups = personal_key().students
    key = made_key(students={"b1": look_ups["b1"], "0812345": look_ups["b2"]})
    course = Class(tmp_path, key)
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id\nB1\n812345\n", "utf-8")
    course.hand_in("B1/hw7.ipynb", sheet(RIGHT | {"q3": '"老师"', "q4": "0.21"}))
    course.hand_in("812345/hw7.ipynb", sheet(RIGHT | {"q3": '"學生"', "q4": "0.34"}))
    rows = course.grade("--roster", str(roster))
    assert {row["score"] for row in rows.values()} == {"80"}
    assert not any("no personal sentence" in row["flags"] for row in rows.values())


@pytest.mark.parametrize("is_run", [True, False])
def test_the_common_sheet_instead_of_the_personal_one_is_flagged(tmp_path, is_run):
    key = personal_key().model_copy(update={"digests": {"公共的句子": "common"}})
    course = Class(tmp_path, key)
    content = sheet(RIGHT, 'sentence = "公共的句子"')
    if is_run:
        content = sheet(RIGHT)
        content["cells"].append(record(digest="common", model="made-up"))
    course.hand_in("b1.ipynb", content)
    assert "common sheet" in course.grade()["b1"]["flags"]


def test_a_class_of_strangers_is_told_to_give_a_roster(tmp_path, capsys):
    course = Class(tmp_path, personal_key())
    for number in range(3):
        course.hand_in(f"wang{number}_{number}_9_hw7.ipynb", sheet(RIGHT))
    course.grade()
    assert "--roster gradebook_export.csv" in capsys.readouterr().out


def test_the_explanation_of_anothers_sentence_is_flagged(tmp_path):
    course = Class(tmp_path, personal_key())
    for name in ("b1", "b2"):
        content = sheet({"q1": '"B"'})
        content["cells"].append(record(digest="d1", model="made-up"))
        course.hand_in(f"{name}.ipynb", content)
    rows = course.grade()
    assert "sentence given to b1" in rows["b2"]["flags"]
    assert "sentence given" not in rows["b1"]["flags"]


def test_a_heatmap_that_is_not_the_keys_is_noted_for_the_class(tmp_path, capsys):
    course = Class(tmp_path, personal_key())
    for name, digest in (("b1", "d1"), ("b2", "another")):
        content = sheet({"q1": '"B"'})
        content["cells"].append(record(digest=digest, model="made-up"))
        course.hand_in(f"{name}.ipynb", content)
    rows = course.grade()
    assert "differs from the key" in rows["b2"]["notes"] and not rows["b2"]["flags"]
    assert "differs" not in rows["b1"]["notes"]
    assert "1 students explained with other weights" in capsys.readouterr().out


def test_the_digest_that_all_share_on_a_common_sentence_is_not_suspicious(course):
    for name, answer in (("b1", "A"), ("b2", "B")):
        content = sheet({"q1": f'"{answer}"'})
        content["cells"].append(record(digest="same", model="made-up"))
        course.hand_in(f"{name}.ipynb", content)
    assert not any(row["flags"] for row in course.grade().values())


def test_answers_from_another_model_are_flagged(course):
    content = sheet(RIGHT)
    content["cells"].append(record(model="other-model"))
    course.hand_in("b1.ipynb", content)
    assert "other-model" in course.grade()["b1"]["flags"]


def test_identical_files_and_identical_texts_are_flagged(course):
    course.hand_in("b1.ipynb", sheet(RIGHT))
    course.hand_in("b2.ipynb", sheet(RIGHT))
    course.hand_in("b3.ipynb", sheet({"q8": RIGHT["q8"].upper()}))
    course.hand_in("b4.ipynb", sheet({"q1": '"B"'}))
    rows = course.grade()
    assert "file identical to that of b2" in rows["b1"]["flags"]
    assert "text identical" in rows["b3"]["flags"] and "file identical" not in rows["b3"]["flags"]
    assert not rows["b4"]["flags"]


def test_untouched_sheets_are_not_called_copies(course):
    for name in ("b1", "b2"):
        course.hand_in(f"{name}.ipynb", sheet({"q1": '""'}))
    flags = [row["flags"] for row in course.grade().values()]
    assert all("nothing answered" in flag and "identical" not in flag for flag in flags)


def test_a_rerun_changes_no_byte(course):
    for number in range(5):
        course.hand_in(f"b{number}.ipynb", sheet(RIGHT | {"q1": f'"{"ABCD"[number % 4]}"'}))
    course.grade(picture=True)
    before = {p: p.read_bytes() for p in course.output.parent.rglob("*") if p.is_file()}
    course.grade(picture=True)
    assert {p: p.read_bytes() for p in course.output.parent.rglob("*") if p.is_file()} == before
    assert len(before) == 9  # gradebook, canvas, items as table and picture, and five pages


def test_a_corrected_key_shows_who_changed(course, capsys):
    course.hand_in("b1.ipynb", sheet({"q1": '"A"'}))
    course.hand_in("b2.ipynb", sheet({"q1": '"B"'}))
    course.hand_in("b3.ipynb", sheet({"q1": '"C"'}))
    course.grade()
    text = course.key_path.read_text("utf-8")
    course.key_path.write_text(text.replace("correct: B", "correct: A", 1), "utf-8")
    course.grade()
    changes = read_csv(course.output.with_name("grades.changes.csv"))
    assert {name: (r["before"], r["after"]) for name, r in changes.items()} == {
        "b1": ("0", "10"),
        "b2": ("10", "0"),
    }
    assert "2 changed: b1: 0 → 10 (q1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent", "--key", "KEY"], "neither a folder nor a zip"),
        (["IN", "--key", "absent.yaml"], "can't be read"),
        (["IN", "--key", "KEY", "--deadline", "tomorrow"], "no time"),
        (["IN", "--key", "KEY", "-o", "KEY"], "is no gradebook"),
        (["IN", "--key", "KEY", "--gradescope", "r.json"], "takes one student"),
    ],
)
def test_misuse_ends_in_one_line(course, capsys, monkeypatch, words, message):
    monkeypatch.chdir(course.folder)
    for name in ("b1", "b2"):
        course.hand_in(f"{name}.ipynb", sheet(RIGHT))
    names = {"KEY": str(course.key_path), "IN": str(course.submissions)}
    assert main(["grade", *(names.get(word, word) for word in words)]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_key_for_other_questions_is_refused(course, capsys):
    text = course.key_path.read_text("utf-8").replace(QUESTIONS.digest(), "f" * 64)
    course.key_path.write_text(text, "utf-8")
    course.hand_in("b1.ipynb", sheet(RIGHT))
    assert main(["grade", str(course.submissions), "--key", str(course.key_path)]) == 1
    assert "other questions" in capsys.readouterr().err


def test_one_students_files_can_be_graded_as_a_platform_does(course):
    course.hand_in("anything/nb.ipynb", sheet(RIGHT | {"student_id": '"b9"'}))
    target = course.folder / "results.json"
    rows = course.grade("--student", "b1", "--gradescope", str(target))
    assert list(rows) == ["b1"] and "sheet was made for b9" in rows["b1"]["flags"]
    assert json.loads(target.read_text("utf-8"))["score"] == 80
    rows = course.grade("--student", "b2", "--gradescope", str(target))
    assert list(rows) == ["b1", "b2"], "the gradebook keeps who was graded before"


@pytest.fixture(scope="module")
def own_process(tmp_path_factory):
    """A class of 51 graded in a process of its own, because other tests load what it must not."""
    course = Class(tmp_path_factory.mktemp("class"))
    for number in range(51):
        course.hand_in(f"b{number}.ipynb", sheet({"q1": '"B"'}))
    script = (
        "import sys; from hw7.cli import main\n"
        "code = main(['grade', *sys.argv[1:]])\n"
        "print('|'.join(n for n in ('torch', 'transformers', 'inseq') if n in sys.modules))\n"
        "sys.exit(code)"
    )
    words = [str(course.submissions), "--key", str(course.key_path), "-o", str(course.output)]
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    run = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True,
        text=True,
        cwd=project_folder(),
        env=environment,
    )
    assert run.returncode == 0, run.stderr
    return run


def test_grading_loads_no_model_library(own_process):
    assert own_process.stdout.splitlines()[-1] == ""


def test_a_large_class_shows_its_progress(own_process):
    assert "51/51" in own_process.stderr
