"""Explanations made of given tokens and random scores, without any model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import partial

import numpy
import torch
from inseq import FeatureAttributionOutput
from inseq.data import FeatureAttributionSequenceOutput
from inseq.utils.typing import TokenWithId

from helpers import Explanation
from helpers.aggregation import outline_of
from hw7.text.spelling import pieces_of
from hw7.views.labels import is_special
from hw7.views.levels import Outline

SOURCE = ["我", "喜欢", "机器", "学习", "和", "人工", "智能", "。", "</s>"]
GENERATED = ["I", "like", "machine", "learning", "and", "artificial", "intelligence", ".", "</s>"]
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "\"'`",
    "&amp;",
    "שלום",
    "مرحبا",
    "😀👨‍👩‍👧",
    "e\u0301",
    "\u0301",
    "$x_1$",
    "\u202eabc",
    "\u2028",
    "\x00",
    "a\u200bb",
    "{{ 7*7 }}",
]


def made_scores(
    rows: int, columns: int, *, seed: int = 0, prompt: int | None = None, is_signed: bool = False
) -> numpy.ndarray:
    """Return scores `[row, column]` whose columns sum to one; signed ones do not."""
    generator = numpy.random.default_rng(seed)
    scores = generator.gamma(0.5, 1.0, (rows, columns)) + 1e-6
    if prompt is not None:
        for column in range(columns):
            scores[prompt + column :, column] = numpy.nan
    scores /= numpy.nansum(scores, axis=0)
    return scores - numpy.nanmean(scores) if is_signed else scores


def made_explanation(
    source: Sequence[str] = SOURCE,
    generated: Sequence[str] = GENERATED,
    *,
    methods: Sequence[str] = ("saliency", "attention"),
    signed: Collection[str] = (),
    seed: int = 0,
    is_translation: bool = True,
    scores: Sequence[numpy.ndarray] | None = None,
) -> Explanation:
    """Return an explanation; a decoder-only one takes ``source`` as its prompt."""
    rows = list(source) if is_translation else [*source, *generated]
    prompt = None if is_translation else len(source)
    attributions = {}
    for number, method in enumerate(methods):
        made = (
            scores[number]
            if scores is not None
            else made_scores(
                len(rows),
                len(generated),
                seed=seed + number,
                prompt=prompt,
                is_signed=method in signed,
            )
        )
        attributions[method] = _output(rows, generated, torch.tensor(made), prompt)
    return Explanation(
        input_text=" ".join(source),
        generated_text=" ".join(generated),
        model_name="made",
        score="probability",
        is_translation=is_translation,
        attributions=attributions,
    )


def _output(
    rows: Sequence[str], generated: Sequence[str], scores: torch.Tensor, prompt: int | None
) -> FeatureAttributionOutput:
    read = [TokenWithId(token, number) for number, token in enumerate(rows)]
    written = [TokenWithId(token, number) for number, token in enumerate(generated)]
    if prompt is None:
        sequence = FeatureAttributionSequenceOutput(
            source=read,
            target=written,
            source_attributions=scores,
            attr_pos_start=0,
            attr_pos_end=len(written),
        )
    else:
        sequence = FeatureAttributionSequenceOutput(
            source=read,
            target=read,
            source_attributions=None,
            target_attributions=scores,
            attr_pos_start=prompt,
            attr_pos_end=prompt + len(written),
        )
    outline = asdict(_outline_of(sequence))
    return FeatureAttributionOutput(sequence_attributions=[sequence], info={"outline": outline})


def _outline_of(sequence: FeatureAttributionSequenceOutput) -> Outline:
    """Return an outline in which every token is a word, labelled with what was given."""
    special = {token.token for token in sequence.source if is_special(token.token)}
    special |= {token.token for token in sequence.target if is_special(token.token)}
    read = partial(pieces_of, spelling="words", special_tokens=special)
    start, end = sequence.attr_pos_start, sequence.attr_pos_end
    outline = outline_of(sequence, start, (), [], read)
    rows = sequence.source if outline.start is None else sequence.target[:end]
    outline.rows.labels["token"][:] = [token.token for token in rows]
    outline.columns.labels["token"][:] = [token.token for token in sequence.target[start:end]]
    return outline


def many_tokens(count: int) -> list[str]:
    """Return tokens in two scripts, ``</s>`` the last."""
    words = ["the", "model", "reads", "every", "token", "then", "writes", "which", "input"]
    words += ["mattered", "人工", "智能", "模型", "词元"]
    return [words[number % len(words)] for number in range(count - 1)] + ["</s>"]
