"""How tokenizers spell: from the tokens that they store to the text. Pure strings, no torch.

Most models of this homework spell in one of three ways; ``Spelling`` lists all that are read:

* SentencePiece (Marian, T5, Llama 2): ``▁machine``; unknown bytes as ``<0xE4>``;
* byte-level BPE (GPT-2, Qwen, SmolLM2, Llama 3): ``Ġmachine``, ``äººå·¥`` for 人工, where one
  Chinese character may be split over two tokens;
* special tokens such as ``</s>`` or ``<|im_start|>``, which are shown as they are.

Every function returns exactly one string for each token it was given: cleaning never loses or
merges a row or a column of a heatmap.
"""

import codecs
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Literal

import regex

from hw7.text.groups import Piece

Spelling = Literal[
    "sentencepiece",  # ▁machine
    "byte-level",  # Ġmachine, each character a byte
    "bytes",  # m, a, c, h, i, n, e, each character a byte (ByT5)
    "wordpiece",  # play ##ing (BERT)
    "end-of-word",  # play ing</w> (the first GPT, XLM, FSMT)
    "continued",  # play@@ ing (CTRL)
    "words",  # play
    "plain",  # p l a y
]

INCOMPLETE = "◌"
"""The dotted circle of Unicode: a part of a character."""

_BYTE_TOKEN = regex.compile(r"<0x([0-9A-Fa-f]{2})>")


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
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in shown]
    mapping = {chr(byte): byte for byte in shown}
    mapping.update({chr(0x100 + offset): byte for offset, byte in enumerate(others)})
    return mapping


def spelling_of(tokenizer: Any) -> Spelling:
    """Tell how a Transformers tokenizer spells its tokens, from its decoder or its vocabulary."""
    decoder = repr(getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None))
    if "ByteLevel" in decoder or hasattr(tokenizer, "byte_decoder"):
        return "byte-level"
    if "▁" in decoder or hasattr(tokenizer, "spm_source") or hasattr(tokenizer, "sp_model"):
        return "sentencepiece"
    if "WordPiece" in decoder:
        return "wordpiece"
    if getattr(tokenizer, "_utf_vocab_size", None) == 256:
        return "bytes"
    return _spelling_of_vocabulary(tokenizer.get_vocab()) or (
        "words" if tokenizer.convert_tokens_to_string(["a", "b"]) == "a b" else "plain"
    )


def _spelling_of_vocabulary(vocabulary: Collection[str]) -> Spelling | None:
    counts: dict[Spelling, int] = {
        "byte-level": sum(token.startswith("Ġ") for token in vocabulary),
        "sentencepiece": sum(token.startswith("▁") for token in vocabulary),
        "wordpiece": sum(token.startswith("##") for token in vocabulary),
        "end-of-word": sum(token.endswith("</w>") for token in vocabulary),
        "continued": sum(token.endswith("@@") for token in vocabulary),
    }
    best = max(counts, key=lambda spelling: counts[spelling])
    return best if counts[best] else None


def special_tokens_of(tokenizer: Any) -> set[str]:
    """Return the tokens that belong to the model's format: marks, language codes, chat tokens."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    return (
        set(tokenizer.all_special_tokens)
        | {token.content for token in added if token.special}
        | set(getattr(tokenizer, "supported_language_codes", ()))
    )


def token_texts(
    tokens: Sequence[str], spelling: Spelling, special_tokens: Collection[str] = ()
) -> list[str]:
    """Return the text that each token adds, spaces included; ``INCOMPLETE`` where it adds none."""
    return [shown(piece) for piece in pieces_of(tokens, spelling, special_tokens)]


def shown(piece: Piece) -> str:
    """Return the text of a token; ``INCOMPLETE`` where that is but a part of a character."""
    return piece.text or INCOMPLETE * piece.is_cut


def pieces_of(
    tokens: Sequence[str], spelling: Spelling, special_tokens: Collection[str] = ()
) -> list[Piece]:
    """Return what each token adds to the text, and whether it is special or ends in mid-character.

    Args:
        tokens: One sequence of raw tokens, as ``convert_ids_to_tokens`` gives them.
        spelling: How the tokenizer spells tokens, see ``spelling_of``.
        special_tokens: Tokens whose text is their name, such as ``</s>``.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("hw7-incomplete")
    pieces = []
    for token in tokens:
        # An id beyond the vocabulary has no token; models are often larger than their tokenizers.
        token = token or ""
        is_special = token in special_tokens
        data = None if is_special else _bytes_of(token, spelling)
        if data is None:
            decoder.reset()
            text = token if is_special else _text_of(token, spelling)
            pieces.append(Piece(text, is_special=is_special))
        else:
            text = decoder.decode(data)
            pieces.append(Piece(text, is_cut=bool(data and decoder.getstate()[0])))
    return pieces


def _bytes_of(token: str, spelling: Spelling) -> bytes | None:
    """The bytes a token stands for, or None where it is written as text."""
    if spelling == "byte-level":
        mapping = byte_of_character()
        if all(character in mapping for character in token):
            return bytes(mapping[character] for character in token)
    if spelling == "bytes" and len(token) == 1 and ord(token) < 256:
        return token.encode("latin-1")
    if spelling == "sentencepiece" and (match := _BYTE_TOKEN.fullmatch(token)):
        return bytes([int(match.group(1), 16)])
    return None


def _text_of(token: str, spelling: Spelling) -> str:
    """The text of a token; a space is put where the spelling implies one."""
    if spelling == "sentencepiece":
        return token.replace("▁", " ")
    if spelling == "wordpiece":
        has_space = token[:1].isalnum() and not regex.match(r"\p{Han}", token)
        return token[2:] if token.startswith("##") else " " * has_space + token
    if spelling == "end-of-word":
        return token[:-4] + " " if token.endswith("</w>") else token
    if spelling == "continued":
        return token[:-2] if token.endswith("@@") else token + " " * bool(token)
    return " " * bool(token) + token if spelling == "words" else token
