"""From text to token ids, and back to what Inseq takes; nothing is cut."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hw7.text.limits import check_lengths, check_text

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

_WRITTEN_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def source_ids(model: "AttributionModel", text: str, say: Callable[[str], None]) -> list[int]:
    """Return the token ids of a sentence or prompt.

    A prompt whose tokenizer ends every text with a mark, as BERT's ends with ``[SEP]``, is to be
    continued before that mark: it is left out.

    Args:
        model: Inseq's model.
        text: The sentence or prompt.
        say: Takes the sentence that tells what was left out; it may come more than once.
    """
    ids = token_ids(model, text)
    if ids[:2] == [model.bos_token_id] * 2:  # a template has written it already
        ids = ids[1:]
    if model.is_encoder_decoder:
        return ids
    end = _length_of_end(ids, token_ids(model, text, has_special=False))
    if end:
        marks = model.tokenizer.convert_ids_to_tokens(ids[-end:])
        say(
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


def encode_written(
    model: "AttributionModel",
    text: str,
    source: list[int],
    written: object,
    what: str,
    say: Callable[[str], None],
) -> "torch.Tensor":
    """Return ids `[1, target]` of a target or contrast, after the start token or the prompt.

    After a prompt it is cut into tokens as the tokenizer does in that place, unless that would
    change the prompt's own tokens.

    Args:
        model: Inseq's model.
        text: The sentence or prompt.
        source: Its token ids.
        written: The target or contrast.
        what: Which of the two it is.
        say: Takes the sentence that tells of a space which may be missing.

    Raises:
        ValueError: It is no text, or too long.
    """
    ids = _written_ids(model, text, source, check_text(written, what), what, say)
    check_lengths(model, len(source), len(ids), what)
    before = [model.bos_token_id] if model.is_encoder_decoder else source
    return tensor_of(model, [*before, *ids])


def _written_ids(
    model: "AttributionModel",
    text: str,
    source: list[int],
    written: str,
    what: str,
    say: Callable[[str], None],
) -> list[int]:
    if model.is_encoder_decoder:
        return token_ids(model, written, is_target=True)
    if not written[0].isspace() and _is_word_border(text, written):
        spaced = _continuation(model, text, source, f" {written}", say)
        if spaced != _continuation(model, text, source, written, say):
            say(
                f"The {what} {written!r} follows the prompt without a space, which are other "
                f"tokens than {' ' + written!r}. Give the space if it begins a new word."
            )
    return _continuation(model, text, source, written, say)


def _is_word_border(before: str, after: str) -> bool:
    """Tell whether a space is expected between two texts, by the scripts they are written in."""
    name = unicodedata.name(after[0], "")
    is_word = after[0].isalnum() and not name.startswith(_WRITTEN_WITHOUT_SPACES)
    return is_word and not before[-1].isspace() and before[-1] not in "([{<\"'“‘-/_$#@"


def _continuation(
    model: "AttributionModel",
    text: str,
    source: list[int],
    written: str,
    say: Callable[[str], None],
) -> list[int]:
    together = source_ids(model, text + written, say)
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


def tensor_of(model: "AttributionModel", ids: Sequence[int]) -> "torch.Tensor":
    """Return ids as a tensor `[1, token]` where the model is."""
    import torch

    return torch.tensor([list(ids)], device=model.device)
