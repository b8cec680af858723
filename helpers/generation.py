"""One generation, shared by every attribution method: what was read and what was written."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError, TextError, check_names, say, say_once, told_as
from helpers.memory import check_loaded
from helpers.models import repair
from hw7.engine.errors import NotExplainableError
from hw7.engine.writing import end_ids, own_limit, write
from hw7.text.chat import Message, chat_prompt, is_chat
from hw7.text.encoding import encode_written, encoding_of, source_ids, tensor_of
from hw7.text.generation import Generation
from hw7.text.limits import check_confidence, check_lengths, check_text, longest_target
from hw7.text.settings import check_new_tokens, check_settings, known_settings
from hw7.text.spelling import special_tokens_of, spelling_of
from hw7.text.typed import as_written, check_words

if TYPE_CHECKING:
    from inseq.models import AttributionModel

NEW_TOKENS = 20
"""The most tokens a text is continued by; a translator's own limit is what ends its sentence."""


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
    settings = {} if generation_settings is None else _checked_settings(generation_settings)
    with told_as(TextError):
        chat = chat_prompt(model, text, thinking) if is_chat(text) else None
        if chat is None and thinking is not None:
            raise ValueError(
                "thinking= is for chats. Give the messages with chat=[…], or leave it out."
            )
        text = check_text(text if chat is None else chat.text)
        source = source_ids(model, text, say_once) if chat is None else chat.ids
        most = _most_new_tokens(model, max_new_tokens)
        written = None
        if target is None:
            check_lengths(model, len(source), most, "max_new_tokens")
        else:
            written = encode_written(model, text, source, target, "target", say_once)
        # Byte-level tokenizers know every byte; Inseq lends them another token as "unknown".
        if not allow_unknown and spelling_of(model.tokenizer) != "byte-level":
            check_words(model.tokenizer, model.model_name, text)
    if repair(model):
        say(
            f"{model.model_name} was not loaded with load_model: its decoder would scale "
            "embeddings twice and give wrong scores. Repaired, also for later calls."
        )
    sources = encoding_of(model, tensor_of(model, source))
    if model.is_encoder_decoder:
        special = special_tokens_of(model.tokenizer)
        sources.input_tokens = [as_written(sources.input_tokens[0], text, special)]
    if (ids := written) is None:
        with told_as(HomeworkError, NotExplainableError):
            ids = write(model, sources, most, settings)
    start = 1 if model.is_encoder_decoder else len(source)
    if ids.shape[1] <= start:
        raise TextError("The model wrote nothing for this text. Give it a longer or other text.")
    is_cut = written is None and ids.shape[1] - start >= most
    shown = model.tokenizer.decode(ids[0, start:], skip_special_tokens=True)
    if written is None and not allow_unknown:
        with told_as(TextError):
            check_confidence(model, sources, ids, shown)
    return Generation(
        input_text=text if chat is None else chat.messages,
        # A character cut off at the end decodes to U+FFFD.
        generated_text=shown.rstrip("\ufffd").strip(),
        sources=sources,
        targets=encoding_of(model, ids, has_start=model.is_encoder_decoder),
        read_text=text,
        first=start,
        is_complete=not is_cut or int(ids[0, -1]) in end_ids(model),
        prompt_parts=() if chat is None else chat.parts,
    )


def _most_new_tokens(model: "AttributionModel", asked: object) -> int:
    """Return the most tokens to write.

    Raises:
        ValueError: What was asked for is no number of tokens.
    """
    if asked is not None:
        return check_new_tokens(asked)
    if model.is_encoder_decoder:
        return min(longest_target(model), own_limit(model))
    return NEW_TOKENS


def _checked_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse settings that Transformers does not have, or that leave no one text to explain."""
    with told_as(HomeworkError):
        check_settings(given)
    check_names(given, known_settings(), "generation setting")
    return dict(given)
