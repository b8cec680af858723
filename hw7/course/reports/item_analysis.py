"""How each question behaved: success, options chosen, and whether it tells strong from weak."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas

from hw7.course.questions import QuestionSet
from hw7.course.reports.gradebook import points_of, safe_cell

COLUMNS = [
    "question", "type", "students", "success", "discrimination",
    "unanswered", "malformed", "awaiting_rubric", "chosen",
]  # fmt: skip
MAX_CHOICES_LISTED = 6
_COLORS = {
    "all points": "#1a7f4b",
    "some points": "#8bc4a3",
    "wrong": "#b3261e",
    "awaiting rubric": "#2f5fb3",
    "malformed": "#b26a00",
    "unanswered": "#b9c0cd",
}


def analyse(rows: Iterable[Mapping[str, str]], questions: QuestionSet) -> pandas.DataFrame:
    """Analyse the questions over the students with a readable submission, one row a question.

    ``success`` is the mean share of the known points; ``discrimination`` the correlation with the
    points of all other questions, in [-1, 1] (corrected item-total correlation; Nunnally and
    Bernstein 1994, chapter 8). Below 0.2 look at the question. Both are NaN where nothing is known
    or varies. The last columns count the students by outcome.
    """
    handed_in = [row for row in rows if row["file"]]
    graded, asked = pandas.DataFrame(handed_in, dtype=object), questions.questions
    earned = {q.id: [points_of(row, q) for row in handed_in] for q in asked}
    shares = pandas.DataFrame(earned, dtype=float) / pandas.Series({q.id: q.points for q in asked})
    items = []
    for question in asked:
        own, name = shares[question.id], question.id
        results = graded.get(f"{name}_result", pandas.Series(dtype=object))
        is_given = results.isin(["right", "wrong", "void"])
        chosen = graded.get(f"{name}_answer", pandas.Series(dtype=object))[is_given].value_counts()
        first = [f"{str(a)[:30]}: {n}" for a, n in chosen.head(MAX_CHOICES_LISTED).items()]
        outcome = results.where(results.isin(["malformed", "unanswered"]), "wrong")
        outcome = outcome.mask((own > 0) & (own < 1), "some points").mask(own == 1, "all points")
        counts = outcome.mask(own.isna(), "awaiting rubric").value_counts()
        items.append(
            {
                "question": name,
                "type": question.type,
                "students": len(own),
                "success": own.mean(),
                "discrimination": discrimination(shares, name),
                "chosen": "" if question.type == "text" else safe_cell("; ".join(first)),
            }
            | {outcome: int(counts.get(outcome, 0)) for outcome in _COLORS}
        )
    return pandas.DataFrame(items).set_index("question", drop=False)


def discrimination(shares: pandas.DataFrame, column: str) -> float:
    """Correlate one question with the sum of the others, `[student, question]`, NaN left out."""
    own = shares[column]
    rest = shares.drop(columns=column).sum(axis=1)[own.notna()]
    own = own.dropna()
    is_flat = len(own) < 3 or own.nunique() < 2 or rest.nunique() < 2
    return float("nan") if is_flat else float(own.corr(rest))


def table_of(items: pandas.DataFrame) -> str:
    """Return the analysis as a CSV for spreadsheets."""
    table = items.rename(columns={"awaiting rubric": "awaiting_rubric"})[COLUMNS]
    return "\ufeff" + table.to_csv(index=False, float_format="%.3f", lineterminator="\r\n")


def draw(items: pandas.DataFrame, path: Path) -> None:
    """Draw success and discrimination per question, and what came of it, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    above.bar(items.index, items["success"].fillna(0), color="#2f5fb3", label="success")
    found = items["discrimination"].dropna()
    above.plot(found.index, found, "D", color="#b26a00", label="discrimination")
    above.axhline(0.2, color="#b26a00", linewidth=0.8, linestyle=":")
    above.set(ylim=(min([0.0, *(found - 0.1)]), 1.05), ylabel="share / correlation")
    items[list(_COLORS)].plot.bar(stacked=True, ax=below, color=list(_COLORS.values()), rot=0)
    below.set(xlabel="", ylabel="students")
    below.yaxis.get_major_locator().set_params(integer=True)
    for axes in (above, below):
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
