"""What the tokens of a text make together: its words, its sentences, and the turns of a chat."""

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

import regex
from uniseg.sentencebreak import sentence_boundaries

Part = tuple[str, bool]
"""What a token is part of: the name of a turn, and whether it is the template around its text."""

# The boundaries of Unicode (UAX 29), also where `regex` departs from them: it joins an apostrophe
# to a vowel behind it whatever is before, so that of 'new' and 'old' one would keep its quote.
# Thai, Lao, Khmer and Burmese are written without spaces and would need a dictionary; a run of
# their letters stays together, so that no word is torn.
_LETTER = r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}][\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*"
_WORD_BOUNDARY = regex.compile(
    rf"(?:\b|(?<=(?<!{_LETTER})['’])(?=\p{{WB=ALetter}}))"
    r"(?!(?<=\p{Line_Break=SA})\p{Line_Break=SA})",
    regex.WORD,
)

# What UAX 29 takes for the end of a sentence, and is none: titles and other abbreviations, the
# number or letter of an item at the start of a line.
_NO_END = regex.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep|St|Mt|Fig|Eq|vs|cf|viz|approx"
    r"|[Ee]\.\s?g|[Ii]\.\s?e)|^[^\S\n]*(?:\p{N}+|\p{Lu}))\.[^\S\n]*\Z",
    regex.MULTILINE,
)
_OPENING = regex.compile(r"[\p{Ps}\p{Pi}]+\Z")


@dataclass(frozen=True)
class Piece:
    """What a token adds to a text.

    Attributes:
        text: Its characters, spaces included; a part of a character adds none.
        is_cut: A character begun in it goes on in the next token.
        is_special: It belongs to the model's format; its text is its name.
    """

    text: str
    is_cut: bool = False
    is_special: bool = False


def text_of(pieces: Sequence[Piece]) -> str:
    """Return the text of tokens, without the model's format."""
    return "".join(piece.text for piece in pieces if not piece.is_special)


def group_keys(pieces: Sequence[Piece], parts: Sequence[Part]) -> dict[str, list[Hashable]]:
    """Return for each level and token what it has in common with the tokens of its group.

    Words and sentences end with their part. The template of a turn is one group, wherever its
    tokens are; special tokens of the text stand alone.

    Args:
        pieces: What each token adds to the text.
        parts: What each token is part of.
    """
    keys: dict[str, list[Hashable]] = {"word": [], "sentence": [], "turn": []}
    end = 0
    for part, run in groupby(parts):
        start, end = end, end + len(list(run))
        words = [
            range(start + first, start + last) for first, last in word_spans(pieces[start:end])
        ]
        sentences = sentence_numbers([text_of(pieces[word.start : word.stop]) for word in words])
        for word, sentence in zip(words, sentences, strict=True):
            if part[1]:
                own: tuple[Hashable, ...] = (part,) * 3
            elif pieces[word.start].is_special:
                own = (word.start,) * 3
            else:
                own = (("word", word.start), ("sentence", start, sentence), part)
            for found, key in zip(keys.values(), own, strict=True):
                found += [key] * len(word)
    return keys


def word_spans(pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """Return the ``(start, end)`` token positions of each word, in order and without gaps.

    Words end where Unicode (UAX 29) puts a boundary between two tokens. Chinese has one after
    every character, so there each piece of the tokenizer stays a word of its own; only the pieces
    of one split character are put together. Special tokens always stand alone.
    """
    ends = list(accumulate(len(piece.text) for piece in pieces))
    text = "".join(piece.text for piece in pieces)
    boundaries = {match.start() for match in _WORD_BOUNDARY.finditer(text)}
    starts = [0] if pieces else []
    for position, (before, after) in enumerate(pairwise(pieces), 1):
        is_end = not before.is_cut and ends[position - 1] in boundaries
        if is_end or before.is_special or after.is_special:
            starts.append(position)
    return list(pairwise([*starts, len(pieces)])) if starts else []


def sentence_numbers(words: Sequence[str]) -> list[int]:
    """Return for each word of a text a number that it shares with its sentence.

    Args:
        words: The texts of the words, spaces included; together they are the text.
    """
    text = "".join(words)
    ends = sentence_ends(text)
    first = len(text) - len(text.lstrip())
    numbers: list[int] = []
    for word, start in zip(words, accumulate(map(len, words), initial=0), strict=False):
        if numbers and not word.strip():
            # White space alone, such as a blank line, goes with what is before it.
            numbers.append(numbers[-1])
        else:
            # The space before a sentence stands in its first token.
            place = start + len(word) - len(word.lstrip())
            numbers.append(bisect_right(ends, max(place, first)))
    return numbers


def sentence_ends(text: str) -> list[int]:
    """Return where the sentences of a text end.

    They are those of Unicode (UAX 29), which knows no abbreviations, takes … for no end, and gives
    a quote that opens right after a full stop, as in Chinese, to the sentence before it.
    """
    ends, start = [], 0
    for end in list(sentence_boundaries(text.replace("…", ".")))[1:]:
        if end < len(text):
            if _NO_END.search(text, start, end):
                continue
            if opening := _OPENING.search(text, start, end):
                end = opening.start()
        ends.append(end)
        start = end
    return ends
