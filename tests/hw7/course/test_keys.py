"""Keys: computed on the bundled translator, checked against the heatmap itself; their files."""

import datetime
import re
from types import SimpleNamespace

import nbformat
import pandas
import pytest
import yaml

from helpers.environment import assets_folder
from helpers.errors import HomeworkError
from hw7.cli import main
from hw7.course import sheet_checks
from hw7.course.key_queries import MIN_SCORE, TOLERANCE, Explainer, answer_query, lead
from hw7.course.key_updates import updated
from hw7.course.keys import load_conceptual, load_key, read_key, save_key
from hw7.course.personal_questions import (
    MIN_DISTANCE,
    MIN_MARGIN,
    candidates,
    copied_answers_accepted,
    draw,
    load_sentences,
    personal_key,
)
from hw7.course.questions import load_questions
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
    assert copied_answers_accepted(keys, "q3") < 0.3


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
def test_a_rerun_keeps_the_salt_of_the_key_it_replaces(class_key, capsys):
    before = load_key(class_key / "key.yaml", QUESTIONS)
    copy = class_key / "copy.yaml"
    save_key(before, copy)
    roster = str(class_key / "roster.csv")
    assert main(["key", "--model", "offline", "--students", roster, "-o", str(copy)]) == 0
    assert load_key(copy, QUESTIONS).students == before.students


@pytest.mark.bundled
def test_a_longer_roster_in_other_spelling_keeps_corrections_and_sentences(
    class_key, tmp_path, capsys
):
    key = load_key(class_key / "key.yaml", QUESTIONS)
    mended = key.answers["q1"].model_copy(update={"correct": "D", "accepted": ["B"]})
    others = key.students["b3"].look_ups["q3"]
    wrong = others.answer.model_copy(update={"correct": "手改的"})
    mine = key.students["b3"].model_copy(
        update={
            "look_ups": {
                **key.students["b3"].look_ups,
                "q3": others.model_copy(update={"answer": wrong}),
            }
        }
    )
    corrected = key.model_copy(
        update={
            "answers": {**key.answers, "q1": mended, "q8": key.answers["q2"].model_copy(
                update={"void": True}
            )},
            "students": {**key.students, "b3": mine},
        }
    )  # fmt: skip
    path = tmp_path / "key.yaml"
    save_key(corrected, path)
    roster = "student_id\n" + "".join(f"B{n}\n" for n in range(14))
    (tmp_path / "roster.csv").write_text(roster, "utf-8")
    words = ["key", "--model", "offline", "--students", str(tmp_path / "roster.csv")]
    assert main([*words, "-o", str(path)]) == 0
    again = load_key(path, QUESTIONS)
    assert again.answers["q1"] == mended and again.answers["q8"].void
    assert len(again.students) == 14
    for n in range(12):
        assert again.students[f"B{n}"] == corrected.students[f"b{n}"]
    assert "q1: kept from the earlier key: D, or B" in capsys.readouterr().out
    assert read_key(tmp_path / "key.yaml.bak") == corrected


@pytest.mark.bundled
def test_a_mended_typo_leaves_the_key_alone_and_a_mended_option_is_settled_by_one_command(tmp_path):
    path, changed = tmp_path / "key.yaml", tmp_path / "questions.yaml"
    assert main(["key", "--model", "offline", "--salt", "s", "-o", str(path)]) == 0
    content = yaml.safe_load((assets_folder() / "hw7/questions.yaml").read_text("utf-8"))
    content["questions"][0]["text"]["zh"] += "！"
    content["questions"][7]["points"] = 10
    changed.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    assert load_key(path, load_questions(changed)) == load_key(path, QUESTIONS)
    content["questions"][0]["options"]["B"]["zh"] += "！"
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    with pytest.raises(HomeworkError, match=r"other questions \(q1\).*hw7 key -o"):
        load_key(path, load_questions(other))
    words = ["key", "--model", "offline", "--questions", str(other), "-o", str(path)]
    assert main(words) == 0
    assert load_key(path, load_questions(other)).salt == "s"


def test_a_changed_question_whose_answers_contradict_is_refused_before_anything_is_written():
    earlier = made_key(asked={q.id: "old" for q in QUESTIONS.questions})
    option = earlier.answers["q1"].model_copy(update={"correct": "A"})
    computed = made_key(answers=earlier.answers | {"q1": option})
    with pytest.raises(HomeworkError, match="q1 has changed"):
        updated(computed, earlier, QUESTIONS)


def test_a_key_for_another_model_is_never_replaced():
    with pytest.raises(HomeworkError, match="another -o"):
        updated(made_key(model="other"), made_key(), QUESTIONS)


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


def test_the_lead_is_the_distance_of_the_two_highest_and_zero_for_a_tie():
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
