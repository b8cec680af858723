"""Repairs of models whose scores or gradients would silently be wrong.

**Translators whose decoder would scale its input embeddings twice.**

Marian multiplies embeddings by the square root of their width. Inseq 0.7 does so itself before it
hands embeddings to the model, because up to Transformers 4.49 the model scaled only what it had
looked up by token id. From 4.53 at the latest Marian's decoder also scales embeddings that it is
given, so the words already written reach it 11 times too large (the bundled translator) or 23 times
(opus-mt-zh-en), and every score explains a broken model: probabilities that are 0.9 in a plain
forward pass come out as 0.00004.

**4-bit layers on the CPU** lose the gradient of everything before them after a generation.
"""

from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.errors import NotExplainableError, reason_of
from hw7.engine.exactness import EXACT_FAMILIES

if TYPE_CHECKING:
    from inseq.models import AttributionModel

# The two ways differ by rounding, or by a factor of ten.
SAME_STATES = 1e-3
# Half precision and 8 bits round a token depending on the others.
SAME_ROUNDED_STATES = 0.05


def scale_embeddings_once(model: "AttributionModel") -> bool:
    """Make encoder and decoder give the same states for embeddings as for the ids they stand for.

    Where they already do, nothing is changed; so the repair ends by itself with a mended library,
    and may be called again. True where a part scaled twice and has been repaired.

    Raises:
        NotExplainableError: Embeddings and token ids still disagree after the repair.
    """
    is_repaired = False
    for part in parts_that_read_embeddings(model):
        from_ids, from_embeddings, is_changed = _read_both_ways(model, part)
        if is_changed:
            # The next token's pass would read what this one's has left.
            part.register_forward_pre_hook(_give_a_copy, with_kwargs=True)
            is_repaired = True
        if _are_the_same(from_ids, from_embeddings):
            continue
        if hasattr(part, "embed_scale"):
            part.register_forward_pre_hook(_undo_first_scaling, with_kwargs=True)
            is_repaired = True
        if not reads_embeddings_like_ids(model, part):
            raise NotExplainableError(
                f"{type(part).__name__} of {model.model_name} reads embeddings unlike ids, so "
                "its scores would be wrong. Use another model, or the versions in constraints.txt."
            )
    return is_repaired


def parts_that_read_embeddings(model: "AttributionModel") -> list[Any]:
    """Return the encoder and the decoder, or for decoder-only models the model itself."""
    if model.is_encoder_decoder:
        return [model.model.get_encoder(), model.model.get_decoder()]
    return [model.model]


def reads_embeddings_like_ids(model: "AttributionModel", part: Any) -> bool:
    """Tell whether an encoder, a decoder or a whole model gives the same states either way."""
    from_ids, from_embeddings, _ = _read_both_ways(model, part)
    return _are_the_same(from_ids, from_embeddings)


def check_direction(model: "AttributionModel") -> None:
    """Refuse a model that lets a token see those behind it, as BERT does.

    It does not write token by token, and a pass over a text tells nothing of its beginnings.

    Raises:
        NotExplainableError: Says so.
    """
    network = model.model
    if model.is_encoder_decoder or network.config.model_type in EXACT_FAMILIES or network.training:
        return
    with torch.no_grad():
        ids = _some_ids(model)
        states, fewer = (
            _run(network, input_ids=read, use_cache=False) for read in (ids, ids[:, :-1])
        )
    is_rounded = getattr(network, "is_quantized", False) or torch.finfo(network.dtype).bits < 32
    within = SAME_ROUNDED_STATES if is_rounded else SAME_STATES
    if not _are_the_same(fewer, states[:, :-1], within):
        raise NotExplainableError(
            f"{model.model_name} reads a text in both directions, so it does not write one token "
            "after the other. Use a model that was made for writing."
        )


def _are_the_same(states: torch.Tensor, others: torch.Tensor, within: float = SAME_STATES) -> bool:
    return bool((states - others).abs().max() < within * states.abs().max())


def _read_both_ways(
    model: "AttributionModel", part: Any
) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """Return what comes of ids, and of their embeddings, and whether these were changed."""
    with torch.no_grad():
        ids = _some_ids(model)
        if model.is_encoder_decoder and part is model.model.get_decoder():
            start = ids.new_tensor([[model.model.config.decoder_start_token_id or ids[0, 0]]])
            ids = torch.cat([start, ids], dim=1)
        embeddings = model.embed(ids)
        given = embeddings.clone()
        settings: dict[str, Any] = {"use_cache": False}
        if model.is_encoder_decoder and part is model.model.get_encoder():
            settings = {}
        elif model.is_encoder_decoder:
            settings["encoder_hidden_states"] = torch.zeros_like(embeddings)
        from_ids = _run(part, input_ids=ids, **settings)
        from_embeddings = _run(part, inputs_embeds=given, **settings)
    return from_ids, from_embeddings, not torch.equal(given, embeddings)


def _run(part: Any, **settings: Any) -> torch.Tensor:
    """Return the states, or logits, of some tokens."""
    try:
        return part(**settings)[0]
    except (AttributeError, IndexError, NotImplementedError, TypeError, ValueError) as error:
        raise NotExplainableError(
            f"{type(part).__name__} cannot be run on a text's embeddings alone "
            f"({reason_of(error)}), so no tokens can be explained. Use another model."
        ) from error


def _some_ids(model: "AttributionModel") -> torch.Tensor:
    """Return a few token ids `[1, position]` whose embeddings are not zero, and no padding."""
    weights = model.model.get_input_embeddings().weight
    is_usable = weights.abs().sum(dim=1) > 0
    if model.pad_token is not None:
        is_usable[model.tokenizer.pad_token_id] = False
    return is_usable.nonzero().flatten()[:4].unsqueeze(0)


def _give_a_copy(
    part: Any, arguments: tuple[Any, ...], settings: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Let a part that changes its embeddings in place change a copy of them."""
    if settings.get("inputs_embeds") is not None:
        settings = {**settings, "inputs_embeds": settings["inputs_embeds"].clone()}
    return arguments, settings


def _undo_first_scaling(
    part: Any, arguments: tuple[Any, ...], settings: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Divide embeddings that come from outside by the factor that will be applied."""
    embeddings = settings.get("inputs_embeds")
    if embeddings is not None:
        settings = {**settings, "inputs_embeds": embeddings / part.embed_scale}
    return arguments, settings


def keep_differentiable(network: Any) -> None:
    """Make 4-bit layers on the CPU pass gradients on, also after generating.

    On processors with bfloat16 instructions, bitsandbytes repacks a layer's weights during its
    first pass without gradients, such as generation. The operator it uses from then on has no
    backward pass: torch only warns, and the gradient of everything before the layer is lost.

    Called right after loading, this keeps the weights as they are. Called later, it unpacks
    them; the scales of their blocks have then been rounded to bfloat16.
    """
    for module in network.modules():
        if getattr(module, "support_avx512bf16_for_cpu", False):
            module.support_avx512bf16_for_cpu = False
            if getattr(module.weight.quant_state, "packing_format_for_cpu", False):
                _unpack(module.weight)


def _unpack(weight: Any) -> None:
    """Bring a layer's weight back into the layout that has a backward pass."""
    from bitsandbytes.functional import _convert_weight_packed_for_cpu_inverse

    weight.data, weight.quant_state = _convert_weight_packed_for_cpu_inverse(
        weight.data, weight.quant_state
    )
    state = weight.quant_state
    if not state.nested:
        # The inverse leaves the scales transposed and short, unless they are quantised as well.
        state.absmax = state.absmax.T.reshape(-1).float()
