"""``explain``: let the model write once, attribute what it wrote, make the scores readable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Any, overload

from helpers.aggregation import aggregate, input_words
from helpers.answer import answer_outline, probabilities_of
from helpers.attribution import attribute
from helpers.errors import MethodError, TextError, check_names, say, settings_of, told_as
from helpers.explanation import Explanation
from helpers.generation import Generation, generate
from helpers.memory import check_loaded, told_failures
from helpers.methods import check_methods, check_options
from hw7.text.batches import texts_with_targets
from hw7.text.chat import Message, check_messages, is_chat
from hw7.text.generation import explained_places, narrowed, parts_of
from hw7.text.groups import Part
from hw7.views.levels import AGGREGATIONS
from hw7.views.strongest import whole_answer_title

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.models import AttributionModel

    from hw7.views.levels import Outline

BOTH = ("saliency", "attention")
"""The homework's methods."""


@overload
def explain(
    model: "AttributionModel", text: "str | Sequence[Message] | None" = None, **settings: Any
) -> Explanation: ...
@overload
def explain(model: "AttributionModel", text: list[str], **settings: Any) -> list[Explanation]: ...
def explain(
    model: "AttributionModel",
    text: "str | Sequence[Message] | list[str] | None" = None,
    *,
    methods: Sequence[str] = BOTH,
    chat: Sequence[Message] | None = None,
    target: str | Sequence[str] | None = None,
    span: str | None = None,
    answer_only: bool = False,
    whole_answer: bool = False,
    heads: bool = False,
    words: bool = False,
    aggregation: str = "sum",
    **settings: Any,
) -> Explanation | list[Explanation]:
    """Generate once, then score with every method which tokens made the model write each token.

    Args:
        model: A model from ``load_model``.
        text: The sentence or prompt; a list gives a list of explanations.
        methods: Inseq's methods, such as ``saliency``, ``attention``, ``integrated_gradients``.
        chat: Messages, ``[{"role": "user", "content": "…"}]``, for the model's own template.
        target: Explain this text instead of the model's own (a list where ``text`` is one).
        span: Explain only this part of what was written.
        answer_only: Explain neither the model's thinking nor special tokens.
        whole_answer: Explain all of it (or the span) at once, by the gradient of the sum of its
            log-probabilities or by ``ablation``; from 20 tokens on ``saliency`` begins with it.
        heads: Keep the attention of each layer and head, for the page to show: up to 200 kB.
        words: Show, list and look up words instead of tokens.
        aggregation: How scores of words, sentences and turns come from those of their tokens:
            ``sum``, ``mean`` or ``largest`` (Inseq's own), see ``hw7.views.levels.merged``.
        settings: ``thinking``, ``max_new_tokens``, ``allow_unknown`` and ``generation_settings``
            as in ``helpers.generation.generate``; ``score``, ``contrast``, ``method_options``,
            ``use_fast_engine`` and ``show_progress`` as in ``helpers.attribution.attribute``.

    Raises:
        TextError: The text is empty, too long, or has words the model does not know.
        MethodError: A method does not run here; the message lists those that do.
        NotEnoughMemoryError: It does not fit; the message says what to try.
    """
    check_loaded(model)
    writing, scoring = settings_of(generate), settings_of(attribute)
    check_names(settings, [*writing, *scoring, *settings_of(explain)], "setting of explain")
    check_names([aggregation], AGGREGATIONS, "aggregation")
    if whole_answer and methods is BOTH:
        methods = ("saliency",)
    check_methods(model, methods)
    if whole_answer:
        from hw7.engine.answer_column import check_whole_answer

        with told_as(MethodError):
            check_whole_answer(methods, [n for n in settings if settings[n] is not None])
    if heads and (whole_answer or "attention" not in methods):
        raise MethodError("heads=True needs 'attention' in methods=, and no whole_answer=True.")
    if chat is not None:
        if text is not None:
            raise TextError("Give either a text or chat=[…], not both.")
        with told_as(TextError):
            check_messages(chat)
        text = chat
    for_writing = {name: settings[name] for name in settings if name in writing}
    for_scoring = {name: settings[name] for name in settings if name in scoring}
    with told_as(TextError):
        pairs = texts_with_targets(text, target)
    explanations = []
    for one, forced in pairs:
        generation = generate(model, one, target=forced, **for_writing)
        if not generation.is_complete:
            say(_cut_sentence(model, generation))
        parts = parts_of(model, generation)
        with told_as(TextError):
            explained = explained_places(model, generation, parts, span, answer_only=answer_only)
        probabilities = probabilities_of(model, generation)
        if explained is not None:
            has_contrast = settings.get("contrast") is not None
            generation = narrowed(model, generation, explained, has_contrast=has_contrast)
            probabilities = [probabilities[place] for place in explained]
        task = _Task(model, generation, methods, parts, explained, for_scoring)
        attributions = _of_whole_answer(task) if whole_answer else _of_tokens(task, has_heads=heads)
        explanations.append(
            Explanation(
                input_text=generation.input_text,
                generated_text=generation.generated_text,
                model_name=model.model_name,
                score="log-likelihood" if whole_answer else settings.get("score", "probability"),
                is_translation=model.is_encoder_decoder,
                level="word" if words else "token",
                aggregation=aggregation,
                is_complete=generation.is_complete,
                token_probabilities=[] if whole_answer else probabilities,
                attributions=attributions,
            )
        )
    is_list = isinstance(text, (list, tuple)) and not is_chat(text)
    return explanations if is_list else explanations[0]


@dataclass(frozen=True)
class _Task:
    """What is explained of one generation, and how: ``explained`` are its places, None all."""

    model: "AttributionModel"
    generation: Generation
    methods: Sequence[str]
    parts: Sequence[Part]
    explained: Sequence[int] | None
    settings: Mapping[str, Any]

    @property
    def places(self) -> Sequence[int]:
        written = self.generation.targets.input_ids.shape[1] - self.generation.first
        return self.explained or range(written)

    def outline(self) -> "Outline":
        return answer_outline(self.model, self.generation, self.parts, self.explained)


def _of_whole_answer(task: _Task) -> "dict[str, FeatureAttributionOutput]":
    """Return for each method one column of readable scores: of all that is explained."""
    from hw7.engine.answer_column import answer_columns

    model, generation = task.model, task.generation
    options = check_options(task.methods, task.settings.get("method_options"))
    if "ablation" in options:
        options["ablation"].setdefault("parts", input_words(model, generation))
    texts = (generation.sources, generation.targets)
    with told_failures(model, generation, options):
        return answer_columns(model, *texts, task.places, options, task.outline())


def _of_tokens(task: _Task, *, has_heads: bool) -> "dict[str, FeatureAttributionOutput]":
    """Return readable scores of each method, of the whole first where the answer is long."""
    from hw7.engine.answer_column import whole_of_long_answer
    from hw7.engine.head_weights import packed_heads

    model, generation, settings = task.model, task.generation, dict(task.settings)
    whole, skipped = {}, generation.skipped
    if "saliency" in task.methods and settings.get("contrast") is None:
        with told_failures(model, generation, {"saliency": {}}):
            whole = whole_of_long_answer(model, generation.sources, generation.targets, task.places)
    if whole and settings.get("show_progress", True) is True:
        tokens = task.outline().rows.labels["token"]
        settings["show_progress"] = whole_answer_title(tokens, whole["whole_answer"])
    outputs = attribute(model, generation, task.methods, **settings)
    if whole:
        outputs["saliency"].info.update(whole)
    if has_heads:
        first = None if model.is_encoder_decoder else generation.first
        steps = [place - skipped for place in task.places]
        outputs["attention"].info["head_weights"] = packed_heads(outputs["attention"], steps, first)
    return {
        method: aggregate(output, model.tokenizer, task.parts, task.explained, skipped=skipped)
        for method, output in outputs.items()
    }


def _cut_sentence(model: "AttributionModel", generation: Generation) -> str:
    written = generation.targets.input_ids.shape[1] - generation.first
    return (
        f"{shorten(generation.input_text, 40)}: cut after {written} token{'s' * (written > 1)}, "
        f"before {model.model_name} had ended. A larger max_new_tokens gives it more room."
    )
