"""How each question behaved: success, options chosen, and whether it tells strong from weak."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hw7.course.grading.class_run import Result
from hw7.course.marking import Mark
from hw7.course.questions import Question, QuestionSet
from hw7.course.reports.gradebook import Row, safe_cell

COLUMNS = [
    "question", "type", "students", "success", "discrimination",
    "unanswered", "malformed", "awaiting_rubric", "chosen",
]  # fmt: skip
MAX_CHOICES_LISTED = 6


@dataclass(frozen=True)
class Item:
    """One question over the whole class.

    Attributes:
        right: How many students earned all points.
        partial: How many earned some of a free text's points.
        success: Mean share of the points, over students whose points are known; None without any.
        discrimination: Correlation of the points with those of all other questions (the corrected
            item-total correlation of classical test theory; Nunnally and Bernstein 1994, chapter
            8), in [-1, 1]. None where one of the two does not vary. Below 0.2 look at the question.
        chosen: How many students gave each accepted answer.
    """

    question: Question
    students: int
    right: int
    partial: int
    success: float | None
    discrimination: float | None
    unanswered: int
    malformed: int
    awaiting: int
    chosen: Counter[str]

    @property
    def wrong(self) -> int:
        """How many gave a legal answer that earned nothing."""
        others = self.right + self.partial + self.awaiting + self.malformed + self.unanswered
        return self.students - others

    @property
    def row(self) -> Row:
        """The question's row in the table."""
        listed = self.chosen.most_common(MAX_CHOICES_LISTED)
        return {
            "question": self.question.id,
            "type": self.question.type,
            "students": str(self.students),
            "success": "" if self.success is None else f"{self.success:.3f}",
            "discrimination": "" if self.discrimination is None else f"{self.discrimination:.3f}",
            "unanswered": str(self.unanswered),
            "malformed": str(self.malformed),
            "awaiting_rubric": str(self.awaiting),
            "chosen": safe_cell("; ".join(f"{answer[:30]}: {count}" for answer, count in listed)),
        }


def analyse(
    results: Sequence[Result], rows: Mapping[str, Row], questions: QuestionSet
) -> list[Item]:
    """Analyse the questions over the students with a readable submission."""
    graded = [result for result in results if result.marks]
    shares = np.array(
        [[_share(mark, rows[r.student.id]) for mark in r.marks] for r in graded], dtype=float
    ).reshape(len(graded), len(questions.questions))
    return [
        _item(question, [result.marks[column] for result in graded], shares, column)
        for column, question in enumerate(questions.questions)
    ]


def _share(mark: Mark, row: Row) -> float:
    """Return the share of the points, NaN while a human has not read the text."""
    if mark.points is not None:
        return mark.points / mark.question.points
    entered = row[f"{mark.question.id}_rubric_points"]
    is_pending = row["status"] == "rubric" and not entered
    try:
        return float("nan") if is_pending else float(entered) / mark.question.points
    except ValueError:
        return float("nan")


def _item(question: Question, marks: list[Mark], shares: np.ndarray, column: int) -> Item:
    own = shares[:, column]
    is_known = ~np.isnan(own)
    answers = [mark.answer.value for mark in marks if mark.answer.status == "accepted"]
    counted = [] if question.type == "text" else answers
    verdicts = Counter(mark.verdict for mark in marks)
    return Item(
        question=question,
        students=len(marks),
        right=int((own == 1).sum()),
        partial=int(((own > 0) & (own < 1)).sum()),
        success=float(own[is_known].mean()) if is_known.any() else None,
        discrimination=discrimination(shares, column),
        unanswered=verdicts["unanswered"],
        malformed=verdicts["malformed"],
        awaiting=int((~is_known).sum()),
        chosen=Counter(f"{a:g}" if isinstance(a, float) else str(a) for a in counted),
    )


def discrimination(shares: np.ndarray, column: int) -> float | None:
    """Correlate one question with the sum of the others, `[student, question]`, NaN ignored."""
    own, rest = shares[:, column], np.delete(shares, column, axis=1)
    is_known = ~np.isnan(own)
    own, total = own[is_known], np.nansum(rest[is_known], axis=1)
    if len(own) < 3 or np.ptp(own) == 0 or np.ptp(total) == 0:
        return None
    return float(np.corrcoef(own, total)[0, 1])


def draw(items: Sequence[Item], path: Path) -> None:
    """Draw success and discrimination per question, and what was chosen, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    names = [item.question.id for item in items]
    above.bar(names, [item.success or 0 for item in items], color="#2f5fb3", label="success")
    found = [(i.question.id, i.discrimination) for i in items if i.discrimination is not None]
    above.plot([n for n, _ in found], [v for _, v in found], "D", color="#b26a00",
               label="discrimination")  # fmt: skip
    above.axhline(0.2, color="#b26a00", linewidth=0.8, linestyle=":")
    lowest = min([0.0, *(value - 0.1 for _, value in found)])
    above.set(ylim=(lowest, 1.05), ylabel="share / correlation")
    parts = {
        "all points": ("#1a7f4b", [item.right for item in items]),
        "some points": ("#8bc4a3", [item.partial for item in items]),
        "wrong": ("#b3261e", [item.wrong for item in items]),
        "awaiting rubric": ("#2f5fb3", [item.awaiting for item in items]),
        "malformed": ("#b26a00", [item.malformed for item in items]),
        "unanswered": ("#b9c0cd", [item.unanswered for item in items]),
    }
    bottom = np.zeros(len(items))
    for label, (color, counts) in parts.items():
        below.bar(names, counts, bottom=bottom, color=color, label=label)
        bottom += np.array(counts)
    below.set(ylabel="students")
    below.yaxis.get_major_locator().set_params(integer=True)
    for axes in (above, below):
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
