"""Bring a reply's importances onto the words of the sentence that was explained. Pure Python."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw7.lessons.self_explanation.replies import ParsedReply

if TYPE_CHECKING:
    import pandas

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """Return the words of an English text, without punctuation."""
    return _WORD.findall(text)


def importances_of_words(parsed: ParsedReply, text: str) -> tuple["pandas.Series", list[str]]:
    """Give each word of a text the importance that the reply has for it.

    Args:
        parsed: What ``parse_importances`` read.
        text: The text whose words were to be scored.

    Returns:
        One importance per word, in order, NaN where the reply has none; and what did not fit, one
        sentence each: words merged into one tuple, dropped, or not in the text.
    """
    import pandas

    words = words_of(text)
    values: list[float] = [float("nan")] * len(words)
    notes: list[str] = []
    strange, merged = [], []
    for entry, number in parsed.pairs:
        parts = words_of(entry)
        start = _first_free(words, values, parts)
        if start is None:
            strange.append(entry)
            continue
        if len(parts) > 1:
            merged.append(entry)
        values[start : start + len(parts)] = [number] * len(parts)
    dropped = [word for word, value in zip(words, values, strict=True) if value != value]
    if merged:
        notes.append(f"gave every word of a merged tuple its number: {_listed(merged)}")
    if strange:
        notes.append(f"left out {len(strange)} tuple(s) that fit no word: {_listed(strange)}")
    if dropped:
        notes.append(f"{len(dropped)} of {len(words)} words have no importance: {_listed(dropped)}")
    return pandas.Series(values, index=pandas.Index(words, name="word"), dtype=float), notes


def _first_free(words: Sequence[str], values: Sequence[float], parts: Sequence[str]) -> int | None:
    """Return where neighbouring words without a value read like these; None if nowhere."""
    wanted = [part.casefold() for part in parts]
    if not wanted:
        return None
    for start in range(len(words) - len(wanted) + 1):
        end = start + len(wanted)
        is_free = all(value != value for value in values[start:end])
        if is_free and [word.casefold() for word in words[start:end]] == wanted:
            return start
    return None


def _listed(entries: Sequence[str], most: int = 5) -> str:
    more = f" and {len(entries) - most} more" if len(entries) > most else ""
    return ", ".join(repr(entry) for entry in entries[:most]) + more
