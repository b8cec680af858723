"""From Inseq's raw output to readable scores: of tokens, and of words, sentences and turns."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from helpers.chat import ANSWER, Part, written_parts
from helpers.errors import TextError
from helpers.tokens import (
    Spelling,
    readable,
    readable_tokens,
    sentence_numbers,
    shortened,
    special_tokens_of,
    spelling_of,
    token_texts,
    tokens_of_span,
    word_spans,
)
from hw7.views.labels import INCOMPLETE, is_special
from hw7.views.levels import LEVELS, Axis, Outline, numbered

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import FeatureAttributionSequenceOutput
    from inseq.models import AttributionModel

    from helpers.generation import Generation


def aggregate(
    output: "FeatureAttributionOutput",
    tokenizer: Any,
    parts: Sequence[Part] = (),
    explained: Sequence[int] | None = None,
    *,
    skipped: int = 0,
) -> "FeatureAttributionOutput":
    """Aggregate scores as Inseq's ``show()`` does, and make the tokens readable.

    Gradient methods take the L2 norm over the embedding, attention the mean over heads, then
    layers, each normalised to sum to one per generated token; occlusion stays as it is.

    Args:
        output: What an attribution method returned for one text; it is left as it was.
        tokenizer: The model's tokenizer, which knows the spelling of its tokens.
        parts: For a decoder-only model, what each token of prompt and answer is part of.
        explained: The places of the generated tokens to explain; None explains all.
        skipped: How many generated tokens the method was given as prompt.

    Returns:
        Inseq's output with one score per pair of tokens, its ``Outline`` in ``info["outline"]``.
    """
    from inseq import FeatureAttributionOutput
    from inseq.data import CoarseFeatureAttributionSequenceOutput
    from inseq.utils.typing import TokenWithId

    spelling, special = spelling_of(tokenizer), special_tokens_of(tokenizer)
    sequence = output.sequence_attributions[0].aggregate()
    ids = output.info.get("contrast_ids", [[]])[0]
    contrast = [None if id_ is None else tokenizer.convert_ids_to_tokens(id_) for id_ in ids]
    first = sequence.attr_pos_start - skipped
    outline = _outline_of(sequence, first, parts, contrast, spelling, special)
    if explained is not None:
        outline = outline.explaining(explained)
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


def parts_of(model: "AttributionModel", generation: "Generation") -> list[Part]:
    """Return what each token of a decoder-only model's prompt and answer is part of."""
    if model.is_encoder_decoder:
        return []
    read = generation.sources.input_tokens[0]
    tail = "".join(token_texts(read[-8:], spelling_of(model.tokenizer)))
    prompt = list(generation.prompt_parts) or [("prompt", False)] * len(read)
    return [*prompt, *written_parts(tail, _written(model, generation)[1])]


def input_words(model: "AttributionModel", generation: "Generation") -> list[list[int]]:
    """Return the places of the tokens of each word that was read, the model's format left out."""
    tokens = generation.sources.input_tokens[0]
    tokens = tokens[: len(tokens) - generation.skipped]
    parts = list(generation.prompt_parts) or [("source", False)] * len(tokens)
    tokenizer = model.tokenizer
    axis = axis_of(tokens, parts, spelling_of(tokenizer), special_tokens_of(tokenizer))
    return [places for places in axis.places("word") if not axis.special[places[0]]]


def explained_places(
    model: "AttributionModel",
    generation: "Generation",
    parts: Sequence[Part],
    span: str | None,
    *,
    answer_only: bool,
) -> list[int] | None:
    """Return the places of the generated tokens to explain, None for all of them.

    Args:
        model: The model that wrote them.
        generation: What was read and written.
        parts: See ``parts_of``.
        span: Explain only the tokens of this part of what was written.
        answer_only: Leave out the model's thinking and special tokens.

    Raises:
        TextError: The span was not written, or more than once; or there is no answer.
    """
    if span is None and not answer_only:
        return None
    special = special_tokens_of(model.tokenizer)
    tokens, texts = _written(model, generation)
    turns = [part[0] for part in parts[-len(tokens) :]] or [ANSWER] * len(tokens)
    places = [
        place
        for place, (token, turn) in enumerate(zip(tokens, turns, strict=True))
        if not answer_only or (turn == ANSWER and token not in special)
    ]
    if not places:
        raise TextError(
            "The model wrote no answer, only its thinking. Give it more max_new_tokens, or let it "
            "answer at once with thinking=False."
        )
    if span is None:
        return places
    texts = [texts[place] for place in places]
    times = "".join(texts).count(span.strip()) if span.strip() else 0
    if times != 1:
        raise TextError(
            f"The span {span!r} is there {times} times, but is to be there once. What was written "
            f"is {''.join(texts).strip()!r}."
        )
    return [places[number] for number in tokens_of_span(texts, span.strip())]


def _written(model: "AttributionModel", generation: "Generation") -> tuple[list[str], list[str]]:
    """Return the raw tokens that were written, and the text of each."""
    start = 1 if model.is_encoder_decoder else generation.sources.input_ids.shape[1]
    tokens = generation.targets.input_tokens[0][start:]
    return tokens, _texts(tokens, spelling_of(model.tokenizer), special_tokens_of(model.tokenizer))


def _texts(tokens: Sequence[str], spelling: Spelling, special: set[str]) -> list[str]:
    """Return the text that each token adds: none for a special one or a part of a character."""
    pairs = zip(tokens, token_texts(tokens, spelling, special), strict=True)
    return ["" if text == INCOMPLETE or token in special else text for token, text in pairs]


def outline_of(output: "FeatureAttributionOutput") -> Outline:
    """Return the outline of an aggregated output; where it has none, that of its labels."""
    if "outline" in output.info:
        return Outline.read(output.info["outline"])
    sequence = output[0]
    labels = [token.token for token in (*sequence.source, *sequence.target)]
    special = {label for label in labels if is_special(label)}
    outline = _outline_of(sequence, sequence.attr_pos_start, (), [], "words", special)
    is_translation = outline.start is None
    rows = sequence.source if is_translation else sequence.target
    outline.rows.labels["token"][:] = [token.token for token in rows[: len(outline.rows.turns)]]
    written = sequence.target[sequence.attr_pos_start : sequence.attr_pos_end]
    outline.columns.labels["token"][:] = [token.token for token in written]
    return outline


def _outline_of(
    sequence: "FeatureAttributionSequenceOutput",
    start: int,
    parts: Sequence[Part],
    contrast: Sequence[str | None],
    spelling: Spelling,
    special: set[str],
) -> Outline:
    end = sequence.attr_pos_end
    written = [token.token for token in sequence.target[start:end]]
    is_translation = sequence.source_attributions is not None
    if is_translation:
        read = [token.token for token in sequence.source]
        rows = axis_of(read, [("source", False)] * len(read), spelling, special)
        parts = [("translation", False)] * len(written)
    else:
        tokens = [token.token for token in sequence.target[:end]]
        parts = parts or [("prompt", False)] * start + [(ANSWER, False)] * len(written)
        rows = axis_of(tokens, parts[:end], spelling, special)
        parts = parts[start:end]
    columns = axis_of(written, parts, spelling, special)
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
    texts = _texts(tokens, spelling, special)
    keys = _keys_of_groups(tokens, texts, parts, spelling, special)
    marks = [
        is_template or token in special
        for (_, is_template), token in zip(parts, tokens, strict=True)
    ]
    axis = Axis(
        labels={"token": readable_tokens(tokens, spelling, special)},
        numbers={level: numbered(found) for level, found in keys.items()},
        turns=[turn for turn, _ in parts],
        special=marks,
    )
    for level in LEVELS[1:]:
        axis.labels[level] = []
        for group in axis.places(level):
            turn, is_template = parts[group[0]]
            if is_template:
                label = f"{turn} template"
            elif level == "turn" and not marks[group[0]]:
                label = turn
            else:
                label = _label(texts, axis.labels["token"], group)
            axis.labels[level].append(label)
    return axis


def _keys_of_groups(
    tokens: Sequence[str],
    texts: Sequence[str],
    parts: Sequence[Part],
    spelling: Spelling,
    special: set[str],
) -> dict[str, list[Hashable]]:
    """Return for each level and token what it has in common with the tokens of its group."""
    keys: dict[str, list[Hashable]] = {"token": list(range(len(tokens)))}
    keys |= {level: [] for level in LEVELS[1:]}
    end = 0
    for part, run in groupby(parts):
        start, end = end, end + len(list(run))
        spans = word_spans(tokens[start:end], spelling, special)
        words = [range(start + first, start + last) for first, last in spans]
        sentences = sentence_numbers(["".join(texts[place] for place in word) for word in words])
        for word, sentence in zip(words, sentences, strict=True):
            if part[1]:
                own: tuple[Hashable, ...] = (part,) * 3
            elif tokens[word[0]] in special:
                own = (word[0],) * 3
            else:
                own = (("word", word[0]), ("sentence", start, sentence), part)
            for level, key in zip(LEVELS[1:], own, strict=True):
                keys[level] += [key] * len(word)
    return keys


def _label(texts: Sequence[str], labels: Sequence[str], places: Sequence[int]) -> str:
    """Return the label of a word or sentence: its text, shortened where it is long."""
    if len(places) == 1:
        return labels[places[0]]
    return shortened(readable("".join(texts[place] for place in places) or labels[places[0]]))


def _contrasted(
    columns: Axis, contrast: Sequence[str | None], spelling: Spelling, special: set[str]
) -> Axis:
    """Name beside a column what it was contrasted with, where that differs: ``Paris → London``."""
    raw = [token or "" for token in contrast]
    texts, shown = _texts(raw, spelling, special), readable_tokens(raw, spelling, special)
    labels = {level: list(columns.labels[level]) for level in LEVELS}
    for level in LEVELS:
        for number, group in enumerate(columns.places(level)):
            if compared := [place for place in group if raw[place]]:
                other = _label(texts, shown, compared)
                if other != labels[level][number]:
                    labels[level][number] += f" → {other}"
    return Axis(labels, columns.numbers, columns.turns, columns.special)
