"""What a model can take: every text is checked before any work begins; none is cut."""

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

_OF_ENCODER = ("max_encoder_position_embeddings", "max_source_positions")
_OF_DECODER = ("max_decoder_position_embeddings", "max_target_positions")
_OF_BOTH = ("max_position_embeddings", "max_seq_len")
# A tokenizer without a limit says 1e30.
_NO_LIMIT = 10**9


def longest_source(model: "AttributionModel") -> int:
    """Return how many tokens the model reads: the encoder, or prompt and continuation together."""
    return _least(model, (*(_OF_ENCODER if model.is_encoder_decoder else ()), *_OF_BOTH))


def longest_target(model: "AttributionModel") -> int:
    """Return how many tokens a translator writes at most, the end mark included."""
    return _least(model, (*_OF_DECODER, *_OF_BOTH))


def _least(model: "AttributionModel", names: tuple[str, ...]) -> int:
    config = model.model.config.get_text_config()
    # The first name is that of the part; the others may be missing, of the other part, or -1 where
    # relative positions have no end.
    own = next((n for name in names if (n := getattr(config, name, None) or 0) > 0), _NO_LIMIT)
    return min(int(own), int(model.tokenizer.model_max_length), _NO_LIMIT)


def check_text(text: object, what: str = "text") -> str:
    """Return the text where it is one; ``what`` names the argument.

    Raises:
        ValueError: It is no string, is empty, or has half a character in it.
    """
    if not isinstance(text, str):
        raise ValueError(
            f"The {what} is {_article(text)}, but must be a string. "
            f"Give {'a sentence' if what == 'text' else what + '='}, for example '我喜欢机器学习。'"
        )
    if not text.strip():
        hint = "Give a sentence" if what == "text" else f"Give one, or leave {what} out"
        raise ValueError(f"The {what} is empty. {hint}, for example '我喜欢机器学习。'")
    for place, character in enumerate(text, 1):
        if unicodedata.category(character) == "Cs":
            raise ValueError(
                f"Character {place} of the {what} is half a character (a lone surrogate, "
                f"{character!a}), left by a copy that went wrong. Type it again."
            )
    return text


def _article(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def check_lengths(model: "AttributionModel", source: int, written: int, what: str) -> None:
    """Refuse texts that the model would cut off silently, or has no positions for.

    Args:
        model: Inseq's model.
        source: Tokens of the sentence or prompt.
        written: Tokens of the target or contrast, or the most that may be generated.
        what: What these are: ``target``, ``contrast`` or ``max_new_tokens``.

    Raises:
        ValueError: Says how many tokens there are and how many fit.
    """
    name, limit = model.model_name, longest_source(model)
    noun = "new ones" if what == "max_new_tokens" else f"of the {what}"
    if not model.is_encoder_decoder and source + written > limit:
        raise ValueError(
            f"The text has {_counted(source)}, but {name} takes {max(limit - written, 0)} besides "
            f"{written} {noun} ({limit} together). Shorten it, or lower max_new_tokens."
        )
    if source > limit:
        raise ValueError(
            f"The text has {_counted(source)}, but {name} takes {limit}. Shorten it, or explain it "
            "sentence by sentence."
        )
    most = longest_target(model)
    if model.is_encoder_decoder and written > most:
        is_asked = what == "max_new_tokens"
        asked = (
            f"max_new_tokens is {written}" if is_asked else f"The {what} has {_counted(written)}"
        )
        hint = "Lower it." if is_asked else "Shorten it, or explain it sentence by sentence."
        raise ValueError(f"{asked}, but {name} writes at most {most}. {hint}")


def _counted(tokens: int) -> str:
    return "1 token" if tokens == 1 else f"{tokens} tokens"


def check_confidence(
    model: "AttributionModel", sources: "BatchEncoding", ids: "torch.Tensor", written: str
) -> None:
    """Refuse a translation that a model with a limit of its own is too unsure of.

    The measure is the geometric mean of the probabilities of the written tokens. A model states
    the least that it asks for as ``least_confidence`` in its configuration; most have none.

    Args:
        model: Inseq's model.
        sources: The encoded sentence, ids of shape `[1, source]`.
        ids: The start token and what was written, `[1, target]`.
        written: The same as text.

    Raises:
        ValueError: Says what the model would write, and how sure it is.
    """
    import torch

    least = getattr(model.model.config, "least_confidence", None)
    if least is None:
        return
    with torch.no_grad():
        logits = model.model(
            input_ids=sources.input_ids,
            attention_mask=sources.attention_mask,
            decoder_input_ids=ids[:, :-1],
            use_cache=False,
        ).logits
    probabilities = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])
    confidence = probabilities.mean().exp().item()
    if confidence < least:
        raise ValueError(
            f"{model.model_name} knows these words, but not sentences of this kind: of its "
            f"translation {written!r} it is {confidence:.0%} sure, and below {least:.0%} it is "
            "often wrong. Say it more simply, or pass allow_unknown=True to explain the guess."
        )
