"""The same command again brings a key up to date and loses nothing."""

import pytest
import yaml

from helpers.environment import assets_folder
from helpers.errors import HomeworkError
from hw7.cli import main
from hw7.course.keys import Key, load_key, save_key, updated
from hw7.course.questions import load_questions, load_record
from tests.support.made_submissions import QUESTIONS, made_key

LOOK_UPS = QUESTIONS.look_ups


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
    assert load_record(Key, tmp_path / "key.yaml.bak", "key") == corrected


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


def test_an_unusable_earlier_key_is_not_overwritten(tmp_path, capsys):
    path = tmp_path / "key.yaml"
    path.write_text("notes: mine", "utf-8")
    assert main(["key", "--model", "offline", "-o", str(path)]) == 1
    assert path.read_text("utf-8") == "notes: mine"
    assert "exists but can't be used" in capsys.readouterr().err
