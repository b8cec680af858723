"""Several texts at once, each with what the model is made to write."""

from typing import Any

from hw7.text.chat import is_chat


def texts_with_targets(text: object, target: object) -> list[tuple[Any, Any]]:
    """Return every text with the target it is forced to.

    Raises:
        ValueError: There are no texts, or not one target for each.
    """
    if not isinstance(text, (list, tuple)) or is_chat(text):
        return [(text, target)]
    if not text:
        raise ValueError("There are no texts in the list. Give at least one.")
    targets = list(target) if isinstance(target, (list, tuple)) else [target] * len(text)
    if len(targets) != len(text):
        raise ValueError(
            f"There are {len(text)} texts but {len(targets)} targets. Give one target for each "
            "text (None where the model is to write its own)."
        )
    return list(zip(text, targets, strict=True))
