"""Token labels: which tokens are special, and how what cannot be seen is shown."""

import unicodedata

import regex

SPACE = "␣"
NOTHING = "∅"
LONGEST_LABEL = 32

_SPECIAL_TOKEN = regex.compile(
    r"</?s>"
    r"|<(pad|unk|bos|eos|mask|cls|sep|start_of_turn|end_of_turn|extra_id_\d+)>"
    r"|\[(PAD|UNK|BOS|EOS|CLS|SEP|MASK)\]"
    r"|<\|[^|<>]+\|>"
    r"|<｜[^｜<>]+｜>"  # DeepSeek writes its special tokens with full-width bars
    r"|>>[a-z]{2,3}(_[A-Za-z]+)?<<"  # the language codes of multilingual Marian models
)
_SIGNS = {"\n": "↵", "\r": "␍", "\t": "⇥", "\xa0": "⍽", "\u3000": "␣", "\x7f": "␡"}
# Default-ignorable by Unicode, or a symbol or letter whose glyph is blank (Braille, a notehead).
_BLANK = regex.compile(r"[\p{DI}\u2800\U0001d159\U00013441\U00013442]")
# What is seen by its effect on its neighbours: emoji joined or in color, keycaps, variants of an
# ideograph, letters of Arabic and Indic scripts joined or kept apart. One each: a chain hides data.
_SEEN_BY_ITS_EFFECT = regex.compile(
    r"(?<=[\p{Emoji}--\p{ASCII}])[\ufe0e\ufe0f]"
    r"|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    r"|(?<=\p{Han})[\U000e0100-\U000e01ef]"
    r"|(?<=[\p{Mongolian}&&\p{L}])[\u180b-\u180d\u180f]"
    r"|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}]\ufe0f?)\u200d(?=\p{Extended_Pictographic})"
    r"|(?<=[\p{Arabic}\p{Syriac}\p{M}])[\u200c\u200d](?=[\p{L}--[\p{Latin}\p{Greek}\p{Cyrillic}]])",
    regex.VERSION1,
)

_JOINERS = "\u200c\u200d"
_NO_BASE = "◌"  # the dotted circle of Unicode, for a mark to stand on


def is_special(token: str) -> bool:
    """Tell whether a token belongs to the model's format rather than to the text.

    An explanation keeps no tokenizer, so that it outlives the model; the spellings are those of
    the model families that Inseq supports. A word group of special tokens only is special too.
    """
    parts = token.split()
    return bool(parts) and all(_SPECIAL_TOKEN.fullmatch(part) for part in parts)


def readable(text: str) -> str:
    """Return the label of a text: all of it visible, without spaces at its ends, never empty."""
    if not text.strip():
        text = text.replace(" ", SPACE)
    return printable(text).strip(" ") or NOTHING


def shortened(label: str) -> str:
    """Return a label that fits beside a heatmap."""
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1].strip() + "…"


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Return a text in which every character can be seen, the ASCII space excepted.

    By Unicode's categories: white space, controls, formats, surrogates, private and unassigned
    characters become a sign (``↵``, ``[U+200D]``); a mark without a character to stand on gets a
    dotted circle. A printable text stays as it is.

    Args:
        text: A token, or a text of several lines.
        keep_lines: Leave newlines as they are.
    """
    kept = {match.start() for match in _SEEN_BY_ITS_EFFECT.finditer(text)}
    shown: list[str] = []
    has_base = False
    for place, character in enumerate(text):
        is_effect = place in kept and has_base
        if character in _JOINERS:  # both of its neighbours must be seen
            is_effect = is_effect and not _is_unseen(text[place + 1])
        if is_effect or (keep_lines and character == "\n") or not _is_unseen(character):
            is_mark = not is_effect and unicodedata.category(character)[0] == "M"
            shown.append(_NO_BASE + character if is_mark and not has_base else character)
            has_base = character not in " \n"
        else:
            shown.append(_sign_of(character))
            has_base = False
    return "".join(shown)


def _is_unseen(character: str) -> bool:
    if character == " ":
        return False
    return unicodedata.category(character)[0] in "CZ" or _BLANK.match(character) is not None


def _sign_of(character: str) -> str:
    code = ord(character)
    if character in _SIGNS:
        return _SIGNS[character]
    return chr(0x2400 + code) if code < 0x20 else f"[U+{code:04X}]"
