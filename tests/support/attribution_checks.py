"""Comparing one attribution output with another, for the tests of the attribution engine."""

import torch
import torch.nn.functional as F  # noqa: N812
from inseq import FeatureAttributionOutput
from inseq.models import AttributionModel

from hw7.engine.repairs import parts_that_read_embeddings, reads_embeddings_like_ids

# What legitimately differs between two computations of the same explanation.
DIFFERENT_INFO = {"exec_time", "attributed_fn"}


def are_embeddings_scaled_once(model: AttributionModel) -> bool:
    """Tell whether the model treats Inseq's embeddings like the token ids they stand for."""
    parts = parts_that_read_embeddings(model)
    return all(reads_embeddings_like_ids(model, part) for part in parts)


def assert_same_output(
    ours: FeatureAttributionOutput, theirs: FeatureAttributionOutput, tolerance: float
) -> None:
    """Compare tokens, positions, classes, scores as computed, and scores as aggregated."""
    assert len(ours.sequence_attributions) == len(theirs.sequence_attributions)
    for key in theirs.info.keys() - DIFFERENT_INFO:
        assert ours.info[key] == theirs.info[key], key
    for mine, reference in zip(ours, theirs, strict=True):
        assert type(mine) is type(reference)
        assert (mine.source, mine.target) == (reference.source, reference.target)
        assert mine.attr_pos_start == reference.attr_pos_start
        assert mine.attr_pos_end == reference.attr_pos_end
        assert_same_scores(mine, reference, tolerance)
        assert_same_scores(mine.aggregate(), reference.aggregate(), tolerance)


def assert_same_scores(mine, reference, tolerance: float) -> None:
    """Compare scores absolutely, larger ones relative to the largest."""
    for name in ("source_attributions", "target_attributions"):
        scores, expected = getattr(mine, name), getattr(reference, name)
        assert (scores is None) == (expected is None), name
        if expected is None:
            continue
        assert scores.shape == expected.shape, name
        assert torch.equal(scores.isnan(), expected.isnan()), name
        scale = max(1.0, expected.nan_to_num().abs().max().item())
        assert (scores - expected).nan_to_num().abs().max() <= tolerance * scale, name
    for name, expected in (reference.sequence_scores or {}).items():
        torch.testing.assert_close(
            mine.sequence_scores[name], expected, rtol=0, atol=tolerance, equal_nan=True
        )


def crossentropy(args) -> torch.Tensor:
    """Inseq's cross-entropy; its own fails for a single text, whose token ids lose a dimension."""
    logits = args.attribution_model.output2logits(args.forward_output)
    return F.cross_entropy(logits, args.target_ids.reshape(-1), reduction="none")
