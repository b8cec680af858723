"""Keys: computed on the bundled translator, checked against the heatmap itself; their files."""

import datetime
from types import SimpleNamespace

import pandas
import pytest
import yaml

from helpers.errors import HomeworkError
from hw7.cli import main
from hw7.course.key_queries import MIN_SCORE, TOLERANCE, answer_query, lead
from hw7.course.keys import load_conceptual, load_key, save_key
from tests.support.made_submissions import QUESTIONS, made_key

LOOK_UPS = QUESTIONS.look_ups


@pytest.mark.bundled
def test_the_key_is_what_the_heatmap_of_the_same_model_shows(translator, class_key):
    from helpers import explain

    query = QUESTIONS["q3"].query
    table = explain(translator, query.sentence, methods=["saliency", "attention"]).table
    key = load_key(class_key / "key.yaml", QUESTIONS)
    assert key.answers["q3"].correct == table("saliency")["machine"].idxmax()
    asked = QUESTIONS["q4"].query
    shown = table("attention").loc[asked.source, asked.generated]
    assert shown > 3 * TOLERANCE, "a guess of 0 would pass"
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
def test_a_query_for_a_token_that_was_not_generated_is_one_line(explainer):
    query = QUESTIONS["q3"].query.model_copy(update={"generated": "zebra"})
    explanation = explainer.explain("translation", query.sentence)
    with pytest.raises(HomeworkError, match="zebra"):
        answer_query(query, explanation)


@pytest.mark.bundled
def test_a_number_so_near_to_nothing_that_a_guess_passes_is_no_question(explainer):
    query = QUESTIONS["q4"].query.model_copy(update={"source": "机器"})
    explanation = explainer.explain("translation", query.sentence)
    assert explanation.importance("机器", query.generated, method="attention") < MIN_SCORE
    with pytest.raises(HomeworkError, match="a guess passes"):
        answer_query(query, explanation)


def test_a_tie_is_no_question():
    table = pandas.DataFrame({"cat": [0.5, 0.5, 0.1]}, index=["猫", "狗", "。"])
    tied = SimpleNamespace(most_important=lambda *a, **k: "猫", table=lambda method: table)
    query = QUESTIONS["q3"].query.model_copy(update={"generated": "cat"})
    with pytest.raises(HomeworkError, match="equally important"):
        answer_query(query, tied)


def test_the_lead_is_the_distance_of_the_two_highest_and_zero_for_a_tie():
    assert lead(pandas.Series([0.1, 0.5, 0.2])) == pytest.approx(0.3)
    assert lead(pandas.Series([0.5, 0.5, None])) == 0


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
        assert "correct" not in visible
        right = {"q3": "机器", "q4": 0.03}.get(question) or made_key().answers[question].correct
        wrong = {"q3": "学习", "q4": 0.9}.get(question) or next(
            option for option in QUESTIONS[question].options if option != right
        )
        for code, value, fails in ((visible, wrong, 0), (hidden, right, 0), (hidden, wrong, 1)):
            examples = doctest.DocTestParser().get_doctest(code, {question: value}, name, name, 0)
            runner = doctest.DocTestRunner(verbose=False)
            runner.run(examples, out=lambda text: None)
            assert runner.summarize(verbose=False).failed == fails
