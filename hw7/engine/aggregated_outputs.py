"""Inseq's outputs aggregated to one score per pair of tokens, with tokens that can be read."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import FeatureAttributionSequenceOutput


def relabelled(
    output: "FeatureAttributionOutput",
    sequence: "FeatureAttributionSequenceOutput",
    labels_of: Callable[[Sequence[str]], list[str]],
    **information: Any,
) -> "FeatureAttributionOutput":
    """Return an aggregated output with readable tokens; the one given is left as it was.

    Args:
        output: What an attribution method returned for one text.
        sequence: Its sequence, aggregated.
        labels_of: Gives the labels of raw tokens.
        information: What else to note in the output's ``info``.
    """
    from inseq import FeatureAttributionOutput
    from inseq.data import CoarseFeatureAttributionSequenceOutput
    from inseq.utils.typing import TokenWithId

    tokens = {}
    for side in ("source", "target"):
        raw = getattr(sequence, side)
        pairs = zip(labels_of([token.token for token in raw]), raw, strict=True)
        tokens[side] = [TokenWithId(label, token.id) for label, token in pairs]
    # The class of what needs no aggregation, so that Inseq's own show() does not try another one.
    readable_sequence = CoarseFeatureAttributionSequenceOutput(
        **tokens,
        source_attributions=sequence.source_attributions,
        target_attributions=sequence.target_attributions,
        step_scores=sequence.step_scores,
        sequence_scores=sequence.sequence_scores,
        attr_pos_start=sequence.attr_pos_start,
        attr_pos_end=sequence.attr_pos_end,
    )
    info = {**output.info, **information}
    return FeatureAttributionOutput(sequence_attributions=[readable_sequence], info=info)
