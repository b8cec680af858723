"""From what was typed to token ids: every text is checked before any work begins; none is cut."""

import unicodedata
from typing import TYPE_CHECKING, Any

from helpers.errors import TextError, say_once
from hw7.engine.positions import longest_source, longest_target

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

_WRITTEN_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def check_text(text: object, what: str = "text") -> str:
    """Return the text where it is one; ``what`` names the argument.

    Raises:
        TextError: It is no string, is empty, or has half a character in it.
    """
    if not isinstance(text, str):
        raise TextError(
            f"The {what} is {_article(text)}, but must be a string. "
            f"Give {'a sentence' if what == 'text' else what + '='}, for example '我喜欢机器学习。'"
        )
    if not text.strip():
        hint = "Give a sentence" if what == "text" else f"Give one, or leave {what} out"
        raise TextError(f"The {what} is empty. {hint}, for example '我喜欢机器学习。'")
    for place, character in enumerate(text, 1):
        if unicodedata.category(character) == "Cs":
            raise TextError(
                f"Character {place} of the {what} is half a character (a lone surrogate, "
                f"{character!a}), left by a copy that went wrong. Type it again."
            )
    return text


def _article(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def source_ids(model: "AttributionModel", text: str) -> list[int]:
    """Return the token ids of a sentence or prompt.

    A prompt whose tokenizer ends every text with a mark, as BERT's ends with ``[SEP]``, is to be
    continued before that mark: it is left out, and said so once.
    """
    ids = token_ids(model, text)
    if ids[:2] == [model.bos_token_id] * 2:  # a template has written it already
        ids = ids[1:]
    if model.is_encoder_decoder:
        return ids
    end = _length_of_end(ids, token_ids(model, text, has_special=False))
    if end:
        marks = model.tokenizer.convert_ids_to_tokens(ids[-end:])
        say_once(
            f"{model.model_name}: the tokenizer ends every text with {' '.join(marks)}; it is left "
            "out, so that the model goes on after your words."
        )
    return ids[: len(ids) - end]


def _length_of_end(ids: list[int], bare: list[int]) -> int:
    """Return how many marks follow the text itself, given its ids with and without marks."""
    for end in range(len(ids) - len(bare) + 1):
        if bare and ids[len(ids) - end - len(bare) : len(ids) - end] == bare:
            return end
    return 0


def written_ids(
    model: "AttributionModel", text: str, source: list[int], written: str, what: str
) -> list[int]:
    """Return the ids of a text that the model is to have written: a target or a contrast.

    After a prompt it is cut into tokens as the tokenizer does in that place, unless that would
    change the prompt's own tokens.
    """
    if model.is_encoder_decoder:
        return token_ids(model, written, is_target=True)
    if not written[0].isspace() and _is_word_border(text, written):
        spaced = _continuation(model, text, source, f" {written}")
        if spaced != _continuation(model, text, source, written):
            say_once(
                f"The {what} {written!r} follows the prompt without a space, which are other "
                f"tokens than {' ' + written!r}. Give the space if it begins a new word."
            )
    return _continuation(model, text, source, written)


def _is_word_border(before: str, after: str) -> bool:
    """Tell whether a space is expected between two texts, by the scripts they are written in."""
    name = unicodedata.name(after[0], "")
    is_word = after[0].isalnum() and not name.startswith(_WRITTEN_WITHOUT_SPACES)
    return is_word and not before[-1].isspace() and before[-1] not in "([{<\"'“‘-/_$#@"


def _continuation(
    model: "AttributionModel", text: str, source: list[int], written: str
) -> list[int]:
    together = source_ids(model, text + written)
    if together[: len(source)] == source:
        return together[len(source) :]
    return token_ids(model, written, has_special=False)


def token_ids(
    model: "AttributionModel", text: str, *, is_target: bool = False, has_special: bool = True
) -> list[int]:
    """Return the token ids of a text, however many there are."""
    given: dict[str, Any] = {"text_target" if is_target else "text": text}
    encoded = model.tokenizer(**given, add_special_tokens=has_special, verbose=False)
    return list(encoded["input_ids"])


def encoding_of(
    model: "AttributionModel", ids: "torch.Tensor", *, has_start: bool = False
) -> "BatchEncoding":
    """Wrap ids `[1, token]` as Inseq's encoding, with its baseline of unknown tokens.

    Args:
        model: Inseq's model.
        ids: The ids.
        has_start: Keep the first one, a translator's start token, in the baseline.
    """
    import torch
    from inseq.data import BatchEncoding

    unknown = torch.full_like(ids, model.tokenizer.unk_token_id)
    baseline = torch.where(ids.eq(model.eos_token_id), ids, unknown)
    if has_start:
        baseline[:, 0] = ids[:, 0]
    return BatchEncoding(
        input_ids=ids,
        input_tokens=model.convert_ids_to_tokens(ids, skip_special_tokens=False),
        attention_mask=torch.ones_like(ids),
        baseline_ids=baseline,
    )


def check_lengths(model: "AttributionModel", source: int, written: int, what: str) -> None:
    """Refuse texts that the model would cut off silently, or has no positions for.

    Args:
        model: Inseq's model.
        source: Tokens of the sentence or prompt.
        written: Tokens of the target or contrast, or the most that may be generated.
        what: What these are: ``target``, ``contrast`` or ``max_new_tokens``.

    Raises:
        TextError: Says how many tokens there are and how many fit.
    """
    name, limit = model.model_name, longest_source(model)
    noun = "new ones" if what == "max_new_tokens" else f"of the {what}"
    if not model.is_encoder_decoder and source + written > limit:
        raise TextError(
            f"The text has {source} tokens, but {name} takes {max(limit - written, 0)} besides "
            f"{written} {noun} ({limit} together). Shorten it, or lower max_new_tokens."
        )
    if source > limit:
        raise TextError(
            f"The text has {source} tokens, but {name} takes {limit}. Shorten it, or explain it "
            "sentence by sentence."
        )
    most = longest_target(model)
    if model.is_encoder_decoder and written > most:
        is_asked = what == "max_new_tokens"
        asked = f"max_new_tokens is {written}" if is_asked else f"The {what} has {written} tokens"
        hint = "Lower it." if is_asked else "Shorten it, or explain it sentence by sentence."
        raise TextError(f"{asked}, but {name} writes at most {most}. {hint}")


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
