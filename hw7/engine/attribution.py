"""Run several methods on one generation: together where that is exact, else by Inseq."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from hw7.engine.attention_heads import choose_heads
from hw7.engine.exactness import ONLY_HERE, reason_to_fall_back
from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.progress import Report
from hw7.engine.shared_passes import attribute_together

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
    """Return Inseq's output for each method, not yet aggregated.

    `options` holds the methods, each with its own options; `use_fast_engine=False` leaves to Inseq
    all methods that it has; `reporting` opens what is told how far the shared passes are, and
    `tell` is called with a sentence for each method that has no exact fast form here. The rest is
    as for `attribute_together`.
    """
    of_heads = options.get("attention", {})
    if of_heads:
        options = {**options, "attention": {}}
    fast = []
    for method, own in options.items():
        reason = reason_to_fall_back(
            model, method, score=score, has_contrast=contrast is not None, options=own
        )
        if reason is not None:
            tell(f"{method} is computed by Inseq, token by token: {reason}")
        elif use_fast_engine or method in ONLY_HERE:
            fast.append(method)
    settings: dict[str, Any] = {"score": score, "contrast": contrast}
    outputs = {}
    if fast:
        chosen = {method: options[method] for method in fast}
        with reporting() as report:
            outputs = attribute_together(
                model, sources, targets, fast, options=chosen, report=report, **settings
            )
    for method in options:
        if method not in outputs:
            outputs[method] = attribute_with_inseq(
                model,
                sources,
                targets,
                method,
                options=options[method],
                show_progress=show_progress,
                **settings,
            )
    if of_heads:
        choose_heads(outputs["attention"], of_heads)
    return outputs
