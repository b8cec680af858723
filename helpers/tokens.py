"""Token cleanup: from what a tokenizer stores to what a student can read. Pure strings, no torch.

Three spellings occur in the models of this homework:

* SentencePiece (Marian, T5, Llama 2): ``▁machine``; unknown bytes as ``<0xE4>``;
* byte-level BPE (GPT-2, Qwen, SmolLM2, Llama 3): ``Ġmachine``, ``äººå·¥`` for 人工, where one
  Chinese character may be split over two tokens;
* special tokens such as ``</s>`` or ``<|im_start|>``, which are shown as they are.

Every function returns exactly one string for each token it was given: cleaning never loses or
merges a row or a column of a heatmap.
"""

import codecs
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Literal

Spelling = Literal["sentencepiece", "byte-level", "wordpiece", "plain"]

INCOMPLETE = "◌"
"""Stands for a token that holds only a part of a character (the dotted circle of Unicode)."""

SPACE = "␣"
_VISIBLE_WHITESPACE = {"\n": "↵", "\r": "␍", "\t": "⇥", " ": SPACE, "\u3000": SPACE}
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def _mark_incomplete(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that belong to no character as ``INCOMPLETE`` (a codecs error handler)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return INCOMPLETE, error.end


codecs.register_error("hw7-incomplete", _mark_incomplete)


@lru_cache(maxsize=1)
def byte_of_character() -> dict[str, int]:
    """Map each character of byte-level BPE to the byte it stands for.

    GPT-2 writes the 188 printable bytes of Latin-1 as themselves and the other 68 as the
    characters from U+0100 on (``bytes_to_unicode`` in Transformers' GPT-2 tokenizer).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    mapping = {chr(byte): byte for byte in printable}
    mapping.update({chr(0x100 + offset): byte for offset, byte in enumerate(others)})
    return mapping


def spelling_of(tokenizer: Any) -> Spelling:
    """Tell how a Transformers tokenizer spells its tokens, from its decoder or its vocabulary."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = type(getattr(backend, "decoder", None)).__name__
    if decoder == "ByteLevel" or hasattr(tokenizer, "byte_decoder"):
        return "byte-level"
    if decoder == "Metaspace" or hasattr(tokenizer, "spm_source") or hasattr(tokenizer, "sp_model"):
        return "sentencepiece"
    if decoder == "WordPiece":
        return "wordpiece"
    return _spelling_of_vocabulary(tokenizer.get_vocab())


def _spelling_of_vocabulary(vocabulary: Collection[str]) -> Spelling:
    counts = {
        "byte-level": sum(token.startswith("Ġ") for token in vocabulary),
        "sentencepiece": sum(token.startswith("▁") for token in vocabulary),
        "wordpiece": sum(token.startswith("##") for token in vocabulary),
    }
    best = max(counts, key=lambda spelling: counts[spelling])
    return best if counts[best] else "plain"  # type: ignore[return-value]


def readable_tokens(
    tokens: Sequence[str], spelling: Spelling, special_tokens: Collection[str] = ()
) -> list[str]:
    """Return one readable text for each token, as shown in a heatmap.

    A character whose bytes are split over several tokens appears at the token that completes it;
    the earlier ones show ``INCOMPLETE``. Spaces around a word are dropped; a token that is nothing
    but white space shows it as a visible sign (``↵`` for a newline).

    Args:
        tokens: One sequence of raw tokens, as ``convert_ids_to_tokens`` gives them.
        spelling: How the tokenizer spells tokens, see ``spelling_of``.
        special_tokens: Tokens that are kept as they are, such as ``</s>``.
    """
    return [_visible(text) for text in token_texts(tokens, spelling, special_tokens)]


def token_texts(
    tokens: Sequence[str], spelling: Spelling, special_tokens: Collection[str] = ()
) -> list[str]:
    """Return the text that each token adds, spaces included; ``INCOMPLETE`` where it adds none."""
    decoder = codecs.getincrementaldecoder("utf-8")("hw7-incomplete")
    texts: list[str] = []
    for token in tokens:
        data = None if token in special_tokens else _bytes_of(token, spelling)
        if data is None:
            if decoder.getstate()[0]:
                decoder.reset()
            texts.append(token if token in special_tokens else _text_of(token, spelling))
        else:
            texts.append(decoder.decode(data) or (INCOMPLETE if data else ""))
    return texts


def _bytes_of(token: str, spelling: Spelling) -> bytes | None:
    """The bytes a token stands for, or None where it is written as text."""
    if spelling == "byte-level":
        mapping = byte_of_character()
        if all(character in mapping for character in token):
            return bytes(mapping[character] for character in token)
    if spelling == "sentencepiece" and (match := _BYTE_TOKEN.fullmatch(token)):
        return bytes([int(match.group(1), 16)])
    return None


def _text_of(token: str, spelling: Spelling) -> str:
    if spelling == "sentencepiece":
        return token.replace("▁", " ")
    if spelling == "wordpiece":
        return token.removeprefix("##")
    return token


def _visible(text: str) -> str:
    stripped = text.strip(" ")
    if not stripped.strip():
        return "".join(_VISIBLE_WHITESPACE.get(character, character) for character in text) or SPACE
    return "".join(
        character if character == " " else _VISIBLE_WHITESPACE.get(character, character)
        for character in stripped
    )
