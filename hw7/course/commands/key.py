"""Compute the answer key by running the model; with a roster, also personal questions."""

import argparse
import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import nbformat

from helpers.errors import HomeworkError
from hw7.course.answer_sheet import build_answer_sheet, load_master
from hw7.course.commands.grade import with_bar
from hw7.course.grading.roster import Student, file_stem, load_roster
from hw7.course.grading.tables import comparable, write_text
from hw7.course.handing_out import hand_out
from hw7.course.key_queries import TOLERANCE_REASON, Explainer, answer_query
from hw7.course.keys import Key, as_yaml, in_words, load_conceptual, save_key, updated
from hw7.course.marking import Conceptual, KeyAnswer
from hw7.course.personal_questions import copied_answers_accepted, load_sentences, personal_key
from hw7.course.questions import QuestionSet, load_questions, load_record
from hw7.course.record import versions
from hw7.course.release.student_notebooks import install_address
from hw7.course.reports.exports import otter_tests
from hw7.course.sheet_checks import SELF_CHECK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--model", help="offline, full, a hub name or a folder (default: what load_model picks)")
    add("-o", "--output", type=Path, default=Path("key.yaml"), help="key file to write")
    add("--answers", type=Path, help="the instructor's file with the conceptual answers")
    add("--students", type=Path, help="class list in CSV: gives each student an own sentence")
    add("--language", choices=["zh", "en"], default="zh", help="of the personal sheets")
    add("--url", default="", help="where the sheets install the kit from, as `hw7 release` printed")
    add("--salt", help="decides who gets which sentence (default: that of an earlier KEY, or new)")
    add("--sentences", type=Path, help="other sentences than the kit's for personal questions")
    add("--self-check", metavar="q3,q4", help="let sheets say right or wrong for these questions: "
        "personal ones by their own answers, the common one by KEY.self_check.yaml, for "
        "hw7 release --self-check")  # fmt: skip
    add("--otter", type=Path, metavar="FOLDER", help="also write tests for otter-grader")
    add("--master", type=Path, help="master notebook the answer sheets are derived from")
    add("--questions", type=Path, help="other questions than the kit's")


def run(arguments: argparse.Namespace) -> int:
    """Run the queries, write the key, and the personal answer sheets if there is a roster."""
    questions = load_questions(arguments.questions)
    opened = [n.strip() for n in arguments.self_check.split(",")] if arguments.self_check else []
    for name in opened:
        if questions[name].type == "text":
            raise HomeworkError(f"{name} is a free text, which no machine can check.")
    # Refused before the model is run for 300 students.
    if (url := arguments.url) and (install_address(url, "") != url or url.endswith("/")):
        raise HomeworkError(f"--url {url!r} must be the wheel's own address, not a folder's.")
    conceptual = load_conceptual(arguments.answers, questions)
    if typed_in := [q.id for q in questions.look_ups if q.id in conceptual]:
        raise HomeworkError(
            f"The instructor's file answers {typed_in[0]}, but look-ups are computed by the model. "
            "Remove that answer."
        )
    students = load_roster(arguments.students) if arguments.students else []
    master = load_master(arguments.master) if students else None
    earlier = _earlier(arguments)
    model = arguments.model
    if model in {"offline", "full"}:
        os.environ["HW7_MODELS"], model = model, None  # the catalog then chooses that edition
    explainer = Explainer({"translation": model} if model else {}, questions.look_ups)
    salt = arguments.salt or (earlier.salt if earlier else "") or secrets.token_hex(16)
    computed = _common_key(questions, conceptual, explainer, salt)
    key, notes = updated(computed, earlier, questions)
    if students:
        key = _with_students(key, students, arguments, questions, explainer)
    if earlier is not None and earlier != key:
        save_key(earlier, arguments.output.with_name(f"{arguments.output.name}.bak"))
    save_key(key, arguments.output)
    for line in (*notes, *_summary(key, questions, explainer)):
        print(line)
    print(f"{arguments.output}: key for {key.model}, personal look-ups of {len(key.students)}.")
    if master is not None:
        _write_sheets(key, students, arguments, questions, master, opened)
    elif opened:
        path = arguments.output.with_name(f"{arguments.output.stem}.{SELF_CHECK}")
        write_text(path, as_yaml(Conceptual(answers={name: key.answers[name] for name in opened})))
        names = ", ".join(opened)
        print(f"{path}: put it beside the answer sheet as {SELF_CHECK} to open {names}.")
    if arguments.otter:
        tests = otter_tests(questions, key)
        for name, text in tests.items():
            write_text(arguments.otter / name, text)
        print(f"{arguments.otter}: {len(tests)} otter tests; students must not see them.")
    return 0


def _earlier(arguments: argparse.Namespace) -> Key | None:
    """Return the key that is to be brought up to date; what a person wrote into it is kept."""
    if not arguments.output.exists():
        return None
    try:
        key = load_record(Key, arguments.output, "key")
    except HomeworkError as error:
        raise HomeworkError(
            f"{arguments.output} exists but can't be used: {error} Mend or remove it, or give "
            "another -o; a new key gives all students new sentences."
        ) from error
    if arguments.salt and key.salt and arguments.salt != key.salt:
        raise HomeworkError(f"{arguments.output} has another salt than --salt. Give another -o.")
    return key


def _common_key(
    questions: QuestionSet, conceptual: dict[str, KeyAnswer], explainer: Explainer, salt: str
) -> Key:
    answers, digests, model = dict(conceptual), {}, ""
    for question in questions.look_ups:
        if query := question.query:
            explanation = explainer.explain(query.task, query.sentence)
            answers[question.id] = answer_query(query, explanation)
            digests[query.sentence] = explanation.digest()
            model = explanation.model_name
    return Key(
        model=model,
        versions=versions(),
        date=datetime.now(timezone.utc).date(),
        questions=questions.digest(),
        asked={question.id: question.digest() for question in questions.questions},
        tolerance=TOLERANCE_REASON,
        digests=digests,
        salt=salt,
        answers={q.id: answers[q.id] for q in questions.questions if q.id in answers},
    )


def _with_students(
    key: Key,
    students: Sequence[Student],
    arguments: argparse.Namespace,
    questions: QuestionSet,
    explainer: Explainer,
) -> Key:
    """Add personal questions for those students of a roster that have none yet."""
    sentences = load_sentences(arguments.sentences)
    known = {comparable(name): personal for name, personal in key.students.items()}
    ids = [student.id for student in students]
    keys = {}
    for name in with_bar(ids):
        kept = known.pop(comparable(name), None)
        keys[name] = kept or personal_key(name, key.salt, sentences, questions.personal, explainer)
    absent = {name: p for name, p in key.students.items() if comparable(name) in known}
    used = len({personal.sentence for personal in keys.values()})
    print(f"{len(keys)} students share {used} of the {len(sentences)} sentences in the list.")
    if absent:
        print(f"{len(absent)} students of the earlier key are not in this roster; they stay in it.")
    for question in questions.personal:
        share = copied_answers_accepted(list(keys.values()), question)
        print(f"{question.id}: copied from another student, an answer is right in {share:.1%}.")
    return key.model_copy(update={"students": keys | absent})


def _write_sheets(
    key: Key,
    students: Sequence[Student],
    arguments: argparse.Namespace,
    questions: QuestionSet,
    master: nbformat.NotebookNode,
    opened: Sequence[str],
) -> None:
    """Write each student's sheet, and the table by which the sheets are sent out."""
    folder = arguments.output.with_name(f"{arguments.output.stem}.sheets")
    files = {}
    for student in students:
        answers = ((name, key.answer(name, student.id)) for name in opened)
        sheet = build_answer_sheet(
            master,
            key.personalised(questions, student.id),
            sentence=key.students[student.id].sentence,
            student_id=student.id,
            language=arguments.language,
            address=arguments.url,
            opened={name: answer for name, answer in answers if answer is not None},
        )
        files[student.id] = folder / f"hw7_{file_stem(student.id)}.ipynb"
        write_text(files[student.id], nbformat.writes(sheet) + "\n")
    print(f"{folder}: {len(files)} answer sheets.")
    if opened:
        print(f"{', '.join(opened)}: each sheet says right or wrong by its own answers.")
    for line in hand_out(students, files, folder):
        print(line)


def _summary(key: Key, questions: QuestionSet, explainer: Explainer) -> Iterator[str]:
    """Say of each look-up what is right, by how much, and whether the other heatmap says so too."""
    for question in questions.look_ups:
        answer, query = key.answers[question.id], question.query
        yield f"{question.id}, common sentence: {in_words(answer)}"
        if query is None or answer.correct is None:
            continue
        explanation = explainer.explain(query.task, query.sentence)
        others = (method for method in explanation.methods if method != query.method)
        strongest = {m: explanation.most_important(query.generated, method=m) for m in others}
        if same := [m for m, token in strongest.items() if token == answer.correct]:
            yield (
                f"  {', '.join(same)} gives {answer.correct} too, so on the common sentence the "
                "wrong heatmap earns the point; on personal ones it does not."
            )
