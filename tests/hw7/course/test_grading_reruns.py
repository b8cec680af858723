"""Whatever happens between two runs, what a human entered is never lost."""

import csv
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw7.cli import main
from hw7.course.commands import grade
from tests.support.made_submissions import RIGHT, Class, made_key, read_csv, save_key, sheet

STUDENTS = {"0812345": "王小明", "b1": "Lin, Mei", "120812345": "陈静", "120812399": "May"}
TEXTS = ("q8", "q10")


class Course(Class):
    """A class of four, graded without the reports, which would take most of the time."""

    def __init__(self, folder, has_roster=True):
        super().__init__(folder)
        self.roster = folder / "roster.csv"
        listed = "".join(f'{i},"{name}"\n' for i, name in STUDENTS.items())
        self.roster.write_text(f"student_id,name\n{listed}", "utf-8")
        self.has_roster = has_roster
        self.runs = 0

    def run(self, students=tuple(STUDENTS)):
        """Grade a download that holds the work of some students only; return the exit code."""
        self.runs += 1
        folder = self.folder / f"download{self.runs}"
        for student_id in students:
            text = f'"What {student_id} thought of it, at some length."'
            answers = RIGHT | {"q1": '"A"', "q3": "f(x)", "q8": text, "q10": 'f"{x} is \\"it\\""'}
            (folder / student_id).mkdir(parents=True)
            self.hand_in(f"../download{self.runs}/{student_id}/hw7.ipynb", sheet(answers))
        options = ["--roster", str(self.roster)] if self.has_roster else []
        words = ["--key", str(self.key_path), "-o", str(self.output), *options]
        return main(["grade", str(folder), *words])

    def rows(self):
        return read_csv(self.output)

    def save(self, rows, separator=",", lead="", encoding="utf-8-sig", change=lambda row: row):
        """Save the gradebook as a spreadsheet does."""
        with self.output.open("w", encoding=encoding, newline="") as file:
            file.write(lead)
            writer = csv.DictWriter(file, list(next(iter(rows))), delimiter=separator)
            writer.writeheader()
            writer.writerows(change(dict(row)) for row in rows)

    def enter(self, student_id, column, points):
        rows = list(csv.DictReader(self.output.read_text("utf-8-sig").splitlines(keepends=True)))
        for row in rows:
            if row["student_id"] == student_id:
                row[column] = points
        self.save(rows)


def as_excel_saves(row):
    """Numbers lose their leading zeros, and long ones their digits; line breaks change."""
    number = row["student_id"]
    if number.isdecimal():
        row["student_id"] = f"{int(number):.5E}" if len(number) > 8 else str(int(number))
    return {k: v.replace("\n", "\r\n") for k, v in row.items()}


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "_write_reports", lambda *_: None)
    return Course(tmp_path)


entered = st.tuples(
    st.just("enter"),
    st.sampled_from(sorted(STUDENTS)),
    st.sampled_from(["q8_rubric_points", "q10_rubric_points", "q1_override", "q3_override"]),
    st.sampled_from(["0", "3", "7.5", "10"]),
)
runs = st.tuples(st.just("run"), st.sets(st.sampled_from(sorted(STUDENTS)), min_size=1))
saves = st.tuples(
    st.just("save"), st.sampled_from([",", ";", "\t"]), st.sampled_from(["", "sep"]), st.booleans()
)
keys = st.tuples(st.just("key"), st.sampled_from(["A", "B", "C"]))


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(entered, runs, saves, keys), max_size=8), st.booleans())
def test_no_sequence_of_reruns_loses_a_number_that_a_human_entered(
    tmp_path_factory, steps, has_roster
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "_write_reports", lambda *_: None)
        course = Course(tmp_path_factory.mktemp("class"), has_roster)
        assert course.run() == 0
        given_points: dict[tuple[str, str], str] = {}
        for step in [*steps, ("run", set(STUDENTS))]:
            if step[0] == "enter":
                rows = course.rows()
                if step[1] in rows:  # not while the ids are mangled
                    course.enter(*step[1:])
                    given_points[step[1], step[2]] = step[3]
            elif step[0] == "key":
                answers = made_key().answers | {"q1": made_key().answers["q1"].model_copy(
                    update={"correct": step[1], "feedback": {}})}  # fmt: skip
                save_key(made_key(answers=answers), course.key_path)
            elif step[0] == "save":
                rows, separator = list(course.rows().values()), step[1]
                if "student_id" in rows[0]:
                    lead = f"sep={separator}\r\n" if step[2] else ""
                    change = as_excel_saves if step[3] else dict
                    course.save(rows, separator, lead, change=change)
                    before = course.output.read_bytes()
                    if course.run({"b1"}) == 1:
                        assert course.output.read_bytes() == before, "refused, but it wrote"
                        return
            else:
                before = course.output.read_bytes()
                if course.run(step[1]) == 1:
                    assert course.output.read_bytes() == before, "refused, but it wrote"
                    return
        rows = course.rows()
        assert set(rows) == set(STUDENTS)
        for (student_id, column), points in given_points.items():
            assert rows[student_id][column] == points, (student_id, column)
        for student_id, row in rows.items():
            expected = sum(
                float(given_points.get((student_id, column), automatic))
                for column, automatic in (
                    ("q1_override", row["q1_points"]), ("q3_override", "0"),
                    ("q8_rubric_points", "0"), ("q10_rubric_points", "0"),
                )
            ) + 10 * 6  # fmt: skip
            assert float(row["score"]) == expected, student_id


def test_a_download_of_the_late_ones_leaves_the_others_as_they_were(course):
    course.run()
    course.enter("b1", "q8_rubric_points", "7")
    before = course.rows()["b1"]
    course.run({"0812345"})
    row = course.rows()["b1"]
    for column in ("q8_rubric_points", "q1_result", "q3_answer", "q10_answer", "file", "late"):
        assert row[column] == before[column]
    assert (row["score"], row["pending"]) == ("67", "10")
    assert "kept from the earlier gradebook" in row["notes"]


def test_a_corrected_key_marks_those_anew_who_are_not_in_the_download(course):
    course.run()
    text = course.key_path.read_text("utf-8")
    course.key_path.write_text(text.replace("correct: B", "correct: A", 1), "utf-8")
    course.run({"b1"})
    assert {row["q1_points"] for row in course.rows().values()} == {"10"}


def test_an_empty_sheet_handed_in_later_displaces_no_answers(course):
    course.run()
    course.hand_in("b1/hw7.ipynb", sheet(dict.fromkeys(RIGHT, '""')))
    assert course.grade("--roster", str(course.roster))["b1"]["score"] == "60"
    assert "without answers" in course.rows()["b1"]["flags"]


def test_points_for_a_student_without_a_file_count(course):
    course.run({"0812345"})
    course.enter("b1", "q1_override", "10")
    course.run({"0812345"})
    row = course.rows()["b1"]
    assert (row["score"], row["q1_override"], row["status"]) == ("10", "10", "graded")


def test_an_override_goes_before_the_machine_and_before_rubric_points(course):
    course.run()
    for column, points in (("q2_override", "0"), ("q3_override", "5,5"), ("q8_override", "9"),
                           ("q8_rubric_points", "2"), ("q10_rubric_points", "1")):  # fmt: skip
        course.enter("b1", column, points)
    course.run()
    row = course.rows()["b1"]
    assert row["score"] == f"{60 - 10 + 5.5 + 9 + 1:g}" and row["status"] == "graded"
    assert row["q2_points"] == "10", "what the machine thinks stays visible"


def test_an_illegal_override_is_kept_noted_and_does_not_count(course):
    illegal = {"b1": "11", "0812345": "-1", "120812345": "much"}
    course.run()
    for name, entered in illegal.items():
        course.enter(name, "q2_override", entered)
    course.run()
    for name, entered in illegal.items():
        row = course.rows()[name]
        assert row["q2_override"].removeprefix("'") == entered and row["score"] == "60"
        assert "not legal points" in row["notes"]


def test_points_that_may_be_of_two_students_stop_the_run_before_it_writes(course, capsys):
    course.run()
    course.enter("120812345", "q8_rubric_points", "7")
    rows = [dict(row, name="") for row in course.rows().values()]
    for row in rows:
        row["student_id"] = re.sub(r"^1208.*", "1.208E+08", row["student_id"])
    course.save(rows)
    before = course.output.read_bytes()
    assert course.run() == 1
    assert course.output.read_bytes() == before
    assert "may be one of several students" in capsys.readouterr().err


def test_the_earlier_gradebook_is_kept_beside_the_new_one(course):
    course.run()
    kept = course.output.with_name("grades.earlier.csv")
    assert not kept.exists()
    before = course.output.read_bytes()
    course.run()
    assert not kept.exists(), "nothing changed, so there is nothing to keep"
    course.enter("b1", "q8_rubric_points", "7")
    entered_in = course.output.read_bytes()
    course.run()
    assert entered_in != before and kept.read_bytes() == entered_in


def test_a_gradebook_in_another_encoding_is_refused_before_anything_is_written(course, capsys):
    course.run()
    course.save(list(course.rows().values()), encoding="gb18030")
    before = course.output.read_bytes()
    assert course.run() == 1
    assert course.output.read_bytes() == before and "CSV UTF-8" in capsys.readouterr().err


def test_a_gradebook_among_the_submissions_is_not_believed(course, capsys):
    course.run()
    course.hand_in("b1/hw7.ipynb", sheet(RIGHT))
    course.hand_in("grades.csv", course.output.read_bytes())
    words = [str(course.submissions), "--key", str(course.key_path)]
    assert main(["grade", *words, "-o", str(course.submissions / "grades.csv")]) == 1
    assert "among the submissions" in capsys.readouterr().err


def test_a_gradebook_from_before_overrides_is_read(course):
    course.run()
    course.enter("b1", "q8_rubric_points", "7")
    rows = [{k: v for k, v in row.items() if not k.endswith("_override")}
            for row in course.rows().values()]  # fmt: skip
    course.save(rows)
    course.run()
    assert course.rows()["b1"]["q8_rubric_points"] == "7"
