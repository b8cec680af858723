"""A whole answer as Inseq's output: one column that stands for all that is explained."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.ablation import Surrogate
from hw7.engine.errors import NotExplainableError
from hw7.engine.exactness import reason_to_fall_back
from hw7.engine.whole_answer import AnswerScores, answer_ablation, answer_scores

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

LONG = 20
"""From so many explained tokens on, their saliency begins with that of all of them."""

METHODS = ("saliency", "ablation")
"""The methods that explain a whole answer at once."""


def check_whole_answer(methods: Sequence[str], settings: Collection[str]) -> None:
    """Refuse what a whole answer is not explained with.

    Raises:
        ValueError: Tells the methods, or the setting to leave out.
    """
    if other := [method for method in methods if method not in METHODS]:
        raise ValueError(
            f"{other[0]!r} does not explain a whole answer at once. Use methods=['saliency'] or "
            "methods=['ablation']."
        )
    if other := sorted({"score", "contrast", "use_fast_engine"} & {*settings}):
        raise ValueError(
            f"A whole answer is explained by its log-probability, in one pass: leave {other[0]}= "
            "out, or whole_answer=True."
        )


def answer_columns(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    explained: Sequence[int],
    options: Mapping[str, Mapping[str, Any]],
    outline: Any,
) -> "dict[str, FeatureAttributionOutput]":
    """Return for each method one column: the scores of all that is explained.

    Args:
        model: Inseq's model.
        sources: The encoded source, or all that is read before, ids `[1, source]`.
        targets: As in `hw7.engine.whole_answer.answer_scores`.
        explained: The places of the explained tokens among the generated ones, a span.
        options: Of `METHODS`, each with its own; of ablation `parts` must be among them.
        outline: As in `answer_column`.

    Raises:
        NotExplainableError: The model has no exact fast form, or the places have gaps.
    """
    if not _is_one_span(explained):
        raise NotExplainableError(
            "Special tokens stand within what is explained, and are no part of it. Explain what is "
            'before or behind them: span="…".'
        )
    texts = (sources, targets, _span(model, explained))
    outputs = {}
    for method, own in options.items():
        if method == "ablation":
            found = answer_ablation(model, *texts, own)
            scores, information = _weights(found, own["parts"], sources.input_ids.shape[1])
        elif reason := reason_to_fall_back(model, method, options=own, takes_any_family=True):
            raise NotExplainableError(f"The whole answer has no {method} here: {reason}")
        else:
            scores, information = _shares(answer_scores(model, *texts))
        outputs[method] = answer_column(outline, scores, **information)
    return outputs


def whole_of_long_answer(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    explained: Sequence[int],
) -> dict[str, Any]:
    """Return the saliency of a whole answer as plain data, as it is kept beside its tokens'.

    Empty where less than ``LONG`` tokens in one span are explained, or where the model has no
    exact fast form. Arguments as of `answer_columns`.
    """
    is_long = len(explained) >= LONG and _is_one_span(explained)
    if not is_long or reason_to_fall_back(model, "saliency"):
        return {}
    found = answer_scores(model, sources, targets, _span(model, explained))
    shares, information = _shares(found)
    return {"whole_answer": shares, **information}


def _is_one_span(explained: Sequence[int]) -> bool:
    return explained[-1] - explained[0] < len(explained)


def _span(model: "AttributionModel", explained: Sequence[int]) -> tuple[int, int] | None:
    """Name the span of a translation; what precedes it in a prompt is read already."""
    return (explained[0], explained[-1] + 1) if model.is_encoder_decoder else None


def _shares(found: AnswerScores) -> tuple[list[float], dict[str, Any]]:
    """Return the saliency of an answer `[read]`, which sums to one, and its log-probability."""
    lengths = found.lengths.double()
    shares = lengths / lengths.sum().clamp(min=torch.finfo(torch.float32).tiny)
    return shares.tolist(), {"log_likelihood": found.log_likelihood}


def _weights(
    found: Surrogate, parts: Sequence[Sequence[int]], read: int
) -> tuple[list[float], dict[str, Any]]:
    """Return what leaving a part of the input out takes from the log-odds of an answer `[read]`.

    A part's weight is shared evenly by its tokens; what was never left out is not a number.
    Beside it stands how well the weights fit, as the method `ablation` tells it.
    """
    scores = [float("nan")] * read
    for part, (weight,) in zip(parts, found.weights.tolist(), strict=True):
        for place in part:
            scores[place] = weight / len(part)
    return scores, {"r2": found.r2.tolist(), "is_exact": found.is_exact}


def answer_column(
    outline: Any, scores: Sequence[float], **information: Any
) -> "FeatureAttributionOutput":
    """Return scores `[read]` as Inseq's output of a text that was written as one token.

    Args:
        outline: A dataclass with the labels of what was read and of the column, kept in the
            output's ``info``.
        scores: One for each token read.
        information: What else to note there.
    """
    from inseq import FeatureAttributionOutput
    from inseq.data import CoarseFeatureAttributionSequenceOutput
    from inseq.utils.typing import TokenWithId

    sides = [axis.labels["token"] for axis in (outline.rows, outline.columns)]
    source, target = ([TokenWithId(label, -1) for label in labels] for labels in sides)
    sequence = CoarseFeatureAttributionSequenceOutput(
        source=source,
        target=target,
        source_attributions=torch.tensor(scores).unsqueeze(1),
        target_attributions=None,
        step_scores={},
        attr_pos_start=0,
        attr_pos_end=1,
    )
    info = {"outline": asdict(outline), **information}
    return FeatureAttributionOutput(sequence_attributions=[sequence], info=info)
