"""The question file and what its validation refuses."""

from pathlib import Path

import pytest
import yaml

from helpers.environment import assets_folder
from helpers.errors import HomeworkError
from hw7.course.keys import load_conceptual
from hw7.course.questions import load_questions

QUESTION_FILE = assets_folder() / "hw7" / "questions.yaml"


def test_there_are_ten_questions_of_all_three_types_worth_100_points():
    questions = load_questions().questions
    assert len(questions) == 10
    assert {question.type for question in questions} == {"choice", "number", "text"}
    assert sum(question.points for question in questions) == 100


def test_the_question_file_holds_no_answer_and_no_feedback():
    for question in yaml.safe_load(QUESTION_FILE.read_text("utf-8"))["questions"]:
        assert not {"correct", "answer", "value", "feedback", "tolerance"} & set(question)


def test_every_question_is_asked_in_chinese_and_english():
    for question in load_questions().questions:
        for wording in (question.wording, *question.options.values(), *question.rubric):
            assert wording.zh != wording.en
            assert wording.en.isascii() or "“" in wording.en


def test_placeholders_are_filled_from_the_query():
    wording = load_questions()["q4"].wording
    assert "人工" in wording.zh and "artificial" in wording.zh
    assert "{" not in wording.zh + wording.en


def test_every_wrong_option_of_a_conceptual_question_has_feedback_and_the_right_one_none():
    questions = load_questions()
    for name, answer in load_conceptual(None, questions).items():
        assert set(answer.feedback) == set(questions[name].options) - {answer.correct}


def test_right_options_are_spread_over_the_letters():
    letters = [answer.correct for answer in load_conceptual(None, load_questions()).values()]
    assert set(letters) == {"A", "B", "C", "D"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": 0}, "points"),
        ({"type": "essay"}, "type"),
        ({"answer": "B"}, "answer"),
        ({"options": {"A": {"zh": "一", "en": "one"}}}, "two or more options"),
        ({"id": "q11"}, "numbered"),
        ({"options": {"a": {"zh": "一", "en": "one"}, "B": {"zh": "二", "en": "two"}}}, "options"),
    ],
)
def test_a_broken_question_is_refused_with_its_place(tmp_path: Path, change: dict, message: str):
    content = yaml.safe_load(QUESTION_FILE.read_text("utf-8"))
    content["questions"][0] |= change
    path = tmp_path / "questions.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(HomeworkError, match=message):
        load_questions(path)


@pytest.mark.parametrize("text", ["[", "just text", "a: !!python/object/apply:os.getcwd []", ""])
def test_a_file_that_is_no_question_file_is_refused_in_one_line(tmp_path: Path, text: str):
    path = tmp_path / "questions.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(HomeworkError) as caught:
        load_questions(path)
    assert "\n" not in str(caught.value)


def test_an_unknown_question_lists_those_there_are():
    with pytest.raises(HomeworkError, match="q1, q2"):
        load_questions()["q99"]
