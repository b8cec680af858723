"""Scores, and looking them up by the tokens that a student reads on screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError, MethodError, TokenLookupError, told_as
from hw7.text.matching import place_of, the_method
from hw7.views.labels import readable, shortened
from hw7.views.levels import LEVELS, Outline
from hw7.views.strongest import score_at, strongest_of, strongest_row, whole_answer_title
from hw7.views.tables import likeliest_of, table_of

if TYPE_CHECKING:
    import pandas
    from inseq import FeatureAttributionOutput


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Scores:
    """The scores of one or more methods over the same generation, to be looked up.

    Attributes:
        input_text: The sentence or prompt that was explained.
        generated_text: What the model wrote, without special tokens.
        model_name: The model's name, as in the catalog, on the hub, or its folder's.
        score: What gradient methods differentiated: probability, logit or crossentropy.
        is_translation: True where the source is a text of its own (encoder-decoder); False where
            the source of a token is everything before it (decoder-only).
        level: What is listed and looked up where no level is named: ``token``, ``word``,
            ``sentence`` or ``turn``.
        aggregation: How scores of words, sentences and turns come from those of their tokens.
        attributions: For each method Inseq's output, aggregated, with readable tokens.
        is_complete: False where a limit cut the text before the model ended it.
        token_probabilities: What ``probabilities`` tells, as plain data.
    """

    input_text: str
    generated_text: str
    model_name: str
    score: str
    is_translation: bool
    level: str = "token"
    aggregation: str = "sum"
    attributions: "Mapping[str, FeatureAttributionOutput]"
    is_complete: bool = True
    token_probabilities: Sequence[Mapping[str, Any]] = ()

    @property
    def methods(self) -> list[str]:
        """The methods there are scores of, in the order asked for."""
        return list(self.attributions)

    def attribution(self, method: str) -> "FeatureAttributionOutput":
        """Return Inseq's output, aggregated as its ``show()`` does, with readable tokens.

        Raises:
            MethodError: There are no scores of this method; the message lists those there are.
        """
        return self.attributions[choose_method(self.methods, method)]

    @property
    def outline(self) -> Outline:
        """What the rows and columns are at every level; the same for all methods."""
        return Outline.read(self.attribution(self.methods[0]).info["outline"])

    @property
    def _whole(self) -> dict[str, Any]:
        """What the output of saliency says of the whole answer; empty where it says nothing."""
        return self._info("saliency", "whole_answer")

    def _info(self, method: str, name: str) -> dict[str, Any]:
        """Return a method's information where it has that name; else an empty one."""
        info = self.attributions[method].info if method in self.methods else {}
        return info if name in info else {}

    def table(
        self,
        method: str | None = None,
        *,
        level: str | None = None,
        turn: str | None = None,
        columns: str | None = None,
    ) -> "pandas.DataFrame":
        """Return the scores as a table `[source, generated]`.

        Token names may repeat; rows and columns keep the order of the text. Where a token was not
        yet written, the score is NaN. A row of its own, ``(own earlier part)``, holds what a word
        (sentence, turn) had of itself when its later tokens were written.

        Args:
            method: The method, where there is more than one.
            level: ``token``, ``word``, ``sentence`` or ``turn``.
            turn: Only the rows of this turn, such as ``user`` for the words of the user.
            columns: The level of the columns, where it is another one: ``level="sentence",
                columns="turn"`` tells which sentences the whole answer rests on.

        Raises:
            TokenLookupError: There is no such level or turn; the message lists those there are.
        """
        level, outline = choose_level(level or self.level), self.outline
        columns = choose_level(columns or level)
        output = self.attribution(choose_method(self.methods, method))
        table = table_of(output, outline, level, columns, self.aggregation)
        if turn is None:
            return table
        with told_as(TokenLookupError):
            return table.iloc[outline.rows.groups_of(turn, level)]

    def importance(
        self,
        source: str,
        generated: str,
        *,
        method: str | None = None,
        source_occurrence: int | None = None,
        occurrence: int | None = None,
        level: str | None = None,
    ) -> float:
        """Return how important a source token was when a token was generated.

        Args:
            source: The attributed token, as shown on screen.
            generated: The generated token, as shown on screen.
            method: The method, where there is more than one.
            source_occurrence: Which of several equal source tokens, counted from 1.
            occurrence: Which of several equal generated tokens, counted from 1.
            level: What the names are of: ``token``, ``word``, ``sentence`` or ``turn``.

        Raises:
            TokenLookupError: No such token, or several; the message lists what there is.
        """
        scores = self.table(method, level=level)
        row = position(scores.index, source, source_occurrence, "source_occurrence")
        column = position(scores.columns, generated, occurrence, "occurrence")
        with told_as(TokenLookupError):
            return score_at(scores, row, column)

    def most_important(
        self,
        generated: str,
        *,
        method: str | None = None,
        occurrence: int | None = None,
        level: str | None = None,
        turn: str | None = None,
    ) -> str:
        """Return the source token with the highest score when a token was generated.

        ``level`` and ``turn`` are those of ``table``.

        Raises:
            TokenLookupError: No such generated token, or several; the message lists them.
        """
        scores = self.table(method, level=level, turn=turn)
        column = position(scores.columns, generated, occurrence, "occurrence")
        with told_as(TokenLookupError):
            return str(scores.index[strongest_row(scores, column)])

    def strongest(
        self, method: str | None = None, *, level: str | None = None, turn: str | None = None
    ) -> "pandas.DataFrame":
        """Return, for each generated token, the source token with the highest score."""
        return strongest_of(self.table(method, level=level, turn=turn))

    def probabilities(self, rivals: int = 3) -> "pandas.DataFrame":
        """Return how likely the model thought each generated token, and its likeliest rivals.

        Args:
            rivals: How many other tokens to tell, up to 5.

        Returns:
            One row per token (also where words are grouped): ``generated``, ``probability``,
            ``rank`` (1 is the likeliest), then ``rival 1``, ``probability 1`` and so on.

        Raises:
            HomeworkError: The explanation was saved without them.
        """
        if not self.token_probabilities:
            raise HomeworkError("This explanation holds no probabilities. Explain the text again.")
        return likeliest_of(self.token_probabilities, rivals)

    def facts(self) -> dict[str, Any]:
        """Return the texts and the strongest source tokens as plain data."""
        strongest = {method: self.strongest(method) for method in self.methods}
        return {
            "model": self.model_name,
            "input": self.input_text,
            "generated": self.generated_text,
            "score": self.score,
            "is_translation": self.is_translation,
            "strongest": {
                method: table.round({"score": 2}).to_numpy().tolist()
                for method, table in strongest.items()
            },
        }

    def facts_text(self) -> str:
        """Return the facts as text, one line per method."""
        lines = [f"{self.input_text} → {self.generated_text} ({self.model_name})"]
        if self._whole:
            tokens = self.outline.rows.labels["token"]
            lines.append(whole_answer_title(tokens, self._whole["whole_answer"]))
        for method, rows in self.facts()["strongest"].items():
            pairs = ", ".join(f"{written} ← {source} {score}" for written, source, score in rows)
            lines.append(f"{method}: {pairs}")
        return "\n".join(lines)


def choose_method(methods: Sequence[str], method: str | None) -> str:
    """Return the method asked for, or the only one there is.

    Raises:
        MethodError: There are no scores of it, or there are several and none was named.
    """
    with told_as(MethodError):
        return the_method(methods, method)


def choose_level(level: str) -> str:
    """Return the level asked for.

    Raises:
        TokenLookupError: There is no such level.
    """
    if level not in LEVELS:
        raise TokenLookupError(f"There is no level {level!r}. Use one of {', '.join(LEVELS)}.")
    return level


def position(
    tokens: "pandas.Index", token: str, occurrence: int | None, argument: str = "occurrence"
) -> int:
    """Return the position of a token, counted from 0.

    Args:
        tokens: The tokens of a heatmap's rows or columns.
        token: The token as shown on screen, or the text it stands for (a newline for ``↵``).
        occurrence: Which one of several equal tokens, counted from 1.
        argument: The argument's name in the call, for the message.

    Raises:
        TokenLookupError: The token is not there, or it is there more than once.
    """
    label = readable(str(token))
    side = "source" if tokens.name == "source" else "generated"
    with told_as(TokenLookupError):
        return place_of(
            list(tokens), token, (label, shortened(label)), occurrence, side=side, argument=argument
        )
