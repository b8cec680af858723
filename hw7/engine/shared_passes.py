"""The exact fast attribution engine: Inseq's scores in Inseq's classes, computed together.

Inseq runs the model forward and backward once for every generated token and every method. Here
all tokens share forward passes (`teacher_forcing`), the backward passes of many tokens are taken
at once (`step_gradients`), and methods that need the same gradients or weights share them.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch.nn.utils.rnn import pad_sequence

from hw7.engine.contrast import contrast_ids
from hw7.engine.exactness import FAST_METHODS, reason_to_fall_back
from hw7.engine.inseq_outputs import attribute_with_inseq, attribution_batch, row_of
from hw7.engine.method_runs import scores_of_methods
from hw7.engine.progress import Report
from hw7.engine.quantized_layers import keep_differentiable
from hw7.engine.teacher_forcing import TeacherForcing, teacher_forcing

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

__all__ = ["FAST_METHODS", "attribute_together", "reason_to_fall_back"]


def attribute_together(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    methods: Sequence[str],
    *,
    score: str = "probability",
    contrast: "BatchEncoding | None" = None,
    attribute_target: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    report: Report | None = None,
) -> "dict[str, FeatureAttributionOutput]":
    """Attribute the generated tokens of one or more texts with several methods at once.

    Args:
        model: Inseq's model; it is left as it was found, also after an interrupt.
        sources: The encoded sources, or the prompts (padded at the left).
        targets: For encoder-decoders the targets with their start token, for decoder-only models
            the prompts followed by what was generated.
        methods: Names out of `FAST_METHODS`.
        score: `"probability"`, `"logit"` or `"crossentropy"` of each generated token.
        contrast: Another continuation, encoded as `targets` is; the score is then the difference
            between the generated token and the contrast's.
        attribute_target: Encoder-decoders: explain by the target's earlier tokens too.
        options: For each method, its own options such as `n_steps`.
        report: Called with the steps done and the steps there are, as they get done.

    Returns:
        For each method, the output that Inseq's own attribution returns, not yet aggregated.

    Raises:
        ValueError: The scores would not be exact; `reason_to_fall_back` tells beforehand.
        MemoryError: Not even one token fits into the memory there is.
    """
    from inseq.data.attribution import merge_attributions

    chosen = {method: dict((options or {}).get(method, {})) for method in methods}
    for method, own in chosen.items():
        reason = reason_to_fall_back(
            model, method, score=score, has_contrast=contrast is not None, options=own
        )
        if reason is not None:
            raise ValueError(f"{method!r} has to be computed by Inseq: {reason}")
    keep_differentiable(model.model)
    started = time.perf_counter()
    forcing = _lay_out(model, sources, targets, contrast)
    computed = scores_of_methods(
        forcing, score, chosen, attribute_target=attribute_target, report=report
    )
    seconds = time.perf_counter() - started
    if "occlusion" in chosen:
        chosen["occlusion"]["sliding_window_shapes"] = _one_token_windows(forcing, attribute_target)
    outputs = {}
    for method, step_outputs in computed.items():
        outputs[method] = merge_attributions(
            [
                attribute_with_inseq(
                    model,
                    row_of(sources, row),
                    row_of(targets, row),
                    method,
                    score=score,
                    contrast=None if contrast is None else row_of(contrast, row),
                    attribute_target=attribute_target,
                    options=chosen[method],
                    show_progress=False,
                    step_outputs=step_outputs[row],
                )
                for row in range(len(forcing.counts))
            ]
        )
        outputs[method].info["exec_time"] = seconds
    return {method: outputs[method] for method in methods}


def _one_token_windows(forcing: TeacherForcing, attribute_target: bool) -> tuple[Any, ...]:
    """Return the windows of occlusion as Inseq notes them in the output's information."""
    window = (1, forcing.target.shape[-1])
    return (window, window) if attribute_target and forcing.source is not None else window


def _lay_out(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    contrast: "BatchEncoding | None",
) -> TeacherForcing:
    """Return the texts laid out for teacher forcing, with what they are compared with."""
    batch, first_step = attribution_batch(model, sources, targets)
    forcing = teacher_forcing(model, batch, first_step)
    if contrast is None:
        return forcing
    compared = [
        contrast_ids(model, row_of(targets, row), row_of(contrast, row), first)
        for row, first in enumerate(forcing.first.tolist())
    ]
    return replace(forcing, contrast_ids=pad_sequence(compared, batch_first=True))
