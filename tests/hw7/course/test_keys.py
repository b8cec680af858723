"""Keys: computed on the bundled translator, checked against the heatmap itself; their files."""

import datetime

import nbformat
import pytest
import yaml

from helpers.errors import HomeworkError
from hw7.cli import main
from hw7.course.key_queries import TOLERANCE, Explainer, answer_query, lead
from hw7.course.keys import load_conceptual, load_key, save_key
from hw7.course.personal_questions import (
    MIN_DISTANCE,
    MIN_MARGIN,
    MIN_SCORE,
    candidates,
    copied_answers_accepted,
    draw,
    load_sentences,
    personal_key,
)
from tests.support.made_submissions import QUESTIONS, Class, code_cell, made_key

LOOK_UPS = QUESTIONS.look_ups


@pytest.fixture(scope="module")
def explainer(project):
    return Explainer({"translation": str(project / "assets/models/tiny-zh-en")}, LOOK_UPS)


@pytest.fixture(scope="module")
def class_key(project, tmp_path_factory):
    """A key with personal questions for 12 students, made by the command."""
    folder = tmp_path_factory.mktemp("key")
    roster = "student_id,name\n" + "".join(f"b{n},学生{n}\n" for n in range(12))
    (folder / "roster.csv").write_text(roster, "utf-8")
    words = ["--model", "offline", "--students", str(folder / "roster.csv"), "--salt", "test"]
    assert main(["key", *words, "-o", str(folder / "key.yaml")]) == 0
    return folder


@pytest.mark.bundled
def test_the_key_is_what_the_heatmap_of_the_same_model_shows(translator, class_key):
    from helpers import explain

    query = QUESTIONS["q3"].query
    table = explain(translator, query.sentence, methods=["saliency", "attention"]).table
    key = load_key(class_key / "key.yaml", QUESTIONS)
    assert key.answers["q3"].correct == table("saliency")["machine"].idxmax()
    shown = table("attention").loc["机器", "artificial"]
    # The same float32 sums in another order of batches: equal to the last digits.
    assert key.answers["q4"].value == pytest.approx(shown, abs=1e-4)
    assert key.answers["q4"].tolerance == TOLERANCE


@pytest.mark.bundled
def test_a_key_knows_its_model_versions_date_and_tolerance(class_key):
    key = load_key(class_key / "key.yaml", QUESTIONS)
    assert key.model == "tiny-zh-en"
    assert {"inseq", "torch", "transformers"} <= set(key.versions)
    assert abs((datetime.date.today() - key.date).days) <= 1
    assert "0.01" in key.tolerance
    assert len(key.digests[QUESTIONS["q3"].query.sentence]) == 64


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
        asked = personal.look_ups["q4"].query
        score = explanation.table("attention").loc[asked.source, asked.generated]
        other = explanation.table("saliency").loc[asked.source, asked.generated]
        assert personal.look_ups["q4"].answer.value == pytest.approx(score, abs=1e-6)
        assert score >= MIN_SCORE and abs(score - other) >= MIN_DISTANCE - 1e-6


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
    assert copied_answers_accepted(keys, "q3") < 0.2


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
    assert len(sentences) >= 150 and len(set(sentences)) == len(sentences)
    for sentence in sentences[:: len(sentences) // 12]:
        explanation = explainer.explain("translation", sentence)
        assert all(len(candidates(question, explanation)) >= 2 for question in LOOK_UPS)


@pytest.mark.bundled
def test_a_rerun_keeps_the_salt_of_the_key_it_replaces(class_key, capsys):
    before = load_key(class_key / "key.yaml", QUESTIONS)
    copy = class_key / "copy.yaml"
    save_key(before, copy)
    roster = str(class_key / "roster.csv")
    assert main(["key", "--model", "offline", "--students", roster, "-o", str(copy)]) == 0
    assert load_key(copy, QUESTIONS).students == before.students


@pytest.mark.bundled
def test_a_query_for_a_token_that_was_not_generated_is_one_line(explainer):
    query = QUESTIONS["q3"].query.model_copy(update={"generated": "zebra"})
    explanation = explainer.explain("translation", query.sentence)
    with pytest.raises(HomeworkError, match="zebra"):
        answer_query(query, explanation)


def test_the_lead_is_the_distance_of_the_two_highest_and_zero_for_a_tie():
    import pandas

    assert lead(pandas.Series([0.1, 0.5, 0.2])) == pytest.approx(0.3)
    assert lead(pandas.Series([0.5, 0.5, None])) == 0


def test_a_draw_depends_on_salt_student_and_label_alone():
    assert draw("s", "b1", "x") == draw("s", "b1", "x")
    others = [draw("t", "b1", "x"), draw("s", "b2", "x"), draw("s", "b1", "y")]
    assert len({draw("s", "b1", "x"), *others}) == 4


def test_a_key_survives_its_file(tmp_path):
    key = made_key(salt="123", versions={"torch": "2.10"})
    save_key(key, tmp_path / "key.yaml")
    assert load_key(tmp_path / "key.yaml", QUESTIONS) == key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["answers"].pop("q1"), "no answer to q1"),
        (lambda c: c["answers"]["q1"].update(correct="E"), "no option"),
        (lambda c: c["answers"]["q4"].pop("tolerance"), "tolerance"),
        (lambda c: c["answers"]["q4"].update(correct="x"), "either"),
        (lambda c: c["answers"]["q1"].clear(), "either"),
        (lambda c: c["answers"].update(q4={"correct": "0.03"}), "wrong type"),
        (lambda c: c.update(date="soon"), "date"),
        (lambda c: c.update(extra=1), "extra"),
    ],
)
def test_a_key_corrected_by_hand_into_nonsense_is_refused_in_one_line(tmp_path, change, message):
    path = tmp_path / "key.yaml"
    save_key(made_key(), path)
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(HomeworkError, match=message) as caught:
        load_key(path, QUESTIONS)
    assert "\n" not in str(caught.value)


def test_look_ups_typed_into_the_instructors_file_are_refused(tmp_path, capsys):
    path = tmp_path / "answers.yaml"
    path.write_text("answers: {q3: {correct: 机器}}", "utf-8")
    assert main(["key", "--answers", str(path), "-o", str(tmp_path / "key.yaml")]) == 1
    assert "computed by the model" in capsys.readouterr().err


def test_answers_to_free_texts_are_refused(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("answers: {q8: {correct: A}}", "utf-8")
    with pytest.raises(HomeworkError, match="free text"):
        load_conceptual(path, QUESTIONS)


def test_an_unusable_earlier_key_is_not_overwritten(tmp_path, capsys):
    path = tmp_path / "key.yaml"
    path.write_text("notes: mine", "utf-8")
    assert main(["key", "--model", "offline", "-o", str(path)]) == 1
    assert path.read_text("utf-8") == "notes: mine"
    assert "exists but can't be used" in capsys.readouterr().err


@pytest.mark.bundled
def test_opened_answers_and_otters_tests_are_written_beside_the_key(tmp_path):
    path = tmp_path / "key.yaml"
    words = ["key", "--model", "offline", "-o", str(path), "--self-check", "q3,q4"]
    assert main([*words, "--otter", str(tmp_path / "otter")]) == 0
    opened = load_conceptual(tmp_path / "key.self_check.yaml", QUESTIONS)
    key = load_key(path, QUESTIONS)
    assert opened == {"q3": key.answers["q3"], "q4": key.answers["q4"]}
    files = sorted(file.name for file in (tmp_path / "otter").iterdir())
    assert files == [f"q{n}.py" for n in (1, 2, 3, 4, 5, 6, 7, 9)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--self-check", "q8"], "free text"),
        (["--self-check", "q99"], "q99"),
        (["--url", "not an address"], "no address"),
        (["--url", "https://example.org/folder/"], "own address"),
    ],
)
def test_misuse_is_refused_in_one_line_before_a_model_is_loaded(tmp_path, capsys, words, message):
    assert main(["key", *words, "-o", str(tmp_path / "key.yaml")]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_otters_tests_run_as_doctests_and_tell_right_from_wrong():
    import doctest

    from hw7.course.reports.exports import otter_tests

    for name, text in otter_tests(QUESTIONS, made_key()).items():
        space: dict = {}
        exec(text, space)
        question = name.removesuffix(".py")
        visible, hidden = (case["code"] for case in space["test"]["suites"][0]["cases"])
        right = {"q3": "机器", "q4": 0.03}.get(question) or made_key().answers[question].correct
        wrong = {"q3": "学习", "q4": 0.9}.get(question) or next(
            option for option in QUESTIONS[question].options if option != right
        )
        for code, value, fails in ((visible, wrong, 0), (hidden, right, 0), (hidden, wrong, 1)):
            examples = doctest.DocTestParser().get_doctest(code, {question: value}, name, name, 0)
            runner = doctest.DocTestRunner(verbose=False)
            runner.run(examples, out=lambda text: None)
            assert runner.summarize(verbose=False).failed == fails


def test_otters_visible_tests_alone_hold_no_answer():
    from hw7.course.reports.exports import otter_tests

    for text in otter_tests(QUESTIONS, None).values():
        assert "is_correct" not in text and "correct=" not in text
