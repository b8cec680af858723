"""Every bad file ends in a line of the report; none stops the run or is executed."""

import os
import zipfile

import pytest

from tests.support.made_submissions import (
    RIGHT,
    Class,
    as_bytes,
    code_cell,
    notebook,
    sheet,
    version_3,
)

GOOD = as_bytes(sheet(RIGHT))
DEEP = b"[" * 10_000 + b"]" * 10_000
UNREADABLE = {
    "empty file": (b"", "not JSON"),
    "not JSON": (b"dear teacher, my dog", "not JSON"),
    "truncated": (GOOD[: len(GOOD) // 2], "not JSON"),
    "nested 10,000 deep": (DEEP, "nested too deep"),
    "nested 10,000 deep inside a cell": (
        as_bytes(notebook([code_cell("")])).replace(b'"source": ""', b'"source": ' + DEEP),
        "nested too deep",
    ),
    "nested 10,000 objects deep": (b'{"a":' * 10_000, "nested too deep"),
    "not UTF-8": (b"\xff\xfe" + "{}".encode("utf-16-le"), "not UTF-8"),
    "no cells": (as_bytes(notebook([])), "no cells"),
    "cells missing": (as_bytes({"nbformat": 4, "nbformat_minor": 4}), "cells are not a list"),
    "cells that are not lists": (as_bytes(notebook({"a": 1})), "cells are not a list"),
    "cells that are text": (as_bytes(notebook(["q1 = 'B'"])), "a cell is not an object"),
    "a list": (b"[]", "not a notebook"),
    "a number": (b"3", "not a notebook"),
    "version 99": (as_bytes({"nbformat": 99, "cells": []}), "not a notebook"),
    "version is text": (as_bytes({"nbformat": "four", "cells": []}), "not a notebook"),
    "3,000 cells": (as_bytes(notebook([code_cell("")] * 3000)), "3,000 cells"),
    "version 3 of odd parts": (as_bytes({"nbformat": 3, "worksheets": [3]}), "can't be upgraded"),
    "a huge integer": (b'{"nbformat": ' + b"9" * 5000 + b"}", "not"),
    "NUL bytes": (b"\x00" * 100, "not JSON"),
}
MALFORMED = {
    "a call": "__import__('os').system('touch hw7_canary')",
    "a power tower": "9**9**9",
    "an f-string": "f'{open(chr(47))}'",
    "a name": "answer",
    "a list of lists": "[" * 60 + "]" * 60,
    "brackets without end": "[" * 100_000,
    "a chain of minus signs": "-" * 100_000 + "1",
    "a million characters": "'" + "A" * 10**6 + "'",
    "NaN": "float('nan')",
    "infinity": "float('inf')",
    "a literal infinity": "1e999",
    "a product of text": "'A' * 10**10",
    "a lambda": "(lambda: 'B')()",
    "bytes": "b'B'",
    "a broken string": "'B",
}


QUESTIONS_TRIED = ("q1", "q4", "q8")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One run over all bad files at once, with good and odd ones among them."""
    course = Class(tmp_path_factory.mktemp("course"))
    course.hand_in("good.ipynb", GOOD)
    course.hand_in("version 3.ipynb", version_3('q1 = "B"'))
    odd = [code_cell(source) for source in (None, 3, {"a": 1}, [1, None, 'q2 = "C"\n'], [])]
    course.hand_in("odd sources.ipynb", notebook([*odd, code_cell(['q1 = "B"'])]))
    with (course.submissions / "200 MB.ipynb").open("wb") as file:
        file.truncate(200_000_000)
    for kind, (content, _) in UNREADABLE.items():
        course.hand_in(f"{kind}.ipynb", content)
    for kind, code in MALFORMED.items():
        for question in QUESTIONS_TRIED:
            course.hand_in(f"{kind} in {question}.ipynb", sheet(RIGHT | {question: code}))
    return course.grade()


def test_good_files_among_bad_ones_keep_their_points(graded):
    assert graded["good"]["score"] == "80"


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_file_gets_its_own_line_with_the_reason(graded, kind):
    row = graded[kind]
    assert row["status"] == "unreadable" and UNREADABLE[kind][1] in row["problem"]
    assert row["score"] == "" and "\n" not in row["problem"]


@pytest.mark.parametrize("question", QUESTIONS_TRIED)
@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_answer_costs_only_its_question_and_a_text_waits_for_a_human(
    graded, kind, question
):
    row = graded[f"{kind} in {question}"]
    assert row[f"{question}_result"] == ("rubric" if question == "q8" else "malformed")
    assert row[f"{question}_answer"]
    assert float(row["score"]) == 80 - (0 if question == "q8" else 10)


def test_version_3_is_upgraded_and_noted(graded):
    row = graded["version 3"]
    assert row["q1_points"] == "10" and "upgraded from v3" in row["notes"]


def test_200_megabytes_get_a_line(graded):
    assert "200,000,000 bytes" in graded["200 MB"]["problem"]


def test_cells_with_odd_sources_are_read_as_far_as_they_go(graded):
    row = graded["odd sources"]
    assert row["q1_points"] == "10" and row["q2_points"] == "10"


def test_a_zip_of_all_evils_is_graded_to_its_end(tmp_path):
    course = Class(tmp_path)
    archive = tmp_path / "in.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("../../b1.ipynb", GOOD)
        opened.writestr("/b2.ipynb", GOOD)
        opened.writestr("b3.ipynb", GOOD)
        link = zipfile.ZipInfo("b4.ipynb")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")
        opened.writestr("b5.ipynb", bytes(30_000_000))
        opened.writestr("b6/readme.txt", "no notebook")
    rows = course.grade(source=archive)
    assert rows["b3"]["score"] == "80"
    assert sum(row["status"] == "unreadable" for row in rows.values()) == 5


def test_a_name_that_is_no_text_still_gives_a_row(tmp_path):
    course = Class(tmp_path)
    name = os.fsencode(course.submissions) + b"/b\xff1.ipynb"
    with open(name, "wb") as file:  # noqa: PTH123 (pathlib takes no bytes)
        file.write(GOOD)
    (row,) = course.grade().values()
    assert row["score"] == "80"


def test_formulas_in_names_and_answers_are_neutralised(tmp_path):
    course = Class(tmp_path)
    for evil in ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(1)", "＝1+1", "\t=1", "|x", "%x"]:
        answers = {"q3": repr(evil), "q8": repr(evil), "student_id": repr(evil)}
        course.hand_in(f"{evil.replace(chr(9), ' ')}.ipynb", sheet(answers))
    assert len(course.grade()) == 8
    for path in course.output.parent.glob("*.csv"):
        for line in path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").split("\n"):
            for cell in line.split(","):
                stripped = cell.strip('" \t')
                assert not stripped.startswith(("=", "+", "@", "＝", "|", "%", "-1+")), (path, cell)


def test_html_in_names_and_answers_is_escaped(tmp_path):
    course = Class(tmp_path)
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    content = sheet({"q1": repr(evil), "q8": repr(evil), "student_id": repr("</title>" + evil)})
    course.hand_in("<b>x<b>.ipynb", content)
    roster = tmp_path / "roster.csv"
    roster.write_text(f"student_id,name\n<i>b1,{evil}\n", "utf-8")
    course.grade()
    course.grade("--roster", str(roster))
    pages = list(course.output.with_name("grades.feedback").iterdir())
    assert len(pages) >= 2
    for page in pages:
        text = page.read_text("utf-8")
        assert (
            "<script" not in text
            and "<img" not in text
            and "<b>x" not in text
            and "<i>" not in text
        )
        assert "&lt;script&gt;" in text or "&lt;i&gt;" in text or "&lt;b&gt;" in text


@pytest.mark.parametrize(
    "name", ["../../evil", "..", "a/b", "a\\b", "CON", "x" * 300, "\u202egpj.exe"]
)
def test_no_student_id_leads_a_feedback_page_out_of_its_folder(tmp_path, name):
    course = Class(tmp_path)
    course.hand_in("x/nb.ipynb", sheet({"student_id": repr(name), "q1": '"B"'}))
    before = set(tmp_path.rglob("*"))
    course.grade()
    written = set(tmp_path.rglob("*")) - before
    assert all(
        course.output.parent in path.parents or path == course.output.parent for path in written
    )
    assert len(list(course.output.with_name("grades.feedback").iterdir())) == 1
