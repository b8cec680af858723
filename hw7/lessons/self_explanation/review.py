"""What made a chat model give its answer: attribution, word by word, of a text in its prompt."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.attribution import attribute
from helpers.errors import TextError
from helpers.generation import Generation, generate
from hw7.lessons.self_explanation.replies import words_of
from hw7.lessons.which_method.erasure import (
    FRACTIONS,
    erased_log_probabilities,
    faithfulness,
    random_scores,
)
from hw7.lessons.which_method.word_tables import spelled_texts, word_groups

if TYPE_CHECKING:
    import pandas
    from inseq.models import AttributionModel

# A word as ``words_of`` finds it, or one other sign.
_PIECE = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|\S")
RANDOM_REPEATS = 5


@dataclass(frozen=True)
class ReviewScores:
    """The words of a review, scored by attribution for one answer token."""

    answer: str  # the token that is explained, as the model wrote it
    probability: float
    table: "pandas.DataFrame"  # one row per word, one column per method
    generation: Generation
    positions: list[tuple[int, ...]]  # of each word's tokens in the prompt

    def leave_one_out(self, model: "AttributionModel") -> "pandas.Series":
        """Return how far the answer's probability falls when one word is deleted.

        This is the occlusion of Huang et al. (2023, arXiv 2310.11207). Inseq's ``occlusion`` puts
        the unknown token in the word's place instead, which for byte-level models is the sign for
        the end of a text.
        """
        import pandas

        everything = range(self.generation.sources.input_ids.shape[1])
        kept = [
            tuple(place for place in everything if place not in word) for word in self.positions
        ]
        left = erased_log_probabilities(model, self.generation, kept)[:, 0].double().exp()
        falls = (self.probability - left).tolist()
        return pandas.Series(falls, index=self.table.index, name="leave one out")

    def erase(
        self,
        model: "AttributionModel",
        scores: "Mapping[str, pandas.Series]",
        *,
        fractions: Sequence[float] = FRACTIONS,
    ) -> "pandas.DataFrame":
        """Delete the strongest words of each way to score, and see how far the answer falls.

        Args:
            model: The model that gave the answer.
            scores: For each way, one score per word, high where the word speaks for the answer
                that was given. Words without a score (NaN) count as the weakest.
            fractions: Shares of the words to delete.

        Returns:
            Comprehensiveness and sufficiency (see ``which_method.faithfulness``), one row
            per way, and the rows ``random, mean`` and ``random, std`` of random orders.
        """
        columns = {
            name: values.fillna(-math.inf).to_numpy(float)[:, None]
            for name, values in scores.items()
        }
        shape = (len(self.positions), 1)
        chance = {f"random {seed}": random_scores(shape, seed) for seed in range(RANDOM_REPEATS)}
        measured = faithfulness(
            model, self.generation, columns | chance, groups=self.positions, fractions=fractions
        ).set_index("method")[["comprehensiveness", "sufficiency"]]
        table = measured.loc[list(columns)]
        for name in ("mean", "std"):
            table.loc[f"random, {name}"] = measured.loc[list(chance)].agg(name)
        return table


def score_review(
    model: "AttributionModel",
    prompt: str,
    review: str,
    *,
    methods: Sequence[str] = ("saliency", "occlusion"),
) -> ReviewScores:
    """Let the model write one token, and score the words of the review in its prompt for it.

    A word of several tokens has the sum of their scores.

    Args:
        model: A chat model from ``load_model``.
        prompt: What the model reads, in its chat template, the review in it.
        review: The text whose words are scored; where it occurs twice, the last one counts.
        methods: Inseq's methods.

    Raises:
        TextError: The review is not in the prompt.
    """
    import pandas

    generation = generate(model, prompt, max_new_tokens=1)
    words, spans = review_spans(model, generation, review)
    outputs = attribute(model, generation, methods, show_progress=False)
    columns = {}
    for method in methods:
        scores = outputs[method].sequence_attributions[0].aggregate().target_attributions[:, 0]
        columns[method] = [float(scores[start:end].sum()) for start, end in spans]
    everything = tuple(range(generation.sources.input_ids.shape[1]))
    return ReviewScores(
        answer=generation.generated_text,
        probability=float(erased_log_probabilities(model, generation, [everything])[0, 0].exp()),
        table=pandas.DataFrame(columns, index=pandas.Index(words, name="word")),
        generation=generation,
        positions=[tuple(range(*span)) for span in spans],
    )


def review_spans(
    model: "AttributionModel", generation: Generation, review: str
) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the words of a review and the token positions ``(start, end)`` of each.

    Raises:
        TextError: The review is not in the prompt.
    """
    before, found, after = generation.input_text.rpartition(review)
    if not found:
        raise TextError("The prompt does not contain the review. Give the text that is in it.")
    pieces = [part for part in (before, *_PIECE.findall(review), after) if part.strip()]
    inside = range(bool(before.strip()), len(pieces) - bool(after.strip()))
    ids = generation.sources.input_ids[0].tolist()
    texts = spelled_texts(model.tokenizer.convert_ids_to_tokens(ids), model.tokenizer)
    words, spans = [], []
    for group in word_groups(texts, pieces):
        for place in range(*group.words):
            if place in inside and words_of(pieces[place]):
                words.append(pieces[place])
                spans.append(group.tokens)
    return words, spans
