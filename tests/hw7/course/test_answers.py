"""Turning literals into answers as a person would."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw7.course.answers import interpret, parse_number
from hw7.course.literals import Assignment, last_assignments, read_assignments
from hw7.course.marking import KeyAnswer, is_right, mark_answer
from hw7.course.questions import load_questions

QUESTIONS = load_questions()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.03", 0.03), ("０．０３", 0.03), ("0，03", 0.03), ("0,03", 0.03), (".03", 0.03),
        ("3%", 0.03), ("３％", 0.03), ("百分之三", 0.03), ("零点零三", 0.03), ("〇點〇三", 0.03),
        ("三", 3), ("十二", 12), ("二十", 20), ("三十五", 35), ("一点五", 1.5), ("两", 2),
        ("约0.03", 0.03), ("~0.03", 0.03), ("0.03左右", 0.03), ("0.03。", 0.03), ("0.03.", 0.03),
        ("3/100", 0.03), ("答案：0.03", 0.03), ("重要性是 0.03", 0.03), ("0.03（机器）", 0.03),
        ("score = 0.03", 0.03), ("\ufeff0.03", 0.03), (" 0.03 ", 0.03),
        ("0. 03", 0.03), ("3e-2", 0.03), ("-0.1", -0.1), ("「0.03」", 0.03),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text, number):
    assert parse_number(text) == pytest.approx(number)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "nan", "NaN", "inf", "-inf", "infinity", "1.2.3", "0.03 or 0.04", "0x10", "1_0",
     "0.03²", "½", "三三三万", "1,234,567", "0.0.3", "--1", "٣", "九九乘法", "9" * 65],
)  # fmt: skip
def test_what_is_no_single_number_is_refused(text):
    assert parse_number(text) is None


@given(st.floats(min_value=0, max_value=1, allow_nan=False))
def test_every_number_in_range_is_accepted_as_literal_and_as_text(number):
    for value in (number, repr(number)):
        answer = interpret(QUESTIONS["q4"], value)
        assert answer.status == "accepted" and answer.value == number


@given(st.text(max_size=80))
def test_any_text_gives_an_answer_or_a_reason(text):
    for question in QUESTIONS.questions:
        answer = interpret(question, text)
        assert bool(answer.problem) == (answer.status == "malformed")
        assert (answer.value is None) == (answer.status != "accepted")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400, 1.5, -0.1, "三", "nan"])
def test_infinity_nan_and_numbers_out_of_range_are_malformed(value):
    assert interpret(QUESTIONS["q4"], value).status == "malformed"


@pytest.mark.parametrize(
    "value",
    [
        "B", "b", "Ｂ", "ｂ", "（B）", "B。", "选B", "选项 B", "「B」", " B ", "\u200bB",
        "答案：B", "B) 因为", "B. Because the people concerned", "B，受影响的人",
    ],
)  # fmt: skip
def test_an_option_is_accepted_in_any_spelling(value):
    assert interpret(QUESTIONS["q1"], value).value == "B"


def test_an_option_is_accepted_by_its_wording():
    wording = QUESTIONS["q1"].options["C"]
    assert interpret(QUESTIONS["q1"], wording.zh).value == "C"
    assert interpret(QUESTIONS["q1"], wording.en).value == "C"


@pytest.mark.parametrize(
    "value", ["E", "AB", "A,B", "A or B", "B, not A", "a b", "Because", "1", 1, 2.0, "甲"]
)
def test_an_illegal_option_is_malformed_and_the_legal_ones_are_named(value):
    answer = interpret(QUESTIONS["q1"], value)
    assert answer.status == "malformed" and answer.problem


@pytest.mark.parametrize(
    "value",
    [
        "机器", "「机器」", " 机器 ", "▁机器", "機器", '"机器"', "机器。", "\u200b机器",
        "\ufeff机器", "机\u200d器", "机器（0.14）", "机器 (0.14)", "机器: 0.14", "机器 0.14",
        "答案：机器", "词元是机器", "机器（machine）",
    ],
)  # fmt: skip
def test_a_token_is_accepted_with_quotes_blanks_marks_and_in_traditional_characters(value):
    assert interpret(QUESTIONS["q3"], value).value == "机器"


PERSONAL = QUESTIONS["q3"].with_query(
    QUESTIONS["q3"].query, ["他", "在", "办公室", "The", "the", "裡"]
)


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        ("辦公室", "办公室"),
        ("里", "裡"),
        ("The", "The"),
        ("the", "the"),
        ("THE", "THE"),
        ("餐廳", "餐廳"),
    ],
)
def test_a_token_in_other_characters_is_the_one_on_offer_where_that_is_beyond_doubt(typed, token):
    assert interpret(PERSONAL, typed).value == token


@pytest.mark.parametrize(
    ("typed", "right", "is_one"),
    [
        ("辦公室", "办公室", True),
        ("The", "the", False),
        ("THE", "the", True),
        ("餐廳", "餐厅", True),
    ],
)
def test_a_token_is_right_in_other_characters_unless_it_is_another_token(typed, right, is_one):
    assert is_right(PERSONAL, interpret(PERSONAL, typed), KeyAnswer(correct=right)) is is_one


@pytest.mark.parametrize("given", ["B", "D", "b"])
def test_a_key_may_accept_several_options(given):
    key = KeyAnswer(correct="B", accepted=["D"])
    assert is_right(QUESTIONS["q1"], interpret(QUESTIONS["q1"], given), key)
    assert not is_right(QUESTIONS["q1"], interpret(QUESTIONS["q1"], "A"), key)


def test_a_key_may_accept_several_numbers_within_one_tolerance():
    key = KeyAnswer(value=0.03, tolerance=0.01, accepted=[0.3])
    given = {value: interpret(QUESTIONS["q4"], value) for value in (0.03, 0.31, 0.1)}
    assert [is_right(QUESTIONS["q4"], answer, key) for answer in given.values()] == [
        True,
        True,
        False,
    ]


def test_a_void_question_gives_everybody_the_points():
    for found in (None, Assignment("q1", "A"), Assignment("q1", problem="unreadable")):
        mark = mark_answer(QUESTIONS["q1"], found, KeyAnswer(void=True))
        assert (mark.verdict, mark.points) == ("void", 10)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("q8 = 5", "5"), ("q8 = f'{x} is it'", "f'{x} is it'"), ('q8 = ["a", "b"]', '["a", "b"]'),
        ('q8 = "a" * 3', '"a" * 3'), ("q8 = answer", "answer"), ("q8 = 'a' 'b'.strip()", "ab"),
        ("q8 = “好”的", "“好”的"), ("q8 = (1 +", "(1 +"),
        ("q8 = {'a': 1}", "{'a': 1}"), ("q8 = True", "True"),
    ],
)  # fmt: skip
def test_whatever_a_text_question_got_is_for_a_human(source, text):
    (assignment,) = read_assignments(source)
    mark = mark_answer(QUESTIONS["q8"], assignment, None)
    assert (mark.verdict, mark.points, mark.answer.value) == ("rubric", None, text)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("q1 = B", "B"), ('q1 = "The answer is B"', "B"), ('q1 = "B / because"', "B"),
        ('> q3 = "机器"', "机器"), ('- q3 = "机器"', "机器"), ('q3 = "机器"，', "机器"),
        ('q3 = "机 器"', "机器"),
        ('q3 = "机器 / 0.14"', "机器"), ('q3 = "机器 14%"', "机器"), ('q3 = "_机器"', "机器"),
        ("q4 = ~0.03", 0.03), ("q4 = ≈0.03", 0.03), ('q4 = "机器: 0.03"', 0.03),
        ("q4 = np.float64(0.03)", 0.03), ('q4 = Decimal("0.03")', 0.03), ("q4 = 1 - 0.97", 0.03),
    ],
)  # fmt: skip
def test_what_a_person_would_accept_is_accepted_from_the_cell(source, value):
    ((name, assignment),) = last_assignments([source]).items()
    answer = interpret(QUESTIONS[name], assignment)
    expected = pytest.approx(value) if isinstance(value, float) else value
    assert answer.status == "accepted" and answer.value == expected
    assert answer.notes, "what is not as Python has it is said"


@pytest.mark.parametrize(
    ("source", "typed"),
    [
        ("q1 = answer", "answer"), ('q1 = ["B", "C"]', '["B", "C"]'), ("q3 = <机器>", "<机器>"),
        ('if x:\n    q1 = "B"', "if …: B"), ("q4 = 0.03 or 0.04", "0.03 or 0.04"),
        ("q4 = abs(-0.03)", "abs(-0.03)"), ('q1 = "B和C"', "B和C"), ("q1 = 2", "2"),
    ],
)  # fmt: skip
def test_what_a_person_would_ask_about_is_malformed_and_kept_as_typed(source, typed):
    ((name, assignment),) = last_assignments([source]).items()
    answer = interpret(QUESTIONS[name], assignment)
    assert (answer.status, answer.typed) == ("malformed", typed) and answer.problem


@pytest.mark.parametrize("given", ["B" + "\u0301\u0323" * 20_000, "\u0301\u0323" * 20_000])
def test_only_short_text_is_normalised(monkeypatch, given):
    """Normalising combining marks takes time quadratic in their number."""
    lengths = []
    normalize = unicodedata.normalize
    monkeypatch.setattr(
        unicodedata,
        "normalize",
        lambda form, text: lengths.append(len(text)) or normalize(form, text),
    )
    for question in QUESTIONS.questions:
        interpret(question, given)
    assert max(lengths, default=0) <= 400


def test_a_punctuation_token_stays_itself():
    assert interpret(QUESTIONS["q3"], "。").value == "。"


@pytest.mark.parametrize("value", [None, "", "  ", "\n", "\u3000"])
def test_nothing_is_unanswered(value):
    assert all(interpret(q, value).status == "unanswered" for q in QUESTIONS.questions)


def test_normalising_is_noted_and_a_plain_answer_is_not():
    assert interpret(QUESTIONS["q4"], "３％").notes
    assert not interpret(QUESTIONS["q4"], "0.03").notes
    assert not interpret(QUESTIONS["q1"], "B").notes
