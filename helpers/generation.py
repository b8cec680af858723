"""One generation, shared by every attribution method: what was read and what was written."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from helpers.chat import Message, Part, chat_prompt, is_chat
from helpers.errors import HomeworkError, TextError
from helpers.tokens import spelling_of

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel


@dataclass(frozen=True)
class Generation:
    """The exact token ids that every method explains.

    Attributes:
        input_text: What the student typed.
        generated_text: What the model wrote, without special tokens.
        sources: The encoded input, ids of shape `[1, source]`.
        targets: The ids to explain, `[1, target]`: for a translator the start token and the
            generated ones, for a decoder-only model the prompt followed by the generated ones.
        prompt_parts: For a chat, what each token of the prompt is part of.
    """

    input_text: str
    generated_text: str
    sources: "BatchEncoding"
    targets: "BatchEncoding"
    prompt_parts: Sequence[Part] = ()


def generate(
    model: "AttributionModel",
    text: str | Sequence[Message],
    *,
    thinking: bool | None = None,
    target: str | None = None,
    max_new_tokens: int = 20,
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
        max_new_tokens: The most tokens to write.
        allow_unknown: Go on although the model does not know some words.
        generation_settings: Settings for Transformers' ``generate`` that replace the greedy ones.

    Raises:
        TextError: The text is empty, too long for the model, or has words it does not know.
    """
    import torch

    if model.model is None:
        raise HomeworkError("This model was released. Load it again with load_model(...).")
    chat = chat_prompt(model, text, thinking) if is_chat(text) else None
    if chat is not None:
        text = chat.text
    elif thinking is not None:
        raise TextError("thinking= is for chats. Give the messages with chat=[…], or leave it out.")
    if not isinstance(text, str) or not text.strip():
        raise TextError("The text is empty. Give a sentence, for example '我喜欢机器学习。'")
    if target is not None and not target.strip():
        raise TextError("The target is empty. Give the text to explain, or leave target out.")
    check_length(model, text, max_new_tokens)
    if not allow_unknown:
        check_words(model, text)
    if chat is None:
        sources = model.encode([text], return_baseline=True)
    else:
        sources = encoding_of(model, torch.tensor([chat.ids], device=model.device))
    if target is None:
        ids = _generate_ids(model, sources, max_new_tokens, generation_settings or {})
    else:
        ids = _forced_ids(model, text, sources, target)
    start = 1 if model.is_encoder_decoder else sources.input_ids.shape[1]
    if ids.shape[1] <= start:
        raise TextError("The model wrote nothing for this text. Give it a longer or other text.")
    written = model.tokenizer.decode(ids[0, start:], skip_special_tokens=True)
    # A character cut off at the end decodes to U+FFFD.
    return Generation(
        text if chat is None else chat.messages,
        written.rstrip("\ufffd").strip(),
        sources,
        encoding_of(model, ids),
        () if chat is None else chat.parts,
    )


def cut_after(model: "AttributionModel", generation: Generation, place: int) -> Generation:
    """Return the generation up to one of its written tokens, whose scores need nothing later."""
    start = 1 if model.is_encoder_decoder else generation.sources.input_ids.shape[1]
    ids = generation.targets.input_ids[:, : start + place + 1]
    return replace(generation, targets=encoding_of(model, ids))


def encoding_of(model: "AttributionModel", ids: "torch.Tensor") -> "BatchEncoding":
    """Wrap target ids `[1, target]` as Inseq's encoding, with its baseline of unknown tokens."""
    import torch
    from inseq.data import BatchEncoding

    is_end = ids.eq(model.eos_token_id)
    unknown = torch.full_like(ids, model.tokenizer.unk_token_id)
    baseline = torch.where(is_end, ids, unknown)
    if model.is_encoder_decoder:
        # Inseq keeps the start token of a translator in the baseline.
        baseline[:, 0] = ids[:, 0]
    return BatchEncoding(
        input_ids=ids,
        input_tokens=model.convert_ids_to_tokens(ids, skip_special_tokens=False),
        attention_mask=torch.ones_like(ids),
        baseline_ids=baseline,
    )


def _generate_ids(
    model: "AttributionModel",
    sources: "BatchEncoding",
    max_new_tokens: int,
    generation_settings: Mapping[str, Any],
) -> "torch.Tensor":
    """Generate ids `[1, target]`, start token or prompt included."""
    import torch

    settings = copy.deepcopy(model.model.generation_config)
    for name in ("temperature", "top_p", "top_k", "min_p", "typical_p"):
        setattr(settings, name, None)
    settings.update(
        do_sample=False,
        num_beams=1,
        early_stopping=False,
        length_penalty=1.0,
        pad_token_id=model.tokenizer.pad_token_id,
    )
    # Bound it the way the model's own settings do; Transformers warns about two bounds.
    if settings.max_new_tokens is not None:
        settings.max_new_tokens = max_new_tokens
    else:
        start = 1 if model.is_encoder_decoder else sources.input_ids.shape[1]
        settings.max_length = start + max_new_tokens
    settings.update(**generation_settings)
    with torch.inference_mode():
        ids = model.model.generate(
            sources.input_ids, attention_mask=sources.attention_mask, generation_config=settings
        )
    # A tensor made in inference mode may not enter a later backward pass.
    return ids.clone()


def encode_contrast(
    model: "AttributionModel", generation: Generation, contrast: str
) -> "BatchEncoding":
    """Encode another continuation of the same text, which the explained one is contrasted with.

    Raises:
        TextError: The continuation is empty.
    """
    if not contrast.strip():
        raise TextError("The contrast is empty. Give another continuation, or leave it out.")
    ids = _forced_ids(model, generation.input_text, generation.sources, contrast)
    return encoding_of(model, ids)


def _forced_ids(
    model: "AttributionModel", text: str, sources: "BatchEncoding", target: str
) -> "torch.Tensor":
    """Encode the text to explain, after the prompt where the model is decoder-only."""
    import torch

    if model.is_encoder_decoder:
        return model.encode([target], as_targets=True).input_ids
    prompt = sources.input_ids
    together = model.encode([text + target]).input_ids
    if torch.equal(together[:, : prompt.shape[1]], prompt):
        return together
    # The tokenizer would cut across the border; keep the prompt's own tokens.
    continuation = model.encode([target], add_special_tokens=False).input_ids
    return torch.cat([prompt, continuation], dim=1)


def check_length(model: "AttributionModel", text: str, max_new_tokens: int) -> None:
    """Refuse a text that the model would cut off silently.

    Raises:
        TextError: Says how many tokens there are and how many fit.
    """
    if max_new_tokens < 1:
        raise TextError(f"max_new_tokens must be at least 1, but is {max_new_tokens}.")
    config = model.model.config
    limits = [getattr(config, "max_position_embeddings", None), model.tokenizer.model_max_length]
    limit = min(int(number) for number in limits if number)
    length = len(model.tokenizer(text, verbose=False)["input_ids"])
    room = limit if model.is_encoder_decoder else limit - max_new_tokens
    if length > room:
        raise TextError(
            f"The text has {length} tokens, but {model.model_name} takes {max(room, 0)}"
            f"{'' if model.is_encoder_decoder else f' besides {max_new_tokens} new ones'}. "
            "Shorten it, or explain it sentence by sentence."
        )


def check_words(model: "AttributionModel", text: str) -> None:
    """Refuse a text with words that the model does not know.

    Raises:
        TextError: Names the words.
    """
    unknown = unknown_words(model, text)
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
    pairs = zip(tokens, ids, strict=True)
    unknown = [token.strip("▁ ") for token, number in pairs if number == tokenizer.unk_token_id]
    return list(dict.fromkeys(word for word in unknown if word))
