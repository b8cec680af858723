"""Run attribution methods on one generation: which ones work, and their scores from Inseq."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from helpers.errors import MethodError, NotEnoughMemoryError
from helpers.generation import Generation
from helpers.methods import check_methods

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.models import AttributionModel

Score = Literal["probability", "logit", "crossentropy"]
SCORES: tuple[Score, ...] = ("probability", "logit", "crossentropy")

OUTPUT_AGNOSTIC_METHODS = ("attention", "value_zeroing")
"""Methods that look inside the model and differentiate no score."""


def attribute(
    model: "AttributionModel",
    generation: Generation,
    methods: Sequence[str],
    *,
    score: Score = "probability",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    show_progress: bool = True,
) -> "dict[str, FeatureAttributionOutput]":
    """Attribute every generated token to the tokens before it, once for each method.

    Args:
        model: A model from ``load_model``.
        generation: The one generation that all methods explain.
        methods: Names of Inseq's methods.
        score: What gradient methods differentiate.
        options: For each method, arguments of its own such as ``n_steps``.
        show_progress: Show Inseq's progress bar.

    Returns:
        Inseq's output for each method, not yet aggregated.

    Raises:
        MethodError: A method or score does not run here; the message lists what does.
        NotEnoughMemoryError: The attribution does not fit; the message says what would.
    """
    import torch

    check_methods(model, methods)
    if score not in SCORES:
        raise MethodError(f"Unknown score {score!r}. Use one of {', '.join(map(repr, SCORES))}.")
    chosen = options or {}
    try:
        outputs = {
            method: _attribute_with_inseq(
                model, generation, method, score, chosen.get(method, {}), show_progress
            )
            for method in methods
        }
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
    return outputs


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the GPU or the machine has no memory left."""
    import torch

    is_named_so = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return is_named_so or "can't allocate memory" in str(error)


def _attribute_with_inseq(
    model: "AttributionModel",
    generation: Generation,
    method: str,
    score: Score,
    options: Mapping[str, Any],
    show_progress: bool,
) -> "FeatureAttributionOutput":
    """Run Inseq's own step-by-step attribution on the token ids that were generated.

    Inseq takes encodings as well as texts. Ids are exact, where decoding a text and encoding it
    again may split it differently.
    """
    sources = generation.sources if model.is_encoder_decoder else [generation.input_text]
    with hooked_method(model, method) as attribution_method:
        outputs = attribution_method.prepare_and_attribute(
            sources,
            generation.targets,
            attributed_fn=None if method in OUTPUT_AGNOSTIC_METHODS else score,
            show_progress=show_progress,
            pretty_progress=False,
            # Inseq's defaults are shared between calls, and occlusion writes into them.
            attribution_args=dict(options),
            attributed_fn_args={},
            step_scores_args={},
        )
    return outputs[0]


@contextmanager
def hooked_method(model: "AttributionModel", method: str) -> Iterator[Any]:
    """Hook one of Inseq's methods to the model, and the model's default method back afterwards."""
    from inseq.attr.feat import FeatureAttribution

    default = model.attribution_method
    default.unhook()
    attribution_method = FeatureAttribution.load(method, attribution_model=model)
    try:
        yield attribution_method
    finally:
        attribution_method.unhook()
        default.hook()
