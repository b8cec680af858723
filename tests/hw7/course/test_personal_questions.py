"""Personal questions: only the right heatmap of an own sentence answers them."""

import re
from types import SimpleNamespace

import nbformat
import pandas
import pytest

from helpers.errors import HomeworkError
from hw7.cli import main
from hw7.course import sheet_checks
from hw7.course.key_queries import MIN_SCORE, TOLERANCE
from hw7.course.keys import load_key
from hw7.course.personal_questions import (
    MIN_DISTANCE,
    MIN_MARGIN,
    candidates,
    copied_answers_accepted,
    draw,
    load_sentences,
    personal_key,
)
from hw7.course.sheet_checks import packed_questions
from tests.support.made_submissions import QUESTIONS, Class, code_cell, notebook

LOOK_UPS = QUESTIONS.look_ups


@pytest.mark.bundled
def test_personal_questions_are_beyond_doubt_and_their_answers_are_the_heatmaps(
    explainer, class_key
):
    key = load_key(class_key / "key.yaml", QUESTIONS)
    assert len(key.students) == 12
    for personal in key.students.values():
        explanation = explainer.explain("translation", personal.sentence)
        assert personal.digest == explanation.digest()
        asked = personal.look_ups["q3"].query
        column = explanation.table("saliency")[asked.generated].sort_values()
        assert personal.look_ups["q3"].answer.correct == column.index[-1]
        assert column.iloc[-1] - column.iloc[-2] >= MIN_MARGIN - 1e-6
        assert personal.look_ups["q3"].answer.margin >= MIN_MARGIN - 1e-6
        other = explanation.table("attention")[asked.generated]
        assert other.idxmax() != column.index[-1], "the wrong heatmap would earn the point"
        assert other.max() - other[column.index[-1]] >= MIN_MARGIN - 1e-6
        asked = personal.look_ups["q4"].query
        score = explanation.table("attention").loc[asked.source, asked.generated]
        other = explanation.table("saliency").loc[asked.source, asked.generated]
        assert personal.look_ups["q4"].answer.value == pytest.approx(score, abs=1e-6)
        assert score >= MIN_SCORE > TOLERANCE and abs(score - other) >= MIN_DISTANCE - 1e-6


@pytest.mark.bundled
def test_each_student_gets_an_own_sheet_whose_right_answers_earn_the_points(class_key, tmp_path):
    key = load_key(class_key / "key.yaml", QUESTIONS)
    sheets = sorted((class_key / "key.sheets").iterdir())
    assert len(sheets) == 12
    course = Class(tmp_path, key)
    for path in sheets:
        notebook = nbformat.read(path, as_version=4)
        student = path.stem.removeprefix("hw7_")
        personal = key.students[student]
        text = "\n".join(cell.source for cell in notebook.cells)
        assert f'sentence = "{personal.sentence}"' in text and f'student_id = "{student}"' in text
        q3, q4 = (personal.look_ups[name].answer for name in ("q3", "q4"))
        answers = f'q3 = "{q3.correct}"\nq4 = "{q4.value:.2f}"'
        notebook.cells.append(nbformat.from_dict(code_cell(answers) | {"id": "x"}))
        course.hand_in(path.name, nbformat.writes(notebook).encode())
    rows = course.grade()
    assert {row["score"] for row in rows.values()} == {"20"}
    assert not any(row["flags"] for row in rows.values())


@pytest.mark.bundled
def test_a_copied_pair_of_answers_nearly_always_fails(class_key):
    keys = list(load_key(class_key / "key.yaml", QUESTIONS).students.values())
    both = [
        (a.look_ups["q3"].answer.correct == b.look_ups["q3"].answer.correct)
        and abs(a.look_ups["q4"].answer.value - b.look_ups["q4"].answer.value) <= TOLERANCE
        for a in keys
        for b in keys
        if a is not b
    ]
    assert sum(both) / len(both) < 0.05
    assert copied_answers_accepted(keys, QUESTIONS["q3"]) < 0.3


@pytest.mark.bundled
def test_a_longer_roster_changes_no_ones_sentence(explainer):
    sentences = load_sentences()[:20]
    alone = personal_key("b1", "salt", sentences, LOOK_UPS, explainer)
    again = personal_key("b1", "salt", sentences[::-1], LOOK_UPS, explainer)
    assert alone == again


@pytest.mark.bundled
def test_another_salt_deals_the_sentences_anew(explainer):
    sentences = load_sentences()[:30]
    students = [f"b{n}" for n in range(8)]
    drawn = [
        [personal_key(s, salt, sentences, LOOK_UPS, explainer).sentence for s in students]
        for salt in ("one", "two")
    ]
    assert drawn[0] != drawn[1] and len(set(drawn[0])) > 1


@pytest.mark.bundled
def test_sentences_the_model_cannot_read_give_way_to_others(explainer):
    readable = load_sentences()[0]
    sentences = ["量子纠缠令人费解。", readable]
    for student in ("b1", "b2", "b3", "b4"):
        assert personal_key(student, "s", sentences, LOOK_UPS, explainer).sentence == readable
    with pytest.raises(HomeworkError, match="beyond doubt"):
        personal_key("b1", "s", sentences[:1], LOOK_UPS, explainer)


@pytest.mark.bundled
def test_every_listed_sentence_of_a_sample_has_readings_for_each_look_up(explainer):
    sentences = load_sentences()
    assert len(sentences) >= 40 and len(set(sentences)) == len(sentences)
    for sentence in sentences[:: len(sentences) // 12]:
        explanation = explainer.explain("translation", sentence)
        assert all(candidates(question, explanation) for question in LOOK_UPS)


@pytest.mark.bundled
def test_self_check_of_a_personal_sheet_tells_by_its_own_answers(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roster.csv").write_text("student_id\nb1\nb2\n", "utf-8")
    words = ["key", "--model", "offline", "--students", "roster.csv", "--salt", "t"]
    assert main([*words, "--self-check", "q1,q3,q4", "--language", "en"]) == 0
    assert not (tmp_path / "key.self_check.yaml").exists(), "it would hold the common answers"
    key = load_key(tmp_path / "key.yaml", QUESTIONS)
    # A file for the common sheet beside a personal one says nothing about its look-ups.
    (tmp_path / "self_check.yaml").write_text("answers: {q3: {correct: 机器}}", "utf-8")
    for student in ("b1", "b2"):
        sheet = nbformat.read(tmp_path / f"key.sheets/hw7_{student}.ipynb", as_version=4)
        text = "\n".join(cell.source for cell in sheet.cells)
        assert "Homework 7 answer sheet" in text and "第" not in text
        packed = re.search(r'open_sheet\("([^"]*)"\)', text)[1]
        sheet_checks.open_sheet(packed)
        look_ups = key.students[student].look_ups
        capsys.readouterr()
        sheet_checks.check_answer("q3", look_ups["q3"].answer.correct)
        sheet_checks.check_answer("q4", look_ups["q4"].answer.value)
        sheet_checks.check_answer("q1", key.answers["q1"].correct)
        assert capsys.readouterr().out.count("自查：正确") == 3
        sheet_checks.check_answer("q3", "。")
        assert "自查：不正确" in capsys.readouterr().out
        sheet_checks.open_sheet("")


def test_candidates_leave_out_what_the_other_heatmap_says_too_and_what_0_would_answer():
    index = ["猫", "喝", "水"]
    tables = {
        "saliency": pandas.DataFrame(
            {"the": [0.6, 0.3, 0.1], "cat": [0.7, 0.2, 0.1], "drinks": [0.4, 0.38, 0.2]}, index
        ),
        "attention": pandas.DataFrame(
            {"the": [0.2, 0.5, 0.3], "cat": [0.8, 0.04, 0.1], "drinks": [0.1, 0.8, 0.1]}, index
        ),
    }
    made = SimpleNamespace(methods=list(tables), table=tables.__getitem__, input_text="猫喝水")
    # cat: the same token in both heatmaps; drinks: the lead is only 0.02.
    assert [query.generated for query in candidates(QUESTIONS["q3"], made)] == ["the"]
    cells = {(query.source, query.generated) for query in candidates(QUESTIONS["q4"], made)}
    assert ("喝", "cat") not in cells and ("水", "cat") not in cells and ("猫", "the") in cells
    assert ("喝", "drinks") in cells and ("水", "drinks") in cells


def test_a_draw_depends_on_salt_student_and_label_alone():
    assert draw("s", "b1", "x") == draw("s", "b1", "x")
    others = [draw("t", "b1", "x"), draw("s", "b2", "x"), draw("s", "b1", "y")]
    assert len({draw("s", "b1", "x"), *others}) == 4


@pytest.mark.bundled
@pytest.mark.parametrize(
    ("template", "verdict"),
    [
        ('q3 = "{}"', "right"),
        ('q3 = "\\ufeff{}\\u200b"', "right"),
        ("q3 = “{}”", "right"),
        ('q3 = ("「{}」（0.51）")', "right"),
        ('q3 = "。"', "wrong"),
        ("q3 = explanation.most_important('the', method='saliency')", "malformed"),
        ('q3 = ""', "unanswered"),
    ],
)
def test_sheet_self_check_and_grader_agree_about_every_spelling(
    class_key, tmp_path, monkeypatch, capsys, template, verdict
):
    key = load_key(class_key / "key.yaml", QUESTIONS)
    student = next(iter(key.students))
    right = key.answer("q3", student)
    typed = template.format(right.correct)
    sheet_checks.open_sheet(packed_questions(key.personalised(QUESTIONS, student), {"q3": right}))
    history = SimpleNamespace(input_hist_raw=["", typed])
    shell = SimpleNamespace(history_manager=history, user_ns={})
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    sheet_checks.check_answer("q3", right.correct)
    said = {
        "right": "自查：正确", "wrong": "自查：不正确", "malformed": "格式不对",
        "unanswered": "还没有作答",
    }  # fmt: skip
    assert said[verdict] in capsys.readouterr().out
    sheet_checks.open_sheet("")
    course = Class(tmp_path, key)
    course.hand_in(f"hw7_{student}.ipynb", notebook([code_cell(typed), code_cell('q1 = "A"')]))
    assert course.grade()[student]["q3_result"] == verdict
