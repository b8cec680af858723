"""``attribute``: every method on one generation, as Inseq gives it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from helpers.aggregation import input_words
from helpers.environment import progress_bar
from helpers.errors import MethodError, TextError, check_names, say_once, told_as
from helpers.generation import Generation
from helpers.memory import told_failures
from helpers.methods import check_methods, check_options
from hw7.engine.progress import move
from hw7.text.generation import encode_contrast

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.models import AttributionModel

    from hw7.engine.progress import Report

Score = Literal["probability", "logit", "crossentropy"]
SCORES: tuple[Score, ...] = ("probability", "logit", "crossentropy")


def attribute(
    model: "AttributionModel",
    generation: Generation,
    methods: Sequence[str],
    *,
    score: Score = "probability",
    contrast: str | None = None,
    method_options: Mapping[str, Mapping[str, Any]] | None = None,
    use_fast_engine: bool = True,
    show_progress: "bool | str | Report" = True,
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
        show_progress: Show a progress bar, or one with this title; or what to call with the steps
            done and there are.

    Returns:
        Inseq's output for each method, not yet aggregated.

    Raises:
        MethodError: A method or score does not run here; the message lists what does.
        NotEnoughMemoryError: The attribution does not fit; the message says what would.
    """
    from hw7.engine.shared_passes import run_methods

    check_methods(model, methods)
    check_names([score], SCORES, "score", MethodError)
    if contrast is not None and score == "crossentropy":
        raise MethodError(
            "A contrast has no cross-entropy. Use score='probability' or score='logit'."
        )
    options = check_options(methods, method_options)
    with told_as(TextError):
        other = None
        if contrast is not None:
            other = encode_contrast(model, generation, contrast, say_once)
    if "ablation" in options:
        options["ablation"].setdefault("parts", input_words(model, generation))
    with told_failures(model, generation, options):
        outputs = run_methods(
            model,
            generation.sources,
            generation.targets,
            options,
            score=score,
            contrast=other,
            use_fast_engine=use_fast_engine,
            reporting=partial(_reporting, show_progress),
            show_progress=bool(show_progress) and not callable(show_progress),
            tell=say_once,
        )
    for output in outputs.values():
        output.info["model_name"] = model.model_name
        output.info["input_texts"] = [generation.input_text]
        output.info["generated_texts"] = [generation.generated_text]
    return {method: outputs[method] for method in methods}


@contextmanager
def _reporting(show_progress: "bool | str | Report") -> "Iterator[Report]":
    """Give what to call with the steps done: what was given, or a bar that moves."""
    if callable(show_progress):
        yield show_progress
        return
    title = show_progress if isinstance(show_progress, str) else "Attributing"
    with progress_bar(0, title, is_shown=bool(show_progress)) as bar:
        yield partial(move, bar)
