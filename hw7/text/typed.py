"""What was typed, where a tokenizer reads it as something else or knows it not."""

import difflib
from collections.abc import Collection, Sequence
from typing import Any

import regex

_CHINESE = regex.compile(r"\p{Han}")


def as_written(tokens: Sequence[str], text: str, special_tokens: Collection[str] = ()) -> list[str]:
    """Return the tokens of a text with its own Chinese characters.

    Some tokenizers read traditional characters as the simplified ones. The tokens stay as they
    are where they do not spell the text character by character.
    """
    typed = [letter for letter in text if letter.isprintable() and not letter.isspace()]
    spelled = [
        "" if token in special_tokens else token.strip("▁ ").replace("▁", "") for token in tokens
    ]
    if len("".join(spelled)) != len(typed):
        return list(tokens)
    letters = iter(typed)
    written = []
    for token, part in zip(tokens, spelled, strict=True):
        own = "".join(
            mine if _CHINESE.match(mine) and _CHINESE.match(read) else read
            for read, mine in zip(part, letters, strict=False)
        )
        written.append(token.replace(part, own) if own != part else token)
    return written


def check_words(tokenizer: Any, model_name: str, text: str) -> None:
    """Refuse a text with words that the model does not know.

    Raises:
        ValueError: Names the words, and for each the nearest ones that the model knows.
    """
    unknown = []
    for word in unknown_words(tokenizer, text):
        nearest = ", ".join(nearest_words(tokenizer, word))
        unknown.append(f"{word} (nearest known: {nearest})" if nearest else word)
    if unknown:
        raise ValueError(
            f"{model_name} does not know {', '.join(unknown)}; its heatmap would explain a "
            "guess. Use other words, or pass allow_unknown=True to see the guess."
        )


def unknown_words(tokenizer: Any, text: str) -> list[str]:
    """Return the parts of a text that the tokenizer maps to its unknown token, in order."""
    if tokenizer.unk_token_id is None:
        return []
    tokens = tokenizer.tokenize(text)
    ids = tokenizer.convert_tokens_to_ids(tokens)
    pairs = zip(as_written(tokens, text), ids, strict=True)
    unknown = [token.strip("▁ ") for token, number in pairs if number == tokenizer.unk_token_id]
    return list(dict.fromkeys(word for word in unknown if word))


def nearest_words(tokenizer: Any, word: str) -> list[str]:
    """Return up to three known words that share characters with an unknown one, nearest first."""
    read = "".join(tokenizer.tokenize(word)).strip("▁ ")
    known = (other.strip("▁") for other in tokenizer.get_vocab())
    alike = sorted({other for other in known if set(read) & set(other)})
    return difflib.get_close_matches(read, alike, cutoff=0.3)
