"""``explain``: attribute one generation with every method; and the ``Explanation`` it returns."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from helpers import lookup
from helpers.aggregation import aggregate
from helpers.attribution import Score, attribute
from helpers.generation import generate
from helpers.viewable import Viewable

if TYPE_CHECKING:
    from pathlib import Path

    import pandas
    from inseq import FeatureAttributionOutput
    from inseq.models import AttributionModel


class Explanation(Viewable):
    """The scores of one or more methods over the same generation.

    It holds no reference to the model, so it stays usable after ``release(model)``.

    Attributes:
        input_text: The sentence or prompt that was explained.
        generated_text: What the model wrote, without special tokens.
        model_name: The model's name, as in the catalog, on the hub, or its folder's.
        score: What gradient methods differentiated: probability, logit or crossentropy.
        is_translation: True where the source is a text of its own (encoder-decoder); False where
            the source of a token is everything before it (decoder-only).
    """

    def __init__(
        self,
        *,
        input_text: str,
        generated_text: str,
        model_name: str,
        score: str,
        is_translation: bool,
        attributions: "Mapping[str, FeatureAttributionOutput]",
    ) -> None:
        self.input_text = input_text
        self.generated_text = generated_text
        self.model_name = model_name
        self.score = score
        self.is_translation = is_translation
        self._attributions = dict(attributions)

    @property
    def methods(self) -> list[str]:
        """The methods there are scores of, in the order asked for."""
        return list(self._attributions)

    def attribution(self, method: str) -> "FeatureAttributionOutput":
        """Return Inseq's output, aggregated as its ``show()`` does, with readable tokens.

        Raises:
            MethodError: There are no scores of this method; the message lists those there are.
        """
        return self._attributions[lookup.choose_method(self.methods, method)]

    def table(self, method: str | None = None) -> "pandas.DataFrame":
        """Return the scores as a table `[source, generated]`, one row per attributed token.

        Token names may repeat; rows and columns keep the order of the text. Where a token was not
        yet written, the score is NaN.
        """
        return lookup.table_of(self.attribution(lookup.choose_method(self.methods, method)))

    def importance(
        self,
        source: str,
        generated: str,
        *,
        method: str | None = None,
        source_occurrence: int | None = None,
        occurrence: int | None = None,
    ) -> float:
        """Return how important a source token was when a token was generated.

        Args:
            source: The attributed token, as shown on screen.
            generated: The generated token, as shown on screen.
            method: The method, where there is more than one.
            source_occurrence: Which of several equal source tokens, counted from 1.
            occurrence: Which of several equal generated tokens, counted from 1.

        Raises:
            TokenLookupError: No such token, or several; the message lists what there is.
        """
        scores = self.table(method)
        row = lookup.position(scores.index, source, source_occurrence, "source_occurrence")
        column = lookup.position(scores.columns, generated, occurrence, "occurrence")
        return lookup.score_at(scores, row, column)

    def most_important(
        self, generated: str, *, method: str | None = None, occurrence: int | None = None
    ) -> str:
        """Return the source token with the highest score when a token was generated.

        Raises:
            TokenLookupError: No such generated token, or several; the message lists them.
        """
        scores = self.table(method)
        column = lookup.position(scores.columns, generated, occurrence, "occurrence")
        return str(scores.index[lookup.strongest_row(scores, column)])

    def strongest(self, method: str | None = None) -> "pandas.DataFrame":
        """Return, for each generated token, the source token with the highest score."""
        return lookup.strongest_of(self.table(method))

    def digest(self) -> str:
        """Return a SHA-256 over model, texts, tokens and scores rounded to three decimals."""
        from helpers.storage import digest_of

        return digest_of(self)

    def save(self, path: "str | Path") -> None:
        """Write a zip with one Inseq JSON file per method (``FeatureAttributionOutput.load``)."""
        from helpers.storage import save_explanation

        save_explanation(self, path)

    @classmethod
    def load(cls, path: "str | Path") -> "Explanation":
        """Read what ``save`` wrote.

        Raises:
            HomeworkError: The file is not an explanation.
        """
        from helpers.storage import load_explanation

        return load_explanation(path)

    def __repr__(self) -> str:
        return (
            f"Explanation({self.input_text!r} → {self.generated_text!r}, "
            f"model={self.model_name}, methods={self.methods})"
        )


@overload
def explain(model: "AttributionModel", text: str, **settings: Any) -> Explanation: ...
@overload
def explain(model: "AttributionModel", text: list[str], **settings: Any) -> list[Explanation]: ...
def explain(  # type: ignore[misc]  # the overloads leave the keywords to this one
    model: "AttributionModel",
    text: str | list[str],
    *,
    methods: Sequence[str] = ("saliency", "attention"),
    target: str | list[str] | None = None,
    max_new_tokens: int = 20,
    score: Score = "probability",
    contrast: str | None = None,
    words: bool = False,
    allow_unknown: bool = False,
    method_options: Mapping[str, Mapping[str, Any]] | None = None,
    generation_settings: Mapping[str, Any] | None = None,
    use_fast_engine: bool = True,
    show_progress: bool = True,
) -> Explanation | list[Explanation]:
    """Generate once, then score with every method which tokens made the model write each token.

    Args:
        model: A model from ``load_model``.
        text: The sentence or prompt; a list gives a list of explanations.
        methods: Inseq's methods, such as ``saliency``, ``attention``, ``integrated_gradients``.
        target: Explain this text instead of the model's own (a list where ``text`` is one).
        max_new_tokens: The most tokens to write.
        score: What gradient methods differentiate. Inseq's default is the probability; the
            homework's slides define saliency on the logit, which gives other numbers.
        contrast: Another continuation: explain why the model wrote each token rather than the one
            that stands at its place there (needs ``score`` probability or logit).
        words: Group the tokens of one word, with Inseq's own span aggregator.
        allow_unknown: Go on although the model does not know some words.
        method_options: For each method, arguments of its own such as ``{"n_steps": 50}``.
        generation_settings: Replace the greedy settings of Transformers' ``generate``.
        use_fast_engine: Share work between tokens where that is exact (the scores are Inseq's
            either way); False runs Inseq's own loop over the tokens.
        show_progress: Show a progress bar.

    Raises:
        TextError: The text is empty, too long, or has words the model does not know.
        MethodError: A method does not run here; the message lists those that do.
        NotEnoughMemoryError: It does not fit; the message says what to try.
    """
    if not isinstance(text, str):
        targets = target if isinstance(target, (list, tuple)) else [target] * len(text)
        settings: dict[str, Any] = {
            "methods": methods,
            "max_new_tokens": max_new_tokens,
            "score": score,
            "contrast": contrast,
            "words": words,
            "allow_unknown": allow_unknown,
            "method_options": method_options,
            "generation_settings": generation_settings,
            "use_fast_engine": use_fast_engine,
            "show_progress": show_progress,
        }
        pairs = zip(text, targets, strict=True)
        return [explain(model, one, target=forced, **settings) for one, forced in pairs]
    generation = generate(
        model,
        text,
        target=target,  # type: ignore[arg-type]
        max_new_tokens=max_new_tokens,
        allow_unknown=allow_unknown,
        generation_settings=generation_settings,
    )
    outputs = attribute(
        model,
        generation,
        methods,
        score=score,
        contrast=contrast,
        options=method_options,
        use_fast_engine=use_fast_engine,
        show_progress=show_progress,
    )
    return Explanation(
        input_text=generation.input_text,
        generated_text=generation.generated_text,
        model_name=model.model_name,
        score=score,
        is_translation=model.is_encoder_decoder,
        attributions={
            method: aggregate(output, model.tokenizer, words=words)
            for method, output in outputs.items()
        },
    )
