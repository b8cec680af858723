"""Notebooks made to cost a grader time, memory or its life."""

from __future__ import annotations

from tests.support.made_submissions import code_cell, notebook, sheet

MARKS = "\u0301\u0323"
F_STRING = "q8 = f'{" + "-" * 4000 + "1}'"
HOSTILE = {
    "combining marks in an answer": sheet({"q3": '"' + MARKS * 90_000 + '"'}),
    "combining marks in a cell": sheet({}, "q3 = " + MARKS * 90_000),
    "combining marks in an id": sheet({"student_id": '"' + MARKS * 90_000 + '"'}),
    "an f-string of signs": sheet({}, F_STRING),
    "f-strings in each other": sheet({}, "q8 = " + "f'{f\"{" * 300 + "1" + "}\"}'" * 300),
    "code that an f-string hides": sheet({}, 'q8 = f"{""' + "-" * 4000 + '""}"'),
    "brackets": sheet({}, "q1 = " + "(" * 150 + "1" + ")" * 150),
    "signs": sheet({}, "q1 = " + "-" * 100_000 + "1"),
    "a sum": sheet({}, "q1 = " + "1+" * 90_000 + "1"),
    "nots and lambdas": sheet({}, "q1 = " + "not lambda: " * 9_000 + "1"),
    "many else-ifs": sheet({}, "if 0:\n pass\n" + "elif 0:\n q1 = 1\n" * 9_000),
    "many answers": sheet({}, "q1 = x\n" * 20_000),
    "many broken answers": sheet({}, "q1 = (\n" * 20_000),
    "many indented answers": sheet({}, "if x:\n" + " q1 = (\n" * 15_000),
    "many quotes": sheet({}, "q8 = " + "\"'“" * 60_000),
    "many names in one": sheet({}, "q1 = " * 190 + "'" + "\u202ex" * 40_000 + "'"),
    "many records": notebook(
        [code_cell("", [{"output_type": "stream", "text": "hw7-record: {" * 100_000}])]
    ),
    "many headings": notebook(
        [{"cell_type": "markdown", "source": "# 第 8 题 " * 9_000} for _ in range(20)]
    ),
}
