"""Bring an existing key up to date without losing what a person corrected in it."""

from helpers.errors import HomeworkError
from hw7.course.keys import Key, PersonalKey
from hw7.course.questions import QuestionSet
from hw7.course.right_answers import KeyAnswer

_SAME = 1e-4  # other hardware moves a float32 score by less


def updated(computed: Key, earlier: Key | None, questions: QuestionSet) -> tuple[Key, list[str]]:
    """Return a computed key with an earlier one's sentences and corrections, and what was kept.

    Of a question that has not changed, the earlier answer stays, whoever wrote it. Of one that
    has, a look-up is computed anew, and a right option must be the same in both files.
    """
    if earlier is None:
        return computed, []
    if earlier.model != computed.model:
        raise HomeworkError(
            f"The key there is for {earlier.model}, but this model is {computed.model}. Give "
            "another -o; with --salt from that key students keep their sentences."
        )
    answers, notes = {}, []
    for question in questions.questions:
        before, now = earlier.answers.get(question.id), computed.answers.get(question.id)
        if before is None or now is None or _is_same(before, now):
            kept = before if now is None else now
        elif earlier.asked.get(question.id) == question.digest():  # it has not changed
            kept = before
            notes.append(
                f"{question.id}: kept from the earlier key: {in_words(before)} "
                f"(anew it would be: {in_words(now)})"
            )
        elif question.query is not None:
            kept = now
            notes.append(f"{question.id}: asked anew, so its answer is new: {in_words(now)}")
        else:
            raise HomeworkError(
                f"{question.id} has changed since the earlier key, which says {before.correct}, "
                f"but the instructor's file says {now.correct}. Make both say the same."
            )
        if kept is not None:
            answers[question.id] = kept
    students = {n: p for n, p in earlier.students.items() if _still_asks(p, questions)}
    if lost := len(earlier.students) - len(students):
        notes.append(f"{lost} students get new look-ups, for the look-up questions have changed.")
    return computed.model_copy(update={"answers": answers, "students": students}), notes


def _is_same(one: KeyAnswer, other: KeyAnswer) -> bool:
    """Tell whether two answers accept the same; the feedback may differ."""
    numbers = ((one.value, other.value), (one.tolerance, other.tolerance))
    if any((a is None) != (b is None) or abs((a or 0) - (b or 0)) > _SAME for a, b in numbers):
        return False
    facts = [(a.correct, a.accepted, a.void) for a in (one, other)]
    return facts[0] == facts[1]


def _still_asks(personal: PersonalKey, questions: QuestionSet) -> bool:
    """Tell whether a student's look-ups are of the kinds that the questions ask for today."""
    today = {question.id: question.query for question in questions.personal}
    given = {name: look_up.query for name, look_up in personal.look_ups.items()}
    kinds = [
        {n: (q.method, q.source is None) for n, q in asked.items() if q} for asked in (today, given)
    ]
    return kinds[0] == kinds[1]


def in_words(answer: KeyAnswer) -> str:
    """Return an answer as one clause of the screen."""
    if answer.void:
        return "void, everybody gets the points"
    more = f", or {', '.join(map(str, answer.accepted))}" if answer.accepted else ""
    if answer.value is not None:
        return f"{answer.value:.4f}{more}, accepted within {answer.tolerance:g}"
    margin = f", leads the next token by {answer.margin:.3f}" if answer.margin is not None else ""
    return f"{answer.correct}{more}{margin}"
