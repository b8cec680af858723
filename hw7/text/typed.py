"""What was typed, where a tokenizer reads it as something else."""

from collections.abc import Collection, Sequence

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
