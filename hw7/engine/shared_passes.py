"""The exact fast attribution engine: Inseq's scores in Inseq's classes, computed together.

Inseq runs the model forward and backward once for every generated token and every method. Here
all tokens share forward passes (`teacher_forcing`), the backward passes of many tokens are taken
at once (`step_gradients`), and methods that need the same gradients or weights share them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from hw7.engine.attention_heads import choose_heads
from hw7.engine.errors import NotExplainableError
from hw7.engine.exactness import ONLY_HERE, READING_METHODS, reason_to_fall_back, why_no_weights
from hw7.engine.inseq_outputs import (
    assembled,
    attribute_with_inseq,
    attribution_batch,
    leave_empty,
    noted,
)
from hw7.engine.method_runs import scores_of_methods
from hw7.engine.progress import Report
from hw7.engine.repairs import keep_differentiable
from hw7.engine.step_scores import step_function_name
from hw7.engine.teacher_forcing import teacher_forcing

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel


def run_methods(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    options: Mapping[str, Mapping[str, Any]],
    *,
    score: str,
    contrast: "BatchEncoding | None",
    use_fast_engine: bool,
    reporting: Callable[[], AbstractContextManager[Report]],
    show_progress: bool,
    tell: Callable[[str], None],
) -> "dict[str, FeatureAttributionOutput]":
    """Return Inseq's output for each method: together where that is exact, else by Inseq.

    `options` holds the methods, each with its own options; `use_fast_engine=False` leaves to Inseq
    all methods that it has; `reporting` opens what is told how far the shared passes are, and
    `tell` is called with a sentence for each method that has no exact fast form here. The rest is
    as for `attribute_together`.
    """
    of_heads = options.get("attention", {})
    if of_heads:
        options = {**options, "attention": {}}
    fast, has_contrast = [], contrast is not None
    for method, own in options.items():
        if reason := reason_to_fall_back(
            model, method, score=score, has_contrast=has_contrast, options=own
        ):
            tell(f"{method} is computed by Inseq, token by token: {reason}")
        elif use_fast_engine or method in ONLY_HERE:
            fast.append(method)
    settings: dict[str, Any] = {"score": score, "contrast": contrast}
    outputs = {}
    if fast:
        with reporting() as report:
            outputs = attribute_together(
                model, sources, targets, fast, options=options, report=report, **settings
            )
    for method in [method for method in options if method not in outputs]:
        settings |= {"options": options[method], "show_progress": show_progress}
        outputs[method] = attribute_with_inseq(model, sources, targets, method, **settings)
    if of_heads:
        choose_heads(outputs["attention"], of_heads)
    return outputs


def attribute_together(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    methods: Sequence[str],
    *,
    score: str = "probability",
    contrast: "BatchEncoding | None" = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    report: Report | None = None,
) -> "dict[str, FeatureAttributionOutput]":
    """Attribute the generated tokens of one text with several methods at once.

    A translator's tokens are explained by the source alone, other models' by all tokens before.
    Exact where `reason_to_fall_back` gives no reason not to be.

    Args:
        model: Inseq's model; it is left as it was found, also after an interrupt.
        sources: The encoded source, or the prompt, ids `[1, source]`.
        targets: Ids `[1, target]`: for encoder-decoders the target with its start token, for
            decoder-only models the prompt followed by what was generated.
        methods: Names out of `FAST_METHODS`.
        score: `"probability"`, `"logit"` or `"crossentropy"` (in nats) of each generated token.
        contrast: Another continuation, encoded as `targets` is; the score is then the difference
            between a generated token and the contrast's token at the same place, both counted
            from the start of the continuation. Columns beyond its end are NaN.
        options: For each method, its own options such as `n_steps`.
        report: Called with the steps done and the steps there are, as they get done.

    Returns:
        For each method, the output that Inseq's own attribution returns, not yet aggregated; with
        a contrast, `info["contrast_ids"]` as in `attribute_with_inseq`.

    Raises:
        NotExplainableError: A layer gives no attention weights, or a method refuses its options.
        MemoryError: Not even one token fits into the memory there is.
    """
    chosen = {method: dict((options or {}).get(method, {})) for method in methods}
    if "attention_rollout" in chosen and (reason := why_no_weights(model, sources)):
        raise NotExplainableError(reason)
    keep_differentiable(model.model)
    started = time.perf_counter()
    batch, first = attribution_batch(model, sources, targets)
    forcing = teacher_forcing(model, batch, first, contrast)
    scores = scores_of_methods(forcing, score, chosen, report)
    seconds = time.perf_counter() - started
    if "occlusion" in chosen:
        # Inseq notes the windows that it uses where it is not told any.
        chosen["occlusion"]["sliding_window_shapes"] = (1, forcing.target.shape[-1])
    outputs = {}
    for method, own in chosen.items():
        # What reads a forward pass explains no score; Inseq notes its default there.
        name, compared = ("probability", None) if method in READING_METHODS else (score, contrast)
        function = step_function_name(name, is_contrastive=compared is not None)
        output = assembled(model, batch, first, method, scores[method])
        if compared is not None and forcing.contrast_ids is not None:
            leave_empty(output, forcing.contrast_ids)
        own.pop("multiply_by_inputs", None)
        outputs[method] = noted(output, own, function, forcing.contrast_ids)
        outputs[method].info["exec_time"] = seconds
    return outputs
