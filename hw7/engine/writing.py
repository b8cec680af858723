"""Letting a model write, greedily, so that a rerun agrees."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hw7.engine.errors import NotExplainableError, reason_of
from hw7.engine.exactness import EXACT_FAMILIES

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
# Of the largest logit: half precision and 8 bits stay below a hundredth, another model far above.
_SAME_LOGITS = 0.1


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
        NotExplainableError: Transformers refuses the settings, or the model, or writes by other
            logits than the model has for the same text.
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
    # Logits of long texts take room that families compared with Inseq can do without.
    has_logits = model.model.config.model_type not in EXACT_FAMILIES
    try:
        greedy.update(**settings, return_dict_in_generate=True, output_logits=has_logits)
        # Transformers puts the model's own setting wherever None was asked for.
        model.model.generation_config = greedy
        # Not in inference mode: some models keep states, which must not bar a later backward pass.
        with torch.no_grad():
            output = model.model.generate(
                sources.input_ids,
                attention_mask=sources.attention_mask,
                generation_config=greedy,
                tokenizer=model.tokenizer,
            )
            is_alike = _writes_as_it_reads(model, sources, output)
    except (IndexError, TypeError, ValueError) as error:
        reason = reason_of(error)
        what = f"Transformers refuses generation_settings={dict(settings)}: {reason}."
        if not settings:
            what = (
                f"Transformers cannot let {model.model_name} write: {reason}. "
                "Give the text to explain as target=, or another model."
            )
        raise NotExplainableError(what) from error
    finally:
        model.model.generation_config = own
    if not is_alike:
        raise NotExplainableError(
            f"Transformers lets {model.model_name} write by other logits than it has for the same "
            "text, so a heatmap would not explain what was written. Give the text to explain as "
            "target=, or another model."
        )
    return output.sequences


def _writes_as_it_reads(model: "AttributionModel", sources: "BatchEncoding", output: Any) -> bool:
    """Tell whether the last written token has the logits that a pass over the text gives it.

    They differ where ``generate`` counts positions in a way of its own (RoBERTa, ProphetNet). Beams
    have no one row to compare, and dropout no two passes alike.
    """
    network = model.model
    if not output.logits or network.training or len(output.logits[-1]) > 1:
        return True
    written = output.logits[-1]
    read = {"input_ids": output.sequences[:, :-1]}
    if model.is_encoder_decoder:
        read = {"input_ids": sources.input_ids, "decoder_input_ids": read["input_ids"]}
    found = network(**read, use_cache=False).logits[:, -1].to(written)
    return bool((found - written).abs().max() < _SAME_LOGITS * found.abs().max())


def end_ids(model: "AttributionModel") -> set[int]:
    """Return the ids that end a text."""
    own = model.model.generation_config.eos_token_id
    return {model.eos_token_id, *([own] if isinstance(own, int) else own or [])}
