"""Compute look-up answers by running the model that is named; no value is ever typed in."""

from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError
from helpers.keys import KeyAnswer
from helpers.questions import Query, Question

if TYPE_CHECKING:
    import pandas

    from helpers.explanation import Explanation

# Half a unit of the last of two decimals (0.005) for rounding on screen, and as much again for
# cutting digits off instead and for other hardware, whose scores differ by less.
TOLERANCE = 0.01
TOLERANCE_REASON = (
    "0.01: reading two decimals off the screen costs up to 0.005 when rounded, 0.01 when cut off; "
    "float32 on other hardware moves a score by less than 0.001, bfloat16 by less than 0.005"
)


class Explainer:
    """Explains sentences with one model per task, loading each model once.

    Args:
        model_of: The model to load for a task: a catalog key, a folder or a hub name.
        questions: The look-up questions, which name the methods to run.
    """

    def __init__(self, model_of: dict[str, str], questions: list[Question]) -> None:
        self._model_of = model_of
        self._methods: dict[str, list[str]] = {}
        for question in questions:
            if (query := question.query) is not None:
                methods = self._methods.setdefault(query.task, [])
                if query.method not in methods:
                    methods.append(query.method)
        self._models: dict[str, Any] = {}
        self._explanations: dict[tuple[str, str], Explanation] = {}

    def explain(self, task: str, sentence: str) -> "Explanation":
        """Explain a sentence with every method the task's questions name; repeated calls are free.

        Raises:
            HomeworkError: The model can't be loaded, or can't read the sentence.
        """
        from helpers import explain, load_model

        if (task, sentence) not in self._explanations:
            if task not in self._models:
                self._models[task] = load_model(self._model_of.get(task, task))
            model = self._models[task]
            self._explanations[task, sentence] = explain(
                model,
                sentence,
                methods=self._methods[task],
                show_progress=False,
            )
        return self._explanations[task, sentence]


def answer_query(query: Query, explanation: "Explanation") -> KeyAnswer:
    """Look an answer up in an explanation.

    Raises:
        TokenLookupError: The model wrote other tokens than the question asks about.
        HomeworkError: Two source tokens share the highest score, so the question has no answer.
    """
    if query.source is not None:
        value = explanation.importance(query.source, query.generated, method=query.method)
        return KeyAnswer(value=round(value, 6), tolerance=TOLERANCE)
    token = explanation.most_important(query.generated, method=query.method)
    table = explanation.table(query.method)
    margin = lead(table.iloc[:, list(table.columns).index(query.generated)])
    if margin <= 0:
        raise HomeworkError(
            f"In {query.sentence!r} several source tokens are equally important for "
            f"{query.generated!r}; ask about another token or sentence."
        )
    return KeyAnswer(correct=token, margin=round(margin, 6))


def lead(column: "pandas.Series") -> float:
    """Return by how much the highest score of a column leads the second, 0 for a tie."""
    scores = column.to_numpy(dtype=float)
    highest = sorted(scores[scores == scores])[-2:]  # NaN, not yet written, differs from itself
    return float(highest[1] - highest[0]) if len(highest) == 2 else float("inf")
