"""``explain``: let the model write once, attribute what it wrote, make the scores readable."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from inspect import signature
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Literal, overload

from helpers.aggregation import aggregate, explained_places, input_words, parts_of, readable_tokens
from helpers.environment import progress_bar
from helpers.errors import (
    MethodError,
    NotEnoughMemoryError,
    TextError,
    check_names,
    say,
    say_once,
    told_as,
)
from helpers.explanation import Explanation
from helpers.generation import Generation, encode_contrast, generate, narrowed
from helpers.memory import check_loaded
from helpers.methods import check_methods, check_options
from hw7.engine.capacity import is_out_of_memory
from hw7.engine.errors import NotExplainableError, TooLargeError
from hw7.engine.placement import check_attribution_fits
from hw7.engine.progress import move
from hw7.fetch.errors import first_line
from hw7.text.batches import texts_with_targets
from hw7.text.chat import Message, check_messages, is_chat
from hw7.text.spelling import special_tokens_of, spelling_of
from hw7.views.levels import AGGREGATIONS

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.models import AttributionModel

    from hw7.engine.progress import Report

Score = Literal["probability", "logit", "crossentropy"]
SCORES: tuple[Score, ...] = ("probability", "logit", "crossentropy")


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
    methods: Sequence[str] = ("saliency", "attention"),
    chat: Sequence[Message] | None = None,
    target: str | Sequence[str] | None = None,
    span: str | None = None,
    answer_only: bool = False,
    words: bool = False,
    aggregation: str = "sum",
    **settings: Any,
) -> Explanation | list[Explanation]:
    """Generate once, then score with every method which tokens made the model write each token.

    Args:
        model: A model from ``load_model``.
        text: The sentence or prompt; a list gives a list of explanations.
        methods: Inseq's methods, such as ``saliency``, ``attention``, ``integrated_gradients``.
        chat: Messages instead of a text, ``[{"role": "user", "content": "…"}]``: they are put into
            the model's own chat template.
        target: Explain this text instead of the model's own (a list where ``text`` is one).
        span: Explain only this part of what was written.
        answer_only: Explain neither the model's thinking nor special tokens.
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
    writing, scoring = _settings_of(generate), _settings_of(attribute)
    own = ("methods", "chat", "span", "answer_only", "words", "aggregation")
    check_names(settings, [*writing, *scoring, *own], "setting of explain")
    check_names([aggregation], AGGREGATIONS, "aggregation")
    check_methods(model, methods)
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
        explained = explained_places(model, generation, parts, span, answer_only=answer_only)
        probabilities = _probabilities(model, generation)
        if explained is not None:
            has_contrast = settings.get("contrast") is not None
            generation = narrowed(model, generation, explained, has_contrast=has_contrast)
            probabilities = [probabilities[place] for place in explained]
        outputs = attribute(model, generation, methods, **for_scoring)
        explanations.append(
            Explanation(
                input_text=generation.input_text,
                generated_text=generation.generated_text,
                model_name=model.model_name,
                score=settings.get("score", "probability"),
                is_translation=model.is_encoder_decoder,
                level="word" if words else "token",
                aggregation=aggregation,
                is_complete=generation.is_complete,
                token_probabilities=probabilities,
                attributions={
                    method: aggregate(
                        output, model.tokenizer, parts, explained, skipped=generation.skipped
                    )
                    for method, output in outputs.items()
                },
            )
        )
    is_list = isinstance(text, (list, tuple)) and not is_chat(text)
    return explanations if is_list else explanations[0]


def _settings_of(step: Callable[..., Any]) -> list[str]:
    """Return the keywords of a step of the explanation, which ``explain`` passes on to it."""
    parameters = signature(step).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def _probabilities(model: "AttributionModel", generation: Generation) -> list[dict[str, Any]]:
    """Return what the model thought of each generated token, in readable tokens."""
    from hw7.engine.token_probabilities import named_probabilities, token_probabilities

    first, targets = generation.first, generation.targets
    spelling, special = spelling_of(model.tokenizer), special_tokens_of(model.tokenizer)
    written = readable_tokens(targets.input_tokens[0], spelling, special)[first:]

    def label(token: int) -> str:
        raw = model.tokenizer.convert_ids_to_tokens([token])
        return readable_tokens(raw, spelling, special)[0]

    found = token_probabilities(model, generation.sources, targets, first)
    return named_probabilities(found, written, label)


def _cut_sentence(model: "AttributionModel", generation: Generation) -> str:
    written = generation.targets.input_ids.shape[1] - generation.first
    tokens = "1 token" if written == 1 else f"{written} tokens"
    return (
        f"{shorten(generation.input_text, 40)}: cut after {tokens}, before "
        f"{model.model_name} had ended. A larger max_new_tokens gives it more room."
    )


def attribute(
    model: "AttributionModel",
    generation: Generation,
    methods: Sequence[str],
    *,
    score: Score = "probability",
    contrast: str | None = None,
    method_options: Mapping[str, Mapping[str, Any]] | None = None,
    use_fast_engine: bool = True,
    show_progress: "bool | Report" = True,
) -> "dict[str, FeatureAttributionOutput]":
    """Attribute every generated token to the tokens before it, once for each method.

    Args:
        model: A model from ``load_model``.
        generation: The one generation that all methods explain.
        methods: Names of Inseq's methods.
        score: What gradient methods differentiate. Inseq's default is the probability; the
            homework's slides define saliency on the logit, which gives other numbers.
        contrast: Another continuation: explain why the model wrote each token rather than the one
            that stands at its place there (needs ``score`` probability or logit).
        method_options: For each method, arguments of its own such as ``{"n_steps": 50}``.
        use_fast_engine: Share work between tokens where that is exact (the scores are Inseq's
            either way); False runs Inseq's own loop over the tokens.
        show_progress: Show a progress bar; or what to call with the steps done and there are.

    Returns:
        Inseq's output for each method, not yet aggregated.

    Raises:
        MethodError: A method or score does not run here; the message lists what does.
        NotEnoughMemoryError: The attribution does not fit; the message says what would.
    """
    from hw7.engine.attribution import run_methods

    check_methods(model, methods)
    check_names([score], SCORES, "score", MethodError)
    if contrast is not None and score == "crossentropy":
        raise MethodError(
            "A contrast has no cross-entropy. Use score='probability' or score='logit'."
        )
    options = check_options(methods, method_options)
    other = None if contrast is None else encode_contrast(model, generation, contrast)
    with told_as(NotEnoughMemoryError, TooLargeError):
        check_attribution_fits(model, generation.sources, generation.targets, methods)
    if "ablation" in options:
        options["ablation"].setdefault("parts", input_words(model, generation))
    try:
        outputs = run_methods(
            model,
            generation.sources,
            generation.targets,
            options,
            score=score,
            contrast=other,
            use_fast_engine=use_fast_engine,
            reporting=partial(_reporting, show_progress),
            show_progress=show_progress is True,
            tell=say_once,
        )
    except NotExplainableError as error:
        raise MethodError(str(error)) from error
    except (AssertionError, IndexError, TypeError, ValueError) as error:
        what = f"method_options={method_options} do not work"
        if not any(options.values()):
            what = f"{model.model_name} cannot be explained with {', '.join(methods)} here"
        raise MethodError(f"{what}: {first_line(error)}. Try another method or model.") from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise NotEnoughMemoryError(
            f"{model.model_name} ran out of memory while explaining "
            f"{generation.targets.input_ids.shape[1]} tokens. Restart the runtime, then try a "
            "smaller max_new_tokens or quantization='8bit'."
        ) from error
    for output in outputs.values():
        output.info["model_name"] = model.model_name
        output.info["input_texts"] = [generation.input_text]
        output.info["generated_texts"] = [generation.generated_text]
    return {method: outputs[method] for method in methods}


@contextmanager
def _reporting(show_progress: "bool | Report") -> "Iterator[Report]":
    """Give what to call with the steps done: what was given, or a bar that moves."""
    if callable(show_progress):
        yield show_progress
        return
    with progress_bar(0, "Attributing", is_shown=show_progress) as bar:
        yield partial(move, bar)
