"""Token labels: which tokens are special, and how unprintable ones are shown."""

import re
import unicodedata

_SPECIAL_TOKEN = re.compile(
    r"</?s>"
    r"|<(pad|unk|bos|eos|mask|cls|sep|start_of_turn|end_of_turn|extra_id_\d+)>"
    r"|\[(PAD|UNK|BOS|EOS|CLS|SEP|MASK)\]"
    r"|<\|[^|<>]+\|>"
    r"|<｜[^｜<>]+｜>"  # DeepSeek writes its special tokens with full-width bars
    r"|>>[a-z]{2,3}(_[A-Za-z]+)?<<"  # the language codes of multilingual Marian models
)

# They turn the text around or take no room; a token of them would look like another one, or empty.
_INVISIBLE = frozenset("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff") | {
    chr(code) for code in range(0x2066, 0x206A)
}


def is_special(token: str) -> bool:
    """Tell whether a token belongs to the model's format rather than to the text.

    An explanation keeps no tokenizer, so that it outlives the model; the spellings are those of
    the model families that Inseq supports. A word group of special tokens only is special too.
    """
    parts = token.split()
    return bool(parts) and all(_SPECIAL_TOKEN.fullmatch(part) for part in parts)


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Return a text with every control character and lone surrogate replaced by a visible sign.

    Args:
        text: A token, or a text of several lines.
        keep_lines: Leave newlines as they are.
    """
    return "".join(
        character if keep_lines and character == "\n" else _printable_character(character)
        for character in str(text)
    )


def _printable_character(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if character in _INVISIBLE:
        return f"[U+{code:04X}]"
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character
