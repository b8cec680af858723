"""Read ``(word, importance)`` tuples out of a chat model's reply, and find their words in a text.

Chat models bend every format. Whatever is mended is said, so that the reader can judge whether
the numbers are still the model's own.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

Pair = tuple[str, float]

_QUOTES = "\"'`“”‘’„«»「」『』＂＇"
_BRACKETS = str.maketrans({"【": "[", "】": "]", "〔": "(", "〕": ")", "〈": "(", "〉": ")"})
_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "、": ",", "，": ","})
_FENCE = re.compile(r"^[ \t]{0,9}```.*$", re.MULTILINE)
_NUMBER = r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})"
# A bracket, a word, a separator, a number, perhaps a per cent sign, perhaps the closing bracket.
_TUPLE = re.compile(
    rf"[(\[]\s*(?P<word>[^()\[\]\n]{{1,200}}?)\s*[,:;=]\s*[{_QUOTES}]?(?P<number>{_NUMBER})"
    rf"[{_QUOTES}]?\s*(?P<percent>%?)\s*(?P<close>[)\]]?)"
)
_LINE = re.compile(
    r"^[ *•>|-]{0,12}(?:\d{1,3}[.)] )?"
    rf"(?P<word>[^\n:=|]{{1,60}}?)\s*[:=|]\s*(?P<number>{_NUMBER})"
    r"\s*(?P<percent>%?)\s*[,|]?\s*$",
    re.MULTILINE,
)
_CLASS_NAMES = {"class", "label", "classification", "sentiment", "answer", "prediction"}
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_CLASS = re.compile(r"(?<![\w.+-])([01])(?![\w.%])")


@dataclass
class ParsedReply:
    """What was read out of a reply."""

    pairs: list[Pair] = field(default_factory=list)  # words and importances, in its order
    label: int | None = None  # 1 positive, 0 negative, None where there is no class
    repairs: list[str] = field(default_factory=list)  # what had to be mended, a sentence each


def parse_importances(reply: str) -> ParsedReply:
    """Read tuples such as ``[("film", 0.1), ("dull", -0.9)]`` and a class from a reply.

    Mended, and said: code fences, full-width brackets and digits, curly, single or missing
    quotes, missing closing brackets, ``word: number`` lines in place of tuples, percentages, and
    numbers outside -1 to 1.

    Args:
        reply: What the model wrote, or what was pasted from any chat.

    Returns:
        What was found. A reply without importances gives no pairs, and a repair that says so.
    """
    parsed = ParsedReply()
    text = _plain(reply, parsed.repairs)
    matches = list(_TUPLE.finditer(text))
    if not matches:
        matches = [m for m in _LINE.finditer(text) if not _names_class(m["word"])]
        if matches:
            parsed.repairs.append("read lines 'word: number', because there were no tuples")
    if not matches:
        parsed.repairs.append("found no (word, importance) tuples")
    pairs = [pair for match in matches if (pair := _pair_of(match))]
    _note_shape(matches, parsed.repairs)
    parsed.pairs = _in_range(pairs, parsed.repairs)
    parsed.label = _label_of(text, matches)
    if parsed.label is None:
        parsed.repairs.append("found no class, 0 or 1")
    return parsed


def _plain(reply: str, repairs: list[str]) -> str:
    """Return the reply in plain characters, without code fences."""
    text = _FENCE.sub("", reply)
    if text != reply:
        repairs.append("removed a code fence")
    narrow = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_BRACKETS)
    if any(mark in text for mark in "（）［］【】〔〕〈〉，：；０１２３４５６７８９．－"):
        repairs.append("read full-width brackets, commas or digits as plain ones")
    # Short runs of white space keep the patterns below from trying a long one in every way.
    return re.sub(r"\n\s*", "\n", re.sub(r"[^\S\n]+", " ", narrow.translate(_SIGNS)))


def _names_class(word: str) -> bool:
    """Tell whether a line names the class and no word of the text."""
    return word.strip(_QUOTES + "*_ ").casefold() in _CLASS_NAMES


def _pair_of(match: "re.Match[str]") -> Pair | None:
    """Return word and number of a match, or None where no word is left of it."""
    word = match["word"].strip().strip(_QUOTES + "*_ ").strip()
    number = float(match["number"]) / (100 if match["percent"] else 1)
    return (word, number) if word else None


def _note_shape(matches: "Sequence[re.Match[str]]", repairs: list[str]) -> None:
    """Say which tuples were not written as asked."""
    is_tuple = [match for match in matches if "close" in match.groupdict()]
    unquoted = [match["word"] for match in is_tuple if match["word"][0] not in _QUOTES]
    if unquoted:
        repairs.append(f"read {len(unquoted)} word(s) without quotes, the first {unquoted[0]!r}")
    is_open = sum(not match["close"] for match in is_tuple)
    if is_open:
        repairs.append(f"closed {is_open} tuple(s) that had no closing bracket")
    percentages = sum(bool(match["percent"]) for match in matches)
    if percentages:
        repairs.append(f"divided {percentages} percentage(s) by 100")


def _in_range(pairs: list[Pair], repairs: list[str]) -> list[Pair]:
    """Bring importances into -1 to 1: rescale another scale, cut single outliers."""
    outside = [pair for pair in pairs if abs(pair[1]) > 1]
    if not outside:
        return pairs
    if 2 * len(outside) >= len(pairs):
        largest = max(abs(number) for _, number in pairs)
        scale = next((scale for scale in (10, 100) if largest <= scale), largest)
        repairs.append(f"divided all numbers by {scale:g}, because most lay outside -1 to 1")
        return [(word, number / scale) for word, number in pairs]
    shown = ", ".join(f"{word} {number:g}" for word, number in outside[:3])
    repairs.append(f"cut {len(outside)} number(s) outside -1 to 1: {shown}")
    return [(word, max(-1.0, min(1.0, number))) for word, number in pairs]


def _label_of(text: str, matches: "Sequence[re.Match[str]]") -> int | None:
    """Return the class: the first lone 0 or 1 after the tuples, or else the last before them."""
    if matches:
        after = _CLASS.search(text, matches[-1].end())
        before = _CLASS.findall(text[: matches[0].start()])
        found = after[1] if after else (before[-1] if before else None)
    else:
        lone = _CLASS.search(text)
        found = lone[1] if lone else None
    return None if found is None else int(found)


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
