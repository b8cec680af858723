"""One generation: what was read and what was written, and which part of it is explained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hw7.text.answers import ANSWER, places_to_explain, written_parts
from hw7.text.encoding import encode_written, encoding_of
from hw7.text.groups import Part, Piece, text_of
from hw7.text.spelling import pieces_of, special_tokens_of, spelling_of, token_texts

if TYPE_CHECKING:
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

Reader = Callable[[Sequence[str]], list[Piece]]
"""What a tokenizer's raw tokens add to the text."""


@dataclass(frozen=True)
class Generation:
    """The exact token ids that every method explains.

    Attributes:
        input_text: What the student typed.
        generated_text: What the model wrote, without special tokens.
        sources: The encoded input, ids of shape `[1, source]`.
        targets: The ids to explain, `[1, target]`: for a translator the start token and the
            generated ones, for a decoder-only model the prompt followed by the generated ones.
        read_text: What the model read: what was typed, in its template where that is a chat.
        first: Place of the first explained token in the targets, after the start token or prompt.
        is_complete: False where a limit cut the text before the model ended it.
        prompt_parts: For a chat, what each token of the prompt is part of.
        skipped: How many written tokens at the end of the sources are read like the prompt.
    """

    input_text: str
    generated_text: str
    sources: "BatchEncoding"
    targets: "BatchEncoding"
    read_text: str
    first: int
    is_complete: bool = True
    prompt_parts: Sequence[Part] = ()
    skipped: int = 0


def reader_of(tokenizer: Any) -> Reader:
    """Return what tells what a tokenizer's raw tokens add to the text."""
    spelling, special = spelling_of(tokenizer), special_tokens_of(tokenizer)
    return partial(pieces_of, spelling=spelling, special_tokens=special)


def narrowed(
    model: "AttributionModel", generation: Generation, places: Sequence[int], *, has_contrast: bool
) -> Generation:
    """Return the generation for attributing no more than some of its written tokens.

    What follows them changes no score. What was written before is read as if it were prompt, where
    that is possible: not by a translator, nor where a contrast is counted from the true prompt.
    """
    start = generation.first
    ids = generation.targets.input_ids[:, : start + places[-1] + 1]
    targets = encoding_of(model, ids, has_start=model.is_encoder_decoder)
    if model.is_encoder_decoder or has_contrast:
        return replace(generation, targets=targets)
    sources = encoding_of(model, ids[:, : start + places[0]])
    first = start + places[0]
    return replace(generation, sources=sources, targets=targets, first=first, skipped=places[0])


def encode_contrast(
    model: "AttributionModel", generation: Generation, contrast: str, say: Callable[[str], None]
) -> "BatchEncoding":
    """Encode another continuation of the same text, which the explained one is contrasted with.

    Raises:
        ValueError: The continuation is empty, too long, or the explained one itself.
    """
    source = generation.sources.input_ids[0].tolist()
    ids = encode_written(model, generation.read_text, source, contrast, "contrast", say)
    if ids.tolist() == generation.targets.input_ids.tolist():
        raise ValueError(
            f"The contrast is what is explained itself ({contrast!r}), so every difference would "
            "be zero. Give another continuation."
        )
    compared = ids.shape[1] - generation.first
    written = generation.targets.input_ids.shape[1] - generation.first
    if compared < written:
        say(
            f"The contrast ends after {compared} of {written} tokens. Beyond its end there is "
            "nothing to compare with, so these columns are empty."
        )
    return encoding_of(model, ids, has_start=model.is_encoder_decoder)


def parts_of(model: "AttributionModel", generation: Generation) -> list[Part]:
    """Return what each token of a decoder-only model's prompt and answer is part of."""
    if model.is_encoder_decoder:
        return []
    read = generation.sources.input_tokens[0]
    tail = "".join(token_texts(read[-8:], spelling_of(model.tokenizer)))
    prompt = list(generation.prompt_parts) or [("prompt", False)] * len(read)
    # Of special tokens their names, since the tags around the thinking may be some.
    texts = [piece.text for piece in _written(model, generation)]
    return [*prompt, *written_parts(tail, texts)]


def written_text(model: "AttributionModel", generation: Generation, places: Sequence[int]) -> str:
    """Return the text of some of the tokens that were written, by their places in the whole."""
    pieces = _written(model, generation)
    return text_of([pieces[place - generation.skipped] for place in places])


def explained_places(
    model: "AttributionModel",
    generation: Generation,
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
        ValueError: The span was not written, or more than once; or there is no answer.
    """
    if span is None and not answer_only:
        return None
    written = _written(model, generation)
    turns = [turn for turn, _ in parts[-len(written) :]] or [ANSWER] * len(written)
    return places_to_explain(written, turns, span, answer_only=answer_only)


def _written(model: "AttributionModel", generation: Generation) -> list[Piece]:
    """Return what each token that was written adds to the text."""
    return reader_of(model.tokenizer)(generation.targets.input_tokens[0][generation.first :])
