"""Word grouping: which neighbouring tokens form one word. Pure strings, no torch."""

import unicodedata
from collections.abc import Collection, Sequence

from helpers.tokens import INCOMPLETE, Spelling, token_texts


def word_spans(
    tokens: Sequence[str], spelling: Spelling, special_tokens: Collection[str] = ()
) -> list[tuple[int, int]]:
    """Return the ``(start, end)`` token positions of each word, in order and without gaps.

    A word ends before a space, at punctuation and at a special token. Chinese is written without
    spaces, so there each piece of the tokenizer stays a word of its own; only the pieces of one
    split character are put together.

    Args:
        tokens: One sequence of raw tokens.
        spelling: How the tokenizer spells tokens.
        special_tokens: Tokens that always stand alone.
    """
    if not tokens:
        return []
    texts = token_texts(tokens, spelling, special_tokens)
    starts = [0]
    for position in range(1, len(tokens)):
        pair = tokens[position - 1 : position + 1]
        stands_alone = any(token in special_tokens for token in pair)
        if spelling == "wordpiece":
            continues = pair[1].startswith("##")
        else:
            continues = _texts_join(texts[position - 1], texts[position])
        if stands_alone or not continues:
            starts.append(position)
    return list(zip(starts, [*starts[1:], len(tokens)], strict=True))


def _texts_join(previous: str, current: str) -> bool:
    """Tell whether the text of a token continues the word in the text of the token before it."""
    if previous.endswith(INCOMPLETE):
        return True
    if not previous or not current or current == INCOMPLETE:
        return False
    return _joins(previous[-1]) and _joins(current[0])


def _joins(character: str) -> bool:
    """Tell whether a character joins its neighbours into a word, as Latin letters and digits do."""
    if character in "'’":
        return True
    is_letter_or_digit = unicodedata.category(character)[0] in "LNM"
    return is_letter_or_digit and not is_chinese(character)


def is_chinese(character: str) -> bool:
    """Tell whether a character is a Han ideograph, kana or hangul (no spaces between words)."""
    name = unicodedata.name(character, "")
    return name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY", "HIRAGANA", "KATAKANA", "HANGUL"))
