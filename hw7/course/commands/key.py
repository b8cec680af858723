"""Compute the answer key by running the model; with a roster, also personal questions."""

import argparse
import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import nbformat

from helpers.errors import HomeworkError
from hw7.course.answer_sheet import build_answer_sheet, load_master
from hw7.course.commands.grade import with_bar
from hw7.course.grading.roster import file_stem, load_roster
from hw7.course.key_queries import TOLERANCE_REASON, Explainer, answer_query
from hw7.course.keys import Key, PersonalKey, as_yaml, load_conceptual, load_key, save_key
from hw7.course.personal_questions import copied_answers_accepted, load_sentences, personal_key
from hw7.course.questions import QuestionSet, load_questions
from hw7.course.record import versions
from hw7.course.reports.exports import otter_tests
from hw7.course.reports.gradebook import write_text
from hw7.course.right_answers import Conceptual, KeyAnswer
from hw7.course.sheet_checks import SELF_CHECK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--model", help="offline, full, a hub name or a folder (default: what load_model picks)")
    add("-o", "--output", type=Path, default=Path("key.yaml"), help="key file to write")
    add("--answers", type=Path, help="the instructor's file with the conceptual answers")
    add("--students", type=Path, help="class list in CSV: gives each student an own sentence")
    add("--sheets", type=Path, help="folder for the personal answer sheets (default: KEY.sheets)")
    add("--url", default="", help="where the sheets install the kit from, as `hw7 release` printed")
    add("--salt", help="decides who gets which sentence (default: that of an earlier KEY, or new)")
    add("--sentences", type=Path, help="other sentences than the kit's for personal questions")
    add("--self-check", metavar="q3,q4", help="also write KEY.self_check.yaml, which lets answer "
        "sheets say right or wrong for these questions (hw7 release --self-check)")  # fmt: skip
    add("--otter", type=Path, metavar="FOLDER", help="also write tests for otter-grader")
    add("--master", type=Path, help="master notebook the answer sheets are derived from")
    add("--questions", type=Path, help="other questions than the kit's")


def run(arguments: argparse.Namespace) -> int:
    """Run the queries, write the key, and the personal answer sheets if there is a roster."""
    questions = load_questions(arguments.questions)
    opened = _opened(arguments.self_check, questions)
    _check_address(arguments.url)
    conceptual = load_conceptual(arguments.answers, questions)
    _refuse_typed_in(conceptual, questions)
    students = load_roster(arguments.students) if arguments.students else []
    master = load_master(arguments.master) if students else None
    explainer = Explainer(_models(arguments.model), questions.look_ups)
    key = _common_key(questions, conceptual, explainer, _salt(arguments, questions))
    if master is not None:
        ids = [student.id for student in students]
        key = key.model_copy(
            update={"students": _personal_keys(ids, key.salt, arguments, questions, explainer)}
        )
    save_key(key, arguments.output)
    for question in questions.look_ups:
        print(f"{question.id}: {_in_words(key.answers[question.id])}")
    print(f"{arguments.output}: key for {key.model}, {len(key.students)} personal questions.")
    if master is not None:
        _write_sheets(key, arguments, questions, master)
    if opened:
        _write_self_check(key, arguments.output, opened)
    if arguments.otter:
        _write_otter(key, arguments.otter, questions)
    return 0


def _refuse_typed_in(answers: dict[str, KeyAnswer], questions: QuestionSet) -> None:
    typed_in = [question.id for question in questions.look_ups if question.id in answers]
    if typed_in:
        raise HomeworkError(
            f"The instructor's file answers {typed_in[0]}, but look-ups are computed by the model. "
            "Remove that answer."
        )


def _check_address(url: str) -> None:
    """Refuse what pip can't install from before the model is run for 300 students."""
    from hw7.course.release.student_notebooks import install_address

    if url and (install_address(url, "") != url or url.endswith("/")):
        raise HomeworkError(f"--url {url!r} must be the wheel's own address, not a folder's.")


def _opened(names: str | None, questions: QuestionSet) -> list[str]:
    opened = [name.strip() for name in names.split(",")] if names else []
    for name in opened:
        if questions[name].type == "text":
            raise HomeworkError(f"{name} is a free text, which no machine can check.")
    return opened


def _models(model: str | None) -> dict[str, str]:
    """Return the model to load per task; an edition is chosen through the catalog's variable."""
    if model in {"offline", "full"}:
        os.environ["HW7_MODELS"] = model
        return {}
    return {"translation": model} if model else {}


def _salt(arguments: argparse.Namespace, questions: QuestionSet) -> str:
    """Keep an earlier key's salt, so that a longer roster changes no student's sentence."""
    if arguments.salt:
        return str(arguments.salt)
    if arguments.output.exists():
        try:
            return load_key(arguments.output, questions).salt or secrets.token_hex(16)
        except HomeworkError as error:
            raise HomeworkError(
                f"{arguments.output} exists but can't be used: {error} Remove it, or give "
                "another -o; a new key gives all students new sentences."
            ) from error
    return secrets.token_hex(16)


def _common_key(
    questions: QuestionSet, conceptual: dict[str, KeyAnswer], explainer: Explainer, salt: str
) -> Key:
    answers, digests, model = dict(conceptual), {}, ""
    for question in questions.look_ups:
        query = question.query
        if query is None:
            continue
        explanation = explainer.explain(query.task, query.sentence)
        answers[question.id] = answer_query(query, explanation)
        digests[query.sentence] = explanation.digest()
        model = explanation.model_name
    in_order = [q.id for q in questions.questions if q.id in answers]
    return Key(
        model=model,
        versions=versions(),
        date=datetime.now(timezone.utc).date(),
        questions=questions.digest(),
        tolerance=TOLERANCE_REASON,
        digests=digests,
        salt=salt,
        answers={question_id: answers[question_id] for question_id in in_order},
    )


def _personal_keys(
    ids: Sequence[str],
    salt: str,
    arguments: argparse.Namespace,
    questions: QuestionSet,
    explainer: Explainer,
) -> dict[str, PersonalKey]:
    sentences = load_sentences(arguments.sentences)
    asked = [q for q in questions.look_ups if q.query and q.query.task == "translation"]
    keys = {
        student_id: personal_key(student_id, salt, sentences, asked, explainer)
        for student_id in with_bar(ids, "student", is_long=len(ids) >= 10)
    }
    used = len({personal.sentence for personal in keys.values()})
    print(f"{len(keys)} students got {used} different sentences.")
    for question in asked:
        share = copied_answers_accepted(list(keys.values()), question.id)
        print(f"{question.id}: a neighbour's answer passes for {share:.1%} of pairs of students.")
    return keys


def _write_sheets(
    key: Key, arguments: argparse.Namespace, questions: QuestionSet, master: nbformat.NotebookNode
) -> None:
    folder = arguments.sheets or arguments.output.with_name(f"{arguments.output.stem}.sheets")
    for student_id, personal in key.students.items():
        sheet = build_answer_sheet(
            master,
            key.personalised(questions, student_id),
            sentence=personal.sentence,
            student_id=student_id,
            address=arguments.url,
        )
        path = folder / f"hw7_{file_stem(student_id)}.ipynb"
        write_text(path, nbformat.writes(sheet) + "\n")
    print(f"{folder}: {len(key.students)} answer sheets.")


def _write_self_check(key: Key, output: Path, names: Sequence[str]) -> None:
    """Write the opened answers in plain text: whoever gets the file can read them."""
    path = output.with_name(f"{output.stem}.{SELF_CHECK}")
    content = Conceptual(answers={name: key.answers[name] for name in names})
    write_text(path, as_yaml(content))
    print(f"{path}: put it beside the answer sheet as {SELF_CHECK} to open {', '.join(names)}.")


def _write_otter(key: Key, folder: Path, questions: QuestionSet) -> None:
    tests = otter_tests(questions, key)
    for name, text in tests.items():
        write_text(folder / name, text)
    print(f"{folder}: {len(tests)} otter tests; keep them from students, they hold the answers.")


def _in_words(answer: KeyAnswer) -> str:
    if answer.value is not None:
        return f"{answer.value:.4f}, accepted within {answer.tolerance:g}"
    return f"{answer.correct}, leads the next token by {answer.margin:.3f}"
