"""From Inseq's raw output to readable scores: of tokens, and of words, sentences and turns."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from helpers.tokens import (
    Spelling,
    readable,
    readable_tokens,
    sentence_numbers,
    shortened,
    special_tokens_of,
    spelling_of,
    token_texts,
    word_spans,
)
from hw7.views.labels import INCOMPLETE, is_special
from hw7.views.levels import LEVELS, Axis, Outline, numbered

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import FeatureAttributionSequenceOutput

Part = tuple[str, bool]
"""What a token is part of: the name of a turn, and whether it is the template around its text."""


def aggregate(
    output: "FeatureAttributionOutput", tokenizer: Any, prompt_parts: Sequence[Part] = ()
) -> "FeatureAttributionOutput":
    """Aggregate scores as Inseq's ``show()`` does, and make the tokens readable.

    Gradient methods take the L2 norm over the embedding, attention the mean over heads, then
    layers, each normalised to sum to one per generated token; occlusion stays as it is.

    Args:
        output: What an attribution method returned for one text; it is left as it was.
        tokenizer: The model's tokenizer, which knows the spelling of its tokens.
        prompt_parts: What each token of a chat's prompt is part of.

    Returns:
        Inseq's output with one score per pair of tokens, its ``Outline`` in ``info["outline"]``.
    """
    from inseq import FeatureAttributionOutput
    from inseq.data import CoarseFeatureAttributionSequenceOutput
    from inseq.utils.typing import TokenWithId

    spelling, special = spelling_of(tokenizer), special_tokens_of(tokenizer)
    sequence = output.sequence_attributions[0].aggregate()
    contrast = _contrast_of(sequence, output.info, tokenizer)
    outline = _outline_of(sequence, prompt_parts, contrast, spelling, special)
    tokens = {}
    for side in ("source", "target"):
        raw = getattr(sequence, side)
        labels = readable_tokens([token.token for token in raw], spelling, special)
        pairs = zip(labels, raw, strict=True)
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
    info = {**output.info, "outline": asdict(outline)}
    return FeatureAttributionOutput(sequence_attributions=[readable_sequence], info=info)


def outline_of(output: "FeatureAttributionOutput") -> Outline:
    """Return the outline of an aggregated output; where it has none, that of its labels."""
    if "outline" in output.info:
        return Outline.read(output.info["outline"])
    sequence = output[0]
    labels = [token.token for token in (*sequence.source, *sequence.target)]
    special = {label for label in labels if is_special(label)}
    outline = _outline_of(sequence, (), [], "words", special)
    is_translation = outline.start is None
    rows = sequence.source if is_translation else sequence.target
    outline.rows.labels["token"][:] = [token.token for token in rows[: len(outline.rows.turns)]]
    written = sequence.target[sequence.attr_pos_start : sequence.attr_pos_end]
    outline.columns.labels["token"][:] = [token.token for token in written]
    return outline


def _contrast_of(
    sequence: "FeatureAttributionSequenceOutput", info: dict[str, Any], tokenizer: Any
) -> list[str | None]:
    """Return the raw token that each generated one was contrasted with, None beyond its end."""
    ids = (info.get("contrast_ids") or [[]])[0]
    if ids:
        return [None if id_ is None else tokenizer.convert_ids_to_tokens(id_) for id_ in ids]
    pairs = [token.token.split(" → ", 1) for token in sequence.target]
    for token, pair in zip(sequence.target, pairs, strict=True):
        token.token = pair[-1]
    found = [pair[0] if len(pair) > 1 else None for pair in pairs[sequence.attr_pos_start :]]
    return found if any(found) else []


def _outline_of(
    sequence: "FeatureAttributionSequenceOutput",
    prompt_parts: Sequence[Part],
    contrast: Sequence[str | None],
    spelling: Spelling,
    special: set[str],
) -> Outline:
    start, end = sequence.attr_pos_start, sequence.attr_pos_end
    written = [token.token for token in sequence.target[start:end]]
    is_translation = sequence.source_attributions is not None
    if is_translation:
        read = [token.token for token in sequence.source]
        read_parts, written_parts = [("source", False)] * len(read), [("translation", False)]
        written_parts *= len(written)
        rows = axis_of(read, read_parts, spelling, special)
    else:
        read = [token.token for token in sequence.target[:start]]
        read_parts = list(prompt_parts) or [("prompt", False)] * len(read)
        written_parts = [("answer", False)] * len(written)
        rows = axis_of([*read, *written], [*read_parts, *written_parts], spelling, special)
    columns = axis_of(written, written_parts, spelling, special)
    if contrast:
        columns = _contrasted(columns, contrast, spelling, special)
    first_row = None if is_translation else start
    return Outline(rows, columns, list(range(len(written))), first_row, bool(contrast))


def axis_of(
    tokens: Sequence[str], parts: Sequence[Part], spelling: Spelling, special: set[str]
) -> Axis:
    """Return the groups of a sequence of raw tokens.

    Words and sentences end with their part. The template of a turn is one group, wherever its
    tokens are; special tokens of the text stand alone.
    """
    texts = [
        "" if text == INCOMPLETE or token in special else text
        for token, text in zip(tokens, token_texts(tokens, spelling, special), strict=True)
    ]
    keys: dict[str, list[Hashable]] = {"word": [], "sentence": [], "turn": []}
    end = 0
    for part, run in groupby(parts):
        start, end = end, end + len(list(run))
        spans = [
            (start + a, start + b) for a, b in word_spans(tokens[start:end], spelling, special)
        ]
        sentences = sentence_numbers(["".join(texts[a:b]) for a, b in spans])
        for (first, last), sentence in zip(spans, sentences, strict=True):
            alone = part if part[1] else first if tokens[first] in special else None
            own = {"word": ("word", first), "sentence": (start, sentence), "turn": part}
            for level, key in own.items():
                keys[level] += [key if alone is None else alone] * (last - first)
    numbers = {"token": list(range(len(tokens)))}
    numbers |= {level: numbered(found) for level, found in keys.items()}
    labels = {"token": readable_tokens(tokens, spelling, special)}
    turns, is_template = [part[0] for part in parts], [part[1] for part in parts]
    marks = [own or token in special for own, token in zip(is_template, tokens, strict=True)]
    axis = Axis(labels, numbers, turns, marks)
    for level in keys:
        labels[level] = [""] * (max(numbers[level], default=-1) + 1)
        labels[level] = [
            f"{turns[places[0]]} template"
            if is_template[places[0]]
            else turns[places[0]]
            if level == "turn" and not marks[places[0]]
            else _label(texts, labels["token"], places)
            for places in axis.places(level)
        ]
    return axis


def _label(texts: Sequence[str], labels: Sequence[str], places: Sequence[int]) -> str:
    """Return the label of a word or sentence: its text, shortened where it is long."""
    if len(places) == 1:
        return labels[places[0]]
    return shortened(readable("".join(texts[place] for place in places) or labels[places[0]]))


def _contrasted(
    columns: Axis, contrast: Sequence[str | None], spelling: Spelling, special: set[str]
) -> Axis:
    """Name beside a column what it was contrasted with, where that differs: ``Paris → London``."""
    places = [place for place, token in enumerate(contrast) if token is not None]
    known = [token for token in contrast if token is not None]
    texts, shown = [""] * len(contrast), [""] * len(contrast)
    for place, text in zip(places, token_texts(known, spelling, special), strict=True):
        texts[place] = "" if text == INCOMPLETE else text
    for place, label in zip(places, readable_tokens(known, spelling, special), strict=True):
        shown[place] = label
    labels = {}
    for level in LEVELS:
        labels[level] = list(columns.labels[level])
        for number, group in enumerate(columns.places(level)):
            if compared := [place for place in group if shown[place]]:
                other = _label(texts, shown, compared)
                if other != columns.labels[level][number]:
                    labels[level][number] += f" → {other}"
    return Axis(labels, columns.numbers, columns.turns, columns.special)
