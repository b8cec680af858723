"""One generation, shared by every attribution method: what was read and what was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from helpers import texts
from helpers.errors import HomeworkError, TextError, check_names, say, say_once, told_as
from helpers.memory import check_loaded
from helpers.models import repair
from helpers.tokens import special_tokens_of, spelling_of
from hw7.engine.writing import end_ids, own_limit, write
from hw7.fetch.errors import first_line
from hw7.text.chat import Message, chat_prompt, is_chat
from hw7.text.groups import Part
from hw7.text.typed import as_written, check_words

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

NEW_TOKENS = 20
"""The most tokens a text is continued by; a translator's own limit is what ends its sentence."""

_NOT_TO_BE_SET = {
    "max_length": "give max_new_tokens= to explain itself",
    "max_new_tokens": "give max_new_tokens= to explain itself",
    "num_return_sequences": "one text is explained; to see others, explain again with a seed",
    "return_dict_in_generate": "only the written tokens are explained",
}


@dataclass(frozen=True)
class Generation:
    """The exact token ids that every method explains.

    Attributes:
        input_text: What the student typed.
        generated_text: What the model wrote, without special tokens.
        sources: The encoded input, ids of shape `[1, source]`.
        targets: The ids to explain, `[1, target]`: for a translator the start token and the
            generated ones, for a decoder-only model the prompt followed by the generated ones.
        read_text: What the model read: what was typed, in its template where that is a chat.
        first: Place of the first explained token in the targets, after the start token or prompt.
        is_complete: False where a limit cut the text before the model ended it.
        prompt_parts: For a chat, what each token of the prompt is part of.
        skipped: How many written tokens at the end of the sources are read like the prompt.
    """

    input_text: str
    generated_text: str
    sources: "BatchEncoding"
    targets: "BatchEncoding"
    read_text: str
    first: int
    is_complete: bool = True
    prompt_parts: Sequence[Part] = ()
    skipped: int = 0


def generate(
    model: "AttributionModel",
    text: str | Sequence[Message],
    *,
    thinking: bool | None = None,
    target: str | None = None,
    max_new_tokens: int | None = None,
    allow_unknown: bool = False,
    generation_settings: Mapping[str, Any] | None = None,
) -> Generation:
    """Let the model write once (greedily, so that a rerun agrees), or take the text given.

    Args:
        model: A model from ``load_model``.
        text: The sentence to translate, the prompt to continue, or the messages of a chat.
        thinking: For a chat with a model that can think first, whether it should; None leaves it
            to the model's chat template.
        target: The text to explain instead of the model's own. For a decoder-only model it is
            what follows the prompt, its leading space included.
        max_new_tokens: The most tokens to write; by default a translator's own limit, and 20 where
            a prompt is continued.
        allow_unknown: Go on although the model does not know some words, or such sentences.
        generation_settings: Settings for Transformers' ``generate`` that replace the greedy ones.

    Raises:
        TextError: The text is empty, too long for the model, has words it does not know, or is
            unlike what the model was trained on.
        HomeworkError: The model was released, or a setting is unknown or impossible.
    """
    check_loaded(model)
    settings = _checked_settings(generation_settings)
    with told_as(TextError):
        chat = chat_prompt(model, text, thinking) if is_chat(text) else None
    if chat is None and thinking is not None:
        raise TextError("thinking= is for chats. Give the messages with chat=[…], or leave it out.")
    text = texts.check_text(text if chat is None else chat.text)
    source = texts.source_ids(model, text) if chat is None else chat.ids
    most = _most_new_tokens(model, max_new_tokens)
    written = None
    if target is None:
        texts.check_lengths(model, len(source), most, "max_new_tokens")
    else:
        written = encode_written(model, text, source, target, "target")
    # Byte-level tokenizers know every byte; Inseq lends them another token as "unknown".
    if not allow_unknown and spelling_of(model.tokenizer) != "byte-level":
        with told_as(TextError):
            check_words(model.tokenizer, model.model_name, text)
    if repair(model):
        say(
            f"{model.model_name} was not loaded with load_model: its decoder would scale "
            "embeddings twice and give wrong scores. Repaired, also for later calls."
        )
    sources = texts.encoding_of(model, _tensor(model, source))
    if model.is_encoder_decoder:
        special = special_tokens_of(model.tokenizer)
        sources.input_tokens = [as_written(sources.input_tokens[0], text, special)]
    ids = _written_ids(model, sources, most, settings) if written is None else written
    start = 1 if model.is_encoder_decoder else len(source)
    if ids.shape[1] <= start:
        raise TextError("The model wrote nothing for this text. Give it a longer or other text.")
    is_cut = written is None and ids.shape[1] - start >= most
    shown = model.tokenizer.decode(ids[0, start:], skip_special_tokens=True)
    if written is None and not allow_unknown:
        texts.check_confidence(model, sources, ids, shown)
    return Generation(
        input_text=text if chat is None else chat.messages,
        # A character cut off at the end decodes to U+FFFD.
        generated_text=shown.rstrip("\ufffd").strip(),
        sources=sources,
        targets=texts.encoding_of(model, ids, has_start=model.is_encoder_decoder),
        read_text=text,
        first=start,
        is_complete=not is_cut or int(ids[0, -1]) in end_ids(model),
        prompt_parts=() if chat is None else chat.parts,
    )


def narrowed(
    model: "AttributionModel", generation: Generation, places: Sequence[int], *, has_contrast: bool
) -> Generation:
    """Return the generation for attributing no more than some of its written tokens.

    What follows them changes no score. What was written before is read as if it were prompt, where
    that is possible: not by a translator, nor where a contrast is counted from the true prompt.
    """
    start = generation.first
    ids = generation.targets.input_ids[:, : start + places[-1] + 1]
    targets = texts.encoding_of(model, ids, has_start=model.is_encoder_decoder)
    if model.is_encoder_decoder or has_contrast:
        return replace(generation, targets=targets)
    sources = texts.encoding_of(model, ids[:, : start + places[0]])
    first = start + places[0]
    return replace(generation, sources=sources, targets=targets, first=first, skipped=places[0])


def encode_contrast(
    model: "AttributionModel", generation: Generation, contrast: str
) -> "BatchEncoding":
    """Encode another continuation of the same text, which the explained one is contrasted with.

    Raises:
        TextError: The continuation is empty, too long, or the explained one itself.
    """
    source = generation.sources.input_ids[0].tolist()
    ids = encode_written(model, generation.read_text, source, contrast, "contrast")
    if ids.tolist() == generation.targets.input_ids.tolist():
        raise TextError(
            f"The contrast is what is explained itself ({contrast!r}), so every difference would "
            "be zero. Give another continuation."
        )
    compared = ids.shape[1] - generation.first
    written = generation.targets.input_ids.shape[1] - generation.first
    if compared < written:
        say_once(
            f"The contrast ends after {compared} of {written} tokens. Beyond its end there is "
            "nothing to compare with, so these columns are empty."
        )
    return texts.encoding_of(model, ids, has_start=model.is_encoder_decoder)


def encode_written(
    model: "AttributionModel", text: str, source: list[int], written: str, what: str
) -> "torch.Tensor":
    """Return ids `[1, target]` of a target or contrast, after the start token or the prompt."""
    ids = texts.written_ids(model, text, source, texts.check_text(written, what), what)
    texts.check_lengths(model, len(source), len(ids), what)
    return _tensor(model, [model.bos_token_id, *ids] if model.is_encoder_decoder else source + ids)


def _tensor(model: "AttributionModel", ids: Sequence[int]) -> "torch.Tensor":
    import torch

    return torch.tensor([list(ids)], device=model.device)


def _most_new_tokens(model: "AttributionModel", asked: object) -> int:
    """Return the most tokens to write.

    Raises:
        TextError: What was asked for is no number of tokens.
    """
    if asked is None and not model.is_encoder_decoder:
        return NEW_TOKENS
    if asked is None:
        return own_limit(model)
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise TextError(f"max_new_tokens must be a whole number from 1 on, but is {asked!r}.")
    return asked


def _checked_settings(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Refuse settings that Transformers does not have, or that leave no one text to explain."""
    from transformers import GenerationConfig

    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise HomeworkError(
            "generation_settings must be a dictionary, for example {'num_beams': 4}."
        )
    for name in given:
        if name in _NOT_TO_BE_SET:
            raise HomeworkError(
                f"generation_settings cannot hold {name!r}: {_NOT_TO_BE_SET[name]}."
            )
    known = [name for name in vars(GenerationConfig()) if not name.startswith(("_", "output_"))]
    check_names(given, known, "generation setting")
    return dict(given)


def _written_ids(
    model: "AttributionModel", sources: "BatchEncoding", most: int, settings: Mapping[str, Any]
) -> "torch.Tensor":
    """Let the model write.

    Raises:
        HomeworkError: Transformers refuses the settings, with its own reason.
    """
    try:
        return write(model, sources, most, settings)
    except (ValueError, TypeError) as error:
        if not settings:
            raise
        raise HomeworkError(
            f"Transformers refuses generation_settings={dict(settings)}: {first_line(error)}"
        ) from error
