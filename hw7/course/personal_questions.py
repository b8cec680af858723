"""Personal questions: every student gets an own sentence, so that a copied answer fails."""

import hmac
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from helpers.environment import assets_folder
from helpers.errors import HomeworkError, TextError
from hw7.course.answers import Answer
from hw7.course.grading.tables import comparable
from hw7.course.key_queries import MIN_SCORE, TOLERANCE, Explainer, answer_query, lead
from hw7.course.keys import PersonalKey, PersonalLookUp
from hw7.course.marking import is_right
from hw7.course.questions import Query, Question, Record, load_record

if TYPE_CHECKING:
    import pandas

    from helpers.explanation import Explanation

MIN_MARGIN = 0.05  # five units of the last decimal shown: the strongest token is beyond doubt
MIN_DISTANCE = 3 * TOLERANCE  # from the score in the other heatmap, or the wrong one would do


class SentenceList(Record):
    """The sentences personal questions may be about."""

    source: str
    licence: str
    sentences: list[str] = Field(min_length=1)


def load_sentences(path: Path | None = None) -> list[str]:
    """Load the list of sentences; without a path, the kit's."""
    path = path or assets_folder() / "hw7" / "sentences.yaml"
    return load_record(SentenceList, path, "sentence list").sentences


def candidates(question: Question, explanation: "Explanation") -> list[Query]:
    """Return the queries like a question's that are beyond doubt in another sentence.

    Neither a guess nor the wrong heatmap may earn the point: a token asked for leads, and is not
    the other heatmaps', by ``MIN_MARGIN``; a number is far enough from 0 and from their cells.
    Tokens that occur twice, special tokens and punctuation are left out.
    """
    query = question.query
    assert query is not None  # noqa: S101 (callers pass look-ups only)
    tables = {method: explanation.table(method) for method in explanation.methods}
    table = tables.pop(query.method)
    asked = query.model_copy(update={"sentence": explanation.input_text})
    columns, rows = (_askable(list(tokens)) for tokens in (table.columns, table.index))
    if query.source is None:
        return [
            asked.model_copy(update={"generated": table.columns[column]})
            for column in columns
            if _only_here(*(t.iloc[:, column] for t in (table, *tables.values())))
        ]
    scores = table.to_numpy(dtype=float)
    is_readable = scores >= MIN_SCORE
    for other in tables.values():
        is_readable &= abs(scores - other.to_numpy(dtype=float)) >= MIN_DISTANCE
    return [
        asked.model_copy(update={"generated": table.columns[column], "source": table.index[row]})
        for column in columns
        for row in rows
        if is_readable[row, column]
    ]


def _askable(tokens: list[str]) -> list[int]:
    """Return the positions of words that occur once, in capitals or not."""
    plain = [token.casefold() for token in tokens]
    return [n for n, token in enumerate(plain) if plain.count(token) == 1 and token.isalnum()]


def _only_here(scores: "pandas.Series", *others: "pandas.Series") -> bool:
    """Tell whether a column's strongest token is beyond doubt, and another one everywhere else."""
    strongest = int(scores.to_numpy().argmax())
    if strongest not in _askable(list(scores.index)) or lead(scores) < MIN_MARGIN:
        return False
    return all(other.max() - other.iloc[strongest] >= MIN_MARGIN for other in others)


def personal_key(
    student_id: str,
    salt: str,
    sentences: Sequence[str],
    questions: Sequence[Question],
    explainer: Explainer,
) -> PersonalKey:
    """Give a student a sentence and look-ups by a salted hash of the id, and compute the answers.

    A student's draw depends on nobody else and on no spelling of the id. A sentence the model can't
    read, or is in doubt about, gives way to the student's next one.

    Raises:
        HomeworkError: The model is in doubt about every sentence of the list.
    """
    student = comparable(student_id)
    for sentence in sorted(sentences, key=lambda s: draw(salt, student, s)):
        try:
            explanation = explainer.explain("translation", sentence)
        except TextError:
            continue  # the list serves several models; this one lacks a word
        found = {question.id: candidates(question, explanation) for question in questions}
        if all(found.values()):
            look_ups = {
                name: _look_up(queries, explanation, salt, student + name)
                for name, queries in found.items()
            }
            digest = explanation.digest()
            return PersonalKey(sentence=sentence, digest=digest, look_ups=look_ups)
    raise HomeworkError(
        f"None of the {len(sentences)} sentences has readings beyond doubt on this model (margin "
        f"{MIN_MARGIN}, and other answers in the other heatmap). Choose sentences for it: "
        "python -m tools.choose_sentences --model FOLDER, then pass --sentences."
    )


def _look_up(
    queries: list[Query], explanation: "Explanation", salt: str, label: str
) -> PersonalLookUp:
    query = min(queries, key=lambda query: draw(salt, label, f"{query.source} {query.generated}"))
    tokens = dict.fromkeys(explanation.table(query.method).index if query.source is None else ())
    words = [token for token in tokens if not token.startswith("<")]
    return PersonalLookUp(query=query, answer=answer_query(query, explanation), tokens=words)


def draw(salt: str, student_id: str, label: str) -> bytes:
    """Return the pseudorandom order of a label for a student: an HMAC with the secret salt."""
    return hmac.digest(salt.encode(), f"{student_id}\n{label}".encode(), "sha256")


def copied_answers_accepted(keys: Sequence[PersonalKey], question: Question) -> float:
    """Return in which share of ordered pairs of students one's answer is right for the other."""
    pairs = [*permutations((key.look_ups[question.id].answer for key in keys), 2)]
    given = (Answer("accepted", a.correct if a.value is None else a.value) for a, _ in pairs)
    passed = (is_right(question, a, key) for a, (_, key) in zip(given, pairs, strict=True))
    return sum(passed) / max(len(pairs), 1)
