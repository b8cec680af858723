"""Compute look-up answers by running the model that is named; no value is ever typed in."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError
from hw7.course.marking import KeyAnswer
from hw7.course.questions import Query, Question

if TYPE_CHECKING:
    import pandas

    from helpers.explanation import Explanation

# In float32, in which models are loaded, 40 sentences had scores within 1.0e-6 of float64's. In
# bfloat16 attention moved by up to 0.009, so a course that loads models so should make its key so.
TOLERANCE = 0.01
TOLERANCE_REASON = (
    "0.01: reading two decimals off the screen costs up to 0.005 when rounded, 0.01 when cut off; "
    "other hardware moves a float32 score by about 0.000001"
)

MIN_SCORE = 5 * TOLERANCE  # so near to nothing that "0" would pass, or be guessed


class Explainer:
    """Explains sentences with one model per task, by the methods that the questions name.

    Each model is loaded once; a task without a model of its own loads the catalog's.
    """

    def __init__(self, model_of: dict[str, str], questions: list[Question]) -> None:
        self._model_of = model_of
        self._methods: defaultdict[str, dict[str, None]] = defaultdict(dict)  # in order, each once
        for query in (question.query for question in questions if question.query):
            self._methods[query.task][query.method] = None
        self._models: dict[str, Any] = {}
        self._explanations: dict[tuple[str, str], Explanation] = {}

    def explain(self, task: str, sentence: str) -> "Explanation":
        """Explain a sentence with every method the questions name; repeated calls are free."""
        from helpers import explain, load_model

        if (task, sentence) not in self._explanations:
            if task not in self._models:
                self._models[task] = load_model(self._model_of.get(task, task))
            self._explanations[task, sentence] = explain(
                self._models[task], sentence, methods=[*self._methods[task]], show_progress=False
            )
        return self._explanations[task, sentence]

    def forget(self) -> None:
        """Let go of the explanations: of thousands of sentences they fill the memory."""
        self._explanations.clear()


def answer_query(query: Query, explanation: "Explanation") -> KeyAnswer:
    """Look an answer up in an explanation.

    Raises:
        TokenLookupError: The model wrote other tokens than the question asks about.
        HomeworkError: Two source tokens share the highest score, or the number is too near to 0.
    """
    if query.source is not None:
        value = explanation.importance(query.source, query.generated, method=query.method)
        if value < MIN_SCORE:
            raise HomeworkError(
                f"In {query.sentence!r} the {query.method} of {query.source!r} for "
                f"{query.generated!r} is {value:.4f}, so near to 0 that a guess passes. Ask about "
                f"another token or sentence in the question file; {MIN_SCORE:g} is the least."
            )
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
    highest = column.nlargest(2)  # without NaN: what was not yet written
    return float(highest.iloc[0] - highest.iloc[1]) if len(highest) == 2 else float("inf")
