"""From Inseq's raw output to readable scores: of tokens, and of words, sentences and turns."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from hw7.engine.aggregated_outputs import relabelled
from hw7.text.answers import ANSWER
from hw7.text.generation import Generation, Reader, reader_of
from hw7.text.groups import Part, Piece, group_keys, text_of
from hw7.text.spelling import Spelling, shown, token_texts
from hw7.views.axes import contrasted, labelled_axis
from hw7.views.labels import readable, shortened
from hw7.views.levels import Axis, Outline

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.data import FeatureAttributionSequenceOutput
    from inseq.models import AttributionModel


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
    read = reader_of(tokenizer)
    sequence = output.sequence_attributions[0].aggregate()
    ids = output.info.get("contrast_ids", [[]])[0]
    contrast = [None if id_ is None else tokenizer.convert_ids_to_tokens(id_) for id_ in ids]
    first = sequence.attr_pos_start - skipped
    outline = outline_of(sequence, first, parts, contrast, read)
    if explained is not None:
        outline = outline.explaining(explained)

    def labels_of(tokens: Sequence[str]) -> list[str]:
        return [_label([piece]) for piece in read(tokens)]

    return relabelled(output, sequence, labels_of, outline=asdict(outline))


def readable_tokens(
    tokens: Sequence[str], spelling: Spelling, special_tokens: Collection[str] = ()
) -> list[str]:
    """Return one readable text for each token, as shown in a heatmap.

    A character whose bytes are split over several tokens appears at the token that completes it;
    the earlier ones show ``INCOMPLETE``. Spaces around a word are dropped; what cannot be seen is
    shown as a sign (``↵`` for a newline, ``␣`` for a space alone).

    Args:
        tokens: One sequence of raw tokens, as ``convert_ids_to_tokens`` gives them.
        spelling: How the tokenizer spells tokens, see ``spelling_of``.
        special_tokens: Tokens that are kept as they are, such as ``</s>``.
    """
    return [readable(text) for text in token_texts(tokens, spelling, special_tokens)]


def read_axis(
    model: "AttributionModel", generation: Generation, parts: Sequence[Part] = ()
) -> Axis:
    """Return the groups of what was read; what was written is part of it where ``parts`` are."""
    tokens = generation.sources.input_tokens[0]
    if not parts:
        tokens = tokens[: len(tokens) - generation.skipped]
        parts = generation.prompt_parts or [("source", False)] * len(tokens)
    return axis_of(reader_of(model.tokenizer)(tokens), parts[: len(tokens)])


def input_words(model: "AttributionModel", generation: Generation) -> list[list[int]]:
    """Return the places of the tokens of each word that was read, the model's format left out."""
    axis = read_axis(model, generation)
    return [places for places in axis.places("word") if not axis.special[places[0]]]


def outline_of(
    sequence: "FeatureAttributionSequenceOutput",
    start: int,
    parts: Sequence[Part],
    contrast: Sequence[str | None],
    read: Reader,
) -> Outline:
    """Return what the rows and columns of Inseq's output are.

    Args:
        sequence: Inseq's output, its tokens raw.
        start: The place of the first generated token among the target tokens.
        parts: For a decoder-only model, what each token of prompt and answer is part of.
        contrast: What each generated token is contrasted with, if anything.
        read: Tells what raw tokens add to the text.
    """
    end = sequence.attr_pos_end
    written = read([token.token for token in sequence.target[start:end]])
    is_translation = sequence.source_attributions is not None
    if is_translation:
        source = read([token.token for token in sequence.source])
        rows = axis_of(source, [("source", False)] * len(source))
        parts = [("translation", False)] * len(written)
    else:
        parts = parts or [("prompt", False)] * start + [(ANSWER, False)] * len(written)
        rows = axis_of(read([token.token for token in sequence.target[:end]]), parts[:end])
        parts = parts[start:end]
    columns = axis_of(written, parts)
    if contrast:
        other = read([token or "" for token in contrast])
        columns = contrasted(columns, partial(_contrast_label, other))
    first_row = None if is_translation else start
    return Outline(rows, columns, list(range(len(written))), first_row, bool(contrast))


def axis_of(pieces: Sequence[Piece], parts: Sequence[Part]) -> Axis:
    """Return the groups of a sequence of tokens, see ``group_keys``."""
    special = [piece.is_special for piece in pieces]

    def label_of(group: Sequence[int]) -> str:
        return _label([pieces[place] for place in group])

    return labelled_axis(group_keys(pieces, parts), parts, special, label_of)


def _label(pieces: Sequence[Piece]) -> str:
    """Return the label of a token; of a word or sentence its text, shortened where it is long."""
    text = text_of(pieces)
    if len(pieces) == 1 or not text:
        return readable(shown(pieces[0]))
    return shortened(readable(text))


def _contrast_label(pieces: Sequence[Piece], group: Sequence[int]) -> str:
    """Return the label of what a group of columns is contrasted with; empty where it is nothing."""
    compared = [pieces[place] for place in group if shown(pieces[place])]
    return _label(compared) if compared else ""
