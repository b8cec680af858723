"""From Inseq's raw output to one readable score per pair of tokens, by Inseq's own aggregators."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.tokens import (
    Spelling,
    readable_tokens,
    special_tokens_of,
    spelling_of,
    token_texts,
    word_spans,
)
from hw7.views.labels import INCOMPLETE

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import FeatureAttributionSequenceOutput
    from inseq.utils.typing import TokenWithId

_CONTRAST_ARROW = " → "


def aggregate(
    output: "FeatureAttributionOutput", tokenizer: Any, *, words: bool = False
) -> "FeatureAttributionOutput":
    """Aggregate scores as Inseq's ``show()`` does, and make the tokens readable.

    Gradient methods take the L2 norm over the embedding, attention the mean over heads, then
    layers, each normalised to sum to one per generated token; occlusion stays as it is.

    Args:
        output: What an attribution method returned; it is left as it was.
        tokenizer: The model's tokenizer, which knows the spelling of its tokens.
        words: Group the tokens of each word with Inseq's ``spans`` aggregator (the score with the
            largest absolute value stands for the word).
    """
    from inseq import FeatureAttributionOutput

    spelling, special_tokens = spelling_of(tokenizer), special_tokens_of(tokenizer)
    sequences = [
        _group_words(sequence.aggregate(), spelling, special_tokens)
        if words
        else _clean(sequence.aggregate(), spelling, special_tokens)
        for sequence in output.sequence_attributions
    ]
    return FeatureAttributionOutput(sequence_attributions=sequences, info=dict(output.info))


def _clean(
    sequence: "FeatureAttributionSequenceOutput", spelling: Spelling, special_tokens: set[str]
) -> "FeatureAttributionSequenceOutput":
    """Replace the tokens by readable ones; scores and number of tokens stay the same."""
    for name in ("source", "target"):
        tokens: list[TokenWithId] = getattr(sequence, name)
        raw = [token.token for token in tokens]
        setattr(sequence, name, _relabel(tokens, _readable(raw, spelling, special_tokens)))
    return sequence


def _readable(raw: Sequence[str], spelling: Spelling, special_tokens: set[str]) -> list[str]:
    """Make tokens readable; where two were contrasted (``machine → deep``), each side of it."""
    sides = [token.split(_CONTRAST_ARROW, 1) for token in raw]
    contrasted = readable_tokens([side[0] for side in sides], spelling, special_tokens)
    written = readable_tokens([side[-1] for side in sides], spelling, special_tokens)
    return [
        f"{before}{_CONTRAST_ARROW}{after}" if len(side) > 1 else after
        for side, before, after in zip(sides, contrasted, written, strict=True)
    ]


def _group_words(
    sequence: "FeatureAttributionSequenceOutput", spelling: Spelling, special_tokens: set[str]
) -> "FeatureAttributionSequenceOutput":
    """Put the tokens of each word together, never across the border of prompt and generation."""
    source = [token.token for token in sequence.source]
    target = [token.token for token in sequence.target]
    start = sequence.attr_pos_start
    source_spans = word_spans(source, spelling, special_tokens)
    prefix_spans = word_spans(target[:start], spelling, special_tokens)
    generated_spans = word_spans(target[start:], spelling, special_tokens)
    target_spans = prefix_spans + [(start + a, start + b) for a, b in generated_spans]
    grouped = sequence.aggregate("spans", source_spans=source_spans, target_spans=target_spans)
    for name, raw, spans in (("source", source, source_spans), ("target", target, target_spans)):
        labels = _word_labels(raw, spans, spelling, special_tokens)
        setattr(grouped, name, _relabel(getattr(grouped, name), labels))
    return grouped


def _word_labels(
    raw: Sequence[str], spans: Sequence[tuple[int, int]], spelling: Spelling, special: set[str]
) -> list[str]:
    readable = readable_tokens(raw, spelling, special)
    texts = token_texts(raw, spelling, special)
    labels = []
    for start, end in spans:
        text = "".join(text for text in texts[start:end] if text != INCOMPLETE).strip()
        labels.append(text if end - start > 1 and text else readable[start])
    return labels


def _relabel(tokens: "Sequence[TokenWithId]", labels: Sequence[str]) -> "list[TokenWithId]":
    from inseq.utils.typing import TokenWithId

    return [TokenWithId(label, token.id) for label, token in zip(labels, tokens, strict=True)]
