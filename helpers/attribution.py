"""Run attribution methods on one generation: which ones work, and their scores from Inseq."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

from helpers.errors import MethodError, NotEnoughMemoryError
from helpers.generation import Generation, encode_contrast
from helpers.memory import MEGABYTE
from helpers.methods import check_methods
from helpers.progress import progress_bar
from hw7.engine.capacity import (
    available_memory,
    bytes_of_attribution,
    is_out_of_memory,
    longest_target,
    size_of,
)

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.models import AttributionModel
    from tqdm import tqdm

Score = Literal["probability", "logit", "crossentropy"]
SCORES: tuple[Score, ...] = ("probability", "logit", "crossentropy")


def attribute(
    model: "AttributionModel",
    generation: Generation,
    methods: Sequence[str],
    *,
    score: Score = "probability",
    contrast: str | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    use_fast_engine: bool = True,
    show_progress: bool = True,
) -> "dict[str, FeatureAttributionOutput]":
    """Attribute every generated token to the tokens before it, once for each method.

    Args:
        model: A model from ``load_model``.
        generation: The one generation that all methods explain.
        methods: Names of Inseq's methods.
        score: What gradient methods differentiate.
        contrast: Another continuation; what is explained is then the difference of the scores.
        options: For each method, arguments of its own such as ``n_steps``.
        use_fast_engine: Share forward and backward passes between tokens where that is exact;
            False leaves everything to Inseq.
        show_progress: Show a progress bar.

    Returns:
        Inseq's output for each method, not yet aggregated.

    Raises:
        MethodError: A method or score does not run here; the message lists what does.
        NotEnoughMemoryError: The attribution does not fit; the message says what would.
    """
    from hw7.engine.inseq_outputs import attribute_with_inseq
    from hw7.engine.shared_passes import attribute_together

    check_methods(model, methods)
    if score not in SCORES:
        raise MethodError(f"Unknown score {score!r}. Use one of {', '.join(map(repr, SCORES))}.")
    ensure_attribution_fits(model, generation, methods)
    if contrast is not None and score == "crossentropy":
        raise MethodError(
            "A contrast has no cross-entropy. Use score='probability' or score='logit'."
        )
    chosen = {method: dict((options or {}).get(method, {})) for method in methods}
    compared = None if contrast is None else encode_contrast(model, generation, contrast)
    settings: dict[str, Any] = {"score": score, "contrast": compared}
    fast_methods = (
        _fast_methods(model, chosen, score, has_contrast=contrast is not None)
        if use_fast_engine
        else []
    )
    try:
        outputs = {}
        if fast_methods:
            own = {method: chosen[method] for method in fast_methods}
            with progress_bar(0, "Attributing", is_shown=show_progress) as bar:
                outputs = attribute_together(
                    model,
                    generation.sources,
                    generation.targets,
                    fast_methods,
                    options=own,
                    report=partial(_move, bar),
                    **settings,
                )
        for method in chosen:
            if method in outputs:
                continue
            outputs[method] = attribute_with_inseq(
                model,
                generation.sources,
                generation.targets,
                method,
                options=chosen[method],
                show_progress=show_progress,
                **settings,
            )
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


def ensure_attribution_fits(
    model: "AttributionModel", generation: Generation, methods: Sequence[str]
) -> None:
    """Refuse an attribution that needs more memory than is free, before it starts.

    Raises:
        NotEnoughMemoryError: Says how much is needed, how much there is, and what would fit.
    """
    size = size_of(model.model.config)
    target = generation.targets.input_ids.shape[1]
    prompt = generation.sources.input_ids.shape[1]
    source, steps = (prompt, target) if model.is_encoder_decoder else (0, target - prompt)
    itemsize = model.model.dtype.itemsize
    needed = bytes_of_attribution(size, source, target, steps, methods, itemsize)
    free = available_memory(str(model.device))
    if needed <= free:
        return
    tokens = longest_target(size, source, methods, free, itemsize)
    raise NotEnoughMemoryError(
        f"Explaining these {source + target} tokens with {', '.join(methods)} needs about "
        f"{needed / MEGABYTE:,.0f} MB on {model.device}, but only {free / MEGABYTE:,.0f} MB are "
        f"free. About {tokens} generated tokens fit: shorten the text, give a smaller "
        "max_new_tokens, or load the model with quantization='4bit'."
    )


def _move(bar: "tqdm[Any]", done: int, total: int) -> None:
    """Move a progress bar to what is done."""
    if bar.total != total:
        bar.reset(total)
    bar.update(done - bar.n)


def _fast_methods(
    model: "AttributionModel",
    options: Mapping[str, Mapping[str, Any]],
    score: str,
    *,
    has_contrast: bool,
) -> list[str]:
    """Return the methods that the fast engine computes exactly; say once why others are not."""
    from hw7.engine.shared_passes import FAST_METHODS, reason_to_fall_back

    fast = []
    for method, own in options.items():
        reason = reason_to_fall_back(
            model, method, score=score, has_contrast=has_contrast, options=own
        )
        if reason is None:
            fast.append(method)
        elif method in FAST_METHODS:
            _say_once(f"{method} is computed by Inseq, token by token: {reason}")
    return fast


@cache
def _say_once(sentence: str) -> None:
    print(sentence)
