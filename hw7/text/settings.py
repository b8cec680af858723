"""What may be asked of a model that is to write one text."""

from collections.abc import Mapping

_NOT_TO_BE_SET = {
    "max_length": "give max_new_tokens= to explain itself",
    "max_new_tokens": "give max_new_tokens= to explain itself",
    "num_return_sequences": "one text is explained; to see others, explain again with a seed",
    "return_dict_in_generate": "only the written tokens are explained",
}


def check_new_tokens(asked: object) -> int:
    """Return the most new tokens asked for.

    Raises:
        ValueError: It is no number of tokens.
    """
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise ValueError(f"max_new_tokens must be a whole number from 1 on, but is {asked!r}.")
    return asked


def check_settings(given: object) -> None:
    """Refuse generation settings that leave no one text to explain.

    Raises:
        ValueError: They are no dictionary, or name what cannot be set.
    """
    if not isinstance(given, Mapping):
        raise ValueError("generation_settings must be a dictionary, for example {'num_beams': 4}.")
    for name in given:
        if name in _NOT_TO_BE_SET:
            raise ValueError(f"generation_settings cannot hold {name!r}: {_NOT_TO_BE_SET[name]}.")


def known_settings() -> list[str]:
    """Return the names of the settings that Transformers has."""
    from transformers import GenerationConfig

    return [name for name in vars(GenerationConfig()) if not name.startswith(("_", "output_"))]
