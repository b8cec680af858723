"""Run attribution methods on one generation: which ones work, and their scores from Inseq."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from helpers.errors import MethodError, NotEnoughMemoryError
from helpers.generation import Generation, encode_contrast
from helpers.methods import check_methods
from hw7.engine.capacity import ensure_attribution_fits

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.models import AttributionModel

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
    import torch

    from hw7.engine.inseq_outputs import attribute_with_inseq
    from hw7.engine.shared_passes import attribute_together

    check_methods(model, methods)
    if score not in SCORES:
        raise MethodError(f"Unknown score {score!r}. Use one of {', '.join(map(repr, SCORES))}.")
    ensure_attribution_fits(model, generation, methods)
    chosen = {method: dict((options or {}).get(method, {})) for method in methods}
    compared = None if contrast is None else encode_contrast(model, generation, contrast)
    settings: dict[str, Any] = {
        "score": score,
        "contrast": compared,
        "show_progress": show_progress,
    }
    fast_methods = (
        _fast_methods(model, chosen, score, has_contrast=contrast is not None)
        if use_fast_engine
        else []
    )
    try:
        outputs = {}
        if fast_methods:
            own = {method: chosen[method] for method in fast_methods}
            outputs = attribute_together(
                model, generation.sources, generation.targets, fast_methods, options=own, **settings
            )
        for method in chosen.keys() - set(fast_methods):
            outputs[method] = attribute_with_inseq(
                model,
                generation.sources,
                generation.targets,
                method,
                options=chosen[method],
                **settings,
            )
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
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


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the GPU or the machine has no memory left."""
    import torch

    is_named_so = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return is_named_so or "can't allocate memory" in str(error)


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
