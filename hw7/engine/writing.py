"""Letting a model write, greedily, so that a rerun agrees."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hw7.engine.errors import NotExplainableError

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

_GREEDY: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "early_stopping": False,
    "length_penalty": 1.0,
    "num_beam_groups": 1,
    # At its limit Marian would write an end that the model never meant.
    "forced_eos_token_id": None,
    **dict.fromkeys(
        ("temperature", "top_p", "top_k", "min_p", "typical_p", "penalty_alpha", "dola_layers")
    ),
}
# What Transformers takes a length to be that nobody has set.
_UNSET_LENGTH = 20
_LONGEST = 512


def own_limit(model: "AttributionModel") -> int:
    """Return the most tokens that a model writes by its own settings."""
    config = model.model.generation_config
    length = config.max_length if config.max_length not in (None, _UNSET_LENGTH) else _LONGEST
    return config.max_new_tokens or length - 1


def write(
    model: "AttributionModel", sources: "BatchEncoding", most: int, settings: Mapping[str, Any]
) -> "torch.Tensor":
    """Return what the model writes, ids `[1, target]`, start token or prompt included.

    Args:
        model: Inseq's model.
        sources: The sentence or prompt, ids of shape `[1, source]`.
        most: The most tokens to write.
        settings: Settings of Transformers' ``generate`` that replace the greedy ones.

    Raises:
        NotExplainableError: Transformers refuses the settings, or the model.
    """
    import torch

    own = model.model.generation_config
    greedy = copy.deepcopy(own)
    greedy.update(**_GREEDY, pad_token_id=model.tokenizer.pad_token_id)
    # Bound it the way the model's own settings do; Transformers warns about two bounds.
    if greedy.max_new_tokens is not None:
        greedy.max_new_tokens = most
    else:
        greedy.max_length = most + (1 if model.is_encoder_decoder else sources.input_ids.shape[1])
    try:
        greedy.update(**settings)
        # Transformers puts the model's own setting wherever None was asked for.
        model.model.generation_config = greedy
        with torch.inference_mode():
            ids = model.model.generate(
                sources.input_ids,
                attention_mask=sources.attention_mask,
                generation_config=greedy,
                tokenizer=model.tokenizer,
            )
    except (ValueError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        what = f"Transformers refuses generation_settings={dict(settings)}: {reason}"
        if not settings:
            what = (
                f"Transformers cannot let {model.model_name} write: {reason} "
                "Give the text to explain as target=, or another model."
            )
        raise NotExplainableError(what) from error
    finally:
        model.model.generation_config = own
    # A tensor made in inference mode may not enter a later backward pass.
    return ids.clone()


def end_ids(model: "AttributionModel") -> set[int]:
    """Return the ids that end a text."""
    own = model.model.generation_config.eos_token_id
    return {model.eos_token_id, *([own] if isinstance(own, int) else own or [])}
