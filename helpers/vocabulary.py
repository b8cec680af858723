"""What a translator knows: its words, and how sure it must be of a sentence made of them."""

import difflib
from typing import TYPE_CHECKING

from helpers.errors import TextError
from helpers.tokens import spelling_of
from hw7.text.typed import as_written

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel


def check_words(model: "AttributionModel", text: str) -> None:
    """Refuse a text with words that the model does not know.

    Raises:
        TextError: Names the words, and for each the nearest ones that the model knows.
    """
    unknown = []
    for word in unknown_words(model, text):
        nearest = ", ".join(nearest_words(model, word))
        unknown.append(f"{word} (nearest known: {nearest})" if nearest else word)
    if unknown:
        raise TextError(
            f"{model.model_name} does not know {', '.join(unknown)}; its heatmap would explain a "
            "guess. Use other words, or pass allow_unknown=True to see the guess."
        )


def unknown_words(model: "AttributionModel", text: str) -> list[str]:
    """Return the parts of a text that the tokenizer maps to its unknown token, in order."""
    tokenizer = model.tokenizer
    # Byte-level tokenizers know every byte; Inseq lends them another token as "unknown".
    if spelling_of(tokenizer) == "byte-level" or tokenizer.unk_token_id is None:
        return []
    tokens = tokenizer.tokenize(text)
    ids = tokenizer.convert_tokens_to_ids(tokens)
    pairs = zip(as_written(tokens, text), ids, strict=True)
    unknown = [token.strip("▁ ") for token, number in pairs if number == tokenizer.unk_token_id]
    return list(dict.fromkeys(word for word in unknown if word))


def nearest_words(model: "AttributionModel", word: str) -> list[str]:
    """Return up to three known words that share characters with an unknown one, nearest first."""
    read = "".join(model.tokenizer.tokenize(word)).strip("▁ ")
    known = (other.strip("▁") for other in model.tokenizer.get_vocab())
    alike = sorted({other for other in known if set(read) & set(other)})
    return difflib.get_close_matches(read, alike, cutoff=0.3)


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
        TextError: Says what the model would write, and how sure it is.
    """
    import torch

    least = getattr(model.model.config, "least_confidence", None)
    if least is None:
        return
    with torch.inference_mode():
        logits = model.model(
            input_ids=sources.input_ids,
            attention_mask=sources.attention_mask,
            decoder_input_ids=ids[:, :-1],
        ).logits
    probabilities = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])
    confidence = probabilities.mean().exp().item()
    if confidence < least:
        raise TextError(
            f"{model.model_name} knows these words, but not sentences of this kind: of its "
            f"translation {written!r} it is {confidence:.0%} sure, and below {least:.0%} it is "
            "often wrong. Say it more simply, or pass allow_unknown=True to explain the guess."
        )
