"""What a model wrote: its thinking, its answer, and the part of it that is to be explained."""

from collections.abc import Sequence
from itertools import accumulate

import regex

from hw7.text.groups import Part, Piece

ANSWER, THINKING = "answer", "thinking"
"""The turn that the model is asked to write, and what it writes before."""

_OPENING = r"(?:<(?:seed:)?think>|\[THINK\])"
_CLOSING = r"</(?:seed:)?think>|\[/THINK\]"


def written_parts(prompt: str, texts: Sequence[str]) -> list[Part]:
    """Return what the tokens that a model wrote are part of: its thinking, or its answer.

    Args:
        prompt: The text before, which may have opened the thinking already.
        texts: The text of each written token; white space around a tag is part of it.
    """
    written = "".join(texts)
    opening = regex.match(rf"\s*{_OPENING}\s*", written)
    if opening is None and not regex.search(rf"{_OPENING}\s*$", prompt):
        return [(ANSWER, False)] * len(texts)
    start = opening.end() if opening else 0
    closing = regex.search(rf"\s*(?:{_CLOSING})\s*", written, pos=start)
    last, answer = (closing.start(), closing.end()) if closing else (len(written), len(written))
    parts, end = [], 0
    for text in texts:
        # A token is where its first visible character is.
        place, end = end + (len(text) - len(text.lstrip())) % max(len(text), 1), end + len(text)
        is_tag = place < start or last <= place < answer
        parts.append((THINKING, is_tag) if place < answer or not closing else (ANSWER, False))
    return parts


def places_to_explain(
    pieces: Sequence[Piece], turns: Sequence[str], span: str | None, *, answer_only: bool
) -> list[int]:
    """Return the places of the written tokens to explain.

    Args:
        pieces: What each written token adds to the text.
        turns: The turn of each: the answer, or the model's thinking.
        span: Explain only the tokens of this part of what was written, special ones left out.
        answer_only: Leave out the model's thinking and special tokens.

    Raises:
        ValueError: The span was not written, or more than once; or there is no answer.
    """
    places = [
        place
        for place, (piece, turn) in enumerate(zip(pieces, turns, strict=True))
        if not answer_only or (turn == ANSWER and not piece.is_special)
    ]
    if not places:
        raise ValueError(
            "The model wrote no answer, only its thinking or special tokens. Give it more "
            "max_new_tokens, or let it answer at once with thinking=False."
        )
    if span is None:
        return places
    if not isinstance(span, str):
        raise ValueError(f"The span must be a part of what was written, and not {span!r}.")
    places = [place for place in places if not pieces[place].is_special]
    texts = [pieces[place].text for place in places]
    span, written = span.strip(), "".join(texts)
    times = written.count(span) if span else 0
    if times != 1:
        raise ValueError(
            f"The span {span!r} is there {times} times, but is to be there once. What was written "
            f"is {written.strip()!r}."
        )
    return [places[number] for number in _tokens_of_span(texts, span)]


def _tokens_of_span(texts: Sequence[str], span: str) -> list[int]:
    """Return the tokens that spell a part of a text, where it occurs first.

    Args:
        texts: The text that each token adds; a part of a character adds none yet.
        span: The part of the text.
    """
    ends = list(accumulate(map(len, texts)))
    start = "".join(texts).index(span)
    # A part of a character reaches to the end of the token that completes it.
    begins = [0, *ends[:-1]]
    complete = [next((end for end in ends if end > begin), begin) for begin in begins]
    return [
        place
        for place, (begin, end) in enumerate(zip(begins, complete, strict=True))
        if end > start and begin < start + len(span)
    ]
