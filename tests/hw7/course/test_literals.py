"""Reading assignments out of code that is never executed."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw7.course.literals import (
    MAX_CELL_CHARACTERS,
    last_of,
    printable,
    read_assignments,
)


def read(source: str):
    return [(a.name, a.value) for a in read_assignments(source) if not a.problem]


def last_in(sources):
    return last_of(found for source in sources for found in read_assignments(source))


def problems(source: str):
    return [a.problem for a in read_assignments(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('q3 = "机器"  # @param ["", "机器"]', [("q3", "机器")]),
        ("q4 = 0.03", [("q4", 0.03)]),
        ("q4 = 0,5", [("q4", "0,5")]),
        ("q4 = -0.5", [("q4", -0.5)]),
        ("q4 = (0.03)", [("q4", 0.03)]),
        ("q4 = [0.03]", [("q4", 0.03)]),
        ('q1: str = "A"', [("q1", "A")]),
        ('q1 = "A"; q2 = "B"', [("q1", "A"), ("q2", "B")]),
        ('q1, q2 = "A", "B"', [("q1", "A"), ("q2", "B")]),
        ('q1 = q2 = "C"', [("q1", "C"), ("q2", "C")]),
        ('q8 = """两行\n# 不是注释\n"""', [("q8", "两行\n# 不是注释\n")]),
        ('q8 = ("one "\n      "two")', [("q8", "one two")]),
        ("q4 = \\\n  0.03", [("q4", 0.03)]),
        ("q1 = None", [("q1", None)]),
        ("q1 = ...", [("q1", None)]),
        ('   q1 = "A"', [("q1", "A")]),
        ('Q3 = "机器"', [("q3", "机器")]),
        ('!pip install "it\'s\nq1 = "A"', [("q1", "A")]),
        ('%%time\nq1 = "A"', [("q1", "A")]),
        ('print(\nq1 = "A"', [("q1", "A")]),
        ('student_id = "b1"', [("student_id", "b1")]),
        ("q1 = f'A'", [("q1", "A")]),
        ('q3 = "机" + "器"', [("q3", "机器")]),
        ('q3 = "机器 ".strip()', [("q3", "机器")]),
        ('q3 = {"机器"}', [("q3", "机器")]),
        ("q4 = 3/100", [("q4", 0.03)]),
        ("q4 = 0.02 + 0.01", [("q4", 0.03)]),
        ('q4 = float("0.03")', [("q4", 0.03)]),
        ("q4 = round(0.03, 2)", [("q4", 0.03)]),
        ('(q3 := "机器")', [("q3", "机器")]),
        ('print(q3 := "机器")', [("q3", "机器")]),
        ('%time q3 = "机器"', [("q3", "机器")]),
        ('with x:\n    q3 = "机器"', [("q3", "机器")]),
        ('try:\n    q3 = "机器"\nexcept E:\n    pass', [("q3", "机器")]),
    ],
)
def test_literals_are_read(source, expected):
    assert read(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("q3 = “机器”", "机器"), ("q3 = 「机器」", "机器"), ("q4 = ０．０３", "０．０３"),
        ("q4 = 0，03", "0，03"), ("q4 = 3%", "3%"),
        ("q4 = 零点零三", "零点零三"), ("q4 = 0.03。", "0.03。"), ("Ｑ４ ＝ ０．０３", "０．０３"),
    ],
)  # fmt: skip
def test_what_is_no_python_but_plain_to_a_person_is_read_and_noted(source, expected):
    (assignment,) = read_assignments(source)
    assert assignment.value == expected
    assert assignment.note and not assignment.problem


@pytest.mark.parametrize(
    "source",
    [
        "q1 = __import__('os').system('true')", "q1 = B", "q1 = open('x').read()", "q4 = 9**9**9",
        "q1 = ['A', 'B']", "q1 = {'A': 1}", "q1 = b'A'", "q1 = True", "q4 = 3j",
        "q4 = float('nan')", "q1 = lambda: 'A'", "q1 = [x for x in 'A']", "q1 = (yield)",
        "q1 += 'A'", "q1, q2 = both", "q1 = 'A", "q1 = " + "[" * 400,
        "q1 = " + "[" * 150 + "]" * 150, "q4 = " + "9" * 5000,
        "q1 = " + "{'a':" * 90 + "1" + "}" * 90, "if True:\n    q1 = 'A'",
    ],
)  # fmt: skip
def test_anything_but_a_literal_is_a_problem_and_gives_no_value(source):
    found = read_assignments(source)
    assert found and all(a.problem and a.value is None for a in found)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('q3\xa0=\xa0"机器"', "机器"),
        ('q3 = "机器”', "机器"),
        ("q3 = ‘机器'", "机器"),
        ('q3 ＝ "机器"', "机器"),
        ('x = 1\n q3 = "机器"', "机器"),
        ('\u200bq3 = "机器"', "机器"),
        ('q3 = "机器"\nif:', "机器"),
        ("print 'x'\nq3 = (\n  '机器'\n)\ny = [", "机器"),
        ('q3 = "机器"  # @param ["a", "b"]\n!ls\n?q3', "机器"),
        ("!pip install x\nq3 = 「机器」  # @param", "机器"),
        ('q8 = "He said "hello" to me"', 'He said "hello" to me'),
        ("q8 = 'It's fine'", "It's fine"),
        ('q8 = "one\ntwo"', "one\ntwo"),
        ('q8 = """one\ntwo', None),
        ('q8 = """one "two\nthree" four"""', 'one "two\nthree" four'),
    ],
)
def test_answers_in_cells_that_are_no_python_are_read_line_by_line(source, expected):
    (assignment,) = read_assignments(source)
    assert assignment.value == expected
    assert expected is not None or assignment.typed == '"""one\ntwo'


@pytest.mark.parametrize("broken", ["", "\nprint 'no Python 3'"])
@pytest.mark.parametrize("block", ["def f():", "class A:", "async def f(x):\n    if x:"])
def test_names_inside_functions_and_classes_are_other_names(block, broken):
    source = f'q3 = "机器"\n{block}\n        q3 = "x"\n        q1 = 2{broken}'
    assert read(source) == [("q3", "机器")]


def test_what_is_typed_is_kept_where_it_cannot_be_read():
    (assignment,) = read_assignments("q3 = explanation.most_important('x')  # my answer")
    assert assignment.typed == "explanation.most_important('x')"
    (assignment,) = read_assignments("q8 = 好的, I think so\nand more\nq9 = 'B'")[:1]
    assert assignment.typed == "好的, I think so\nand more"


def test_a_long_block_of_code_is_read_line_by_line():
    """The parser never sees it, so that its recursion is bounded."""
    source = "x = [" + "1, " * 500 + "]\nq3 = '机器'\ndef f():\n    q3 = 1\n"
    assert read(source) == [("q3", "机器")]


@pytest.mark.parametrize("text", ["x" * 20_001, "=" * 25_000, "a'b\"c" * 5000])
def test_a_long_text_is_kept_whole(text):
    assert read(f"q8 = {text!r}") == [("q8", text)]


@pytest.mark.parametrize(
    "source",
    [
        "print(q1)", 'check_answer("q1", q1)', "q1 == 'A'", '"""\nq1 = "A"\n"""', '# q1 = "A"',
        "%%bash\nq1='A'", "x.q1 = 'A'", "q123 = 'A'", "q1a = 'A'", "",
    ],
)  # fmt: skip
def test_what_is_no_assignment_to_an_answer_is_ignored(source):
    assert read_assignments(source) == []


def test_a_cell_of_a_million_characters_is_refused_but_its_answer_is_named():
    (assignment,) = read_assignments("q1 = '" + "A" * 10**6 + "'")
    assert assignment.name == "q1" and "1,000,007" in assignment.problem


def test_the_last_assignment_wins_and_the_change_is_told():
    last, changed = last_in(['q1 = ""', 'q1 = "A"', 'q2 = "B"', 'q1 = "C"', 'q2 = "B"'])
    assert last["q1"].value == "C"
    assert changed == ["q1"]


def test_what_is_empty_displaces_nothing():
    last, changed = last_in(['q1 = "A"', 'q1 = ""', "q1 = None"])
    assert last["q1"].value == "A" and not changed


def test_an_answer_after_an_empty_template_is_no_change():
    last, changed = last_in(['q1 = ""', 'q1 = "A"'])
    assert last["q1"].value == "A" and not changed


def test_what_cannot_be_read_displaces_no_answer_but_is_kept_beside_it():
    last, changed = last_in(['q1 = "A"', "q1 = model(x)"])
    assert (last["q1"].value, last["q1"].later) == ("A", "model(x)") and changed == ["q1"]


def test_control_characters_and_direction_overrides_are_dropped():
    assert printable("a\x1b[31m\u202eb\ud800\x00c\td") == "a[31mbc\td"


@pytest.mark.parametrize(
    "piece",
    ['"', "'\\", "rb'", "(", "q1=", '"a\\', "\n", "q1=1\n", "#", "\\\n", ";", "q1=(", '"""'],
)
def test_reading_takes_time_linear_in_the_length(piece):
    def seconds(length):
        source = (piece * length)[:length]
        started = time.process_time()
        read_assignments(source)
        return time.process_time() - started

    half, full = MAX_CELL_CHARACTERS // 8, MAX_CELL_CHARACTERS
    # Seconds of the processor: linear work grows 8-fold, quadratic 64-fold. The lesser of two runs,
    # and 0.3 s, forgive a noisy machine.
    assert min(seconds(full), seconds(full)) < 30 * max(seconds(half), seconds(half)) + 0.3


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="q1234=“”\"'()[]{},.0#\\\n ;fr+-*xＱ３＝，三%!", max_size=200))
def test_any_text_is_read_without_an_exception(source):
    for assignment in read_assignments(source):
        assert assignment.value is None or not assignment.problem


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=50), st.integers(), st.floats(allow_nan=False)))
def test_what_python_writes_for_a_literal_is_read_back(value):
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return
    (assignment,) = read_assignments(f"q1 = {value!r}")
    assert assignment.value == (printable(value) if isinstance(value, str) else value)
