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

if TYPE_CHECKING:
    from inseq.models import AttributionModel

# The two ways differ by rounding, or by a factor of ten.
SAME_STATES = 1e-3


def scale_embeddings_once(model: "AttributionModel") -> bool:
    """Make the decoder give the same states for embeddings as for the token ids they stand for.

    Where it already does, nothing is changed; so the repair ends by itself with a mended library,
    and may be called again.

    Args:
        model: Inseq's model.

    Returns:
        True where the decoder scaled twice and has been repaired.

    Raises:
        RuntimeError: Embeddings and token ids still disagree after the repair.
    """
    if not model.is_encoder_decoder or are_embeddings_scaled_once(model):
        return False
    decoder = model.model.get_decoder()
    decoder.register_forward_pre_hook(_undo_first_scaling, with_kwargs=True)
    if not are_embeddings_scaled_once(model):
        raise RuntimeError(
            f"{model.model_name} reads embeddings unlike token ids, so its scores would be wrong. "
            "Use the versions in constraints.txt."
        )
    return True


def are_embeddings_scaled_once(model: "AttributionModel") -> bool:
    """Tell whether the decoder treats Inseq's embeddings like the token ids they stand for."""
    decoder = model.model.get_decoder()
    with torch.no_grad():
        ids = _some_ids(model)
        embeddings = model.embed(ids)
        read = torch.zeros_like(embeddings)
        settings = {"encoder_hidden_states": read, "use_cache": False}
        from_ids = decoder(input_ids=ids, **settings).last_hidden_state
        from_embeddings = decoder(inputs_embeds=embeddings, **settings).last_hidden_state
    distance = (from_ids - from_embeddings).abs().max() / from_ids.abs().max()
    return bool(distance < SAME_STATES)


def _some_ids(model: "AttributionModel") -> torch.Tensor:
    """Return a few token ids `[1, position]` whose embeddings are not zero, as padding's are."""
    weights = model.model.get_input_embeddings().weight
    ids = weights.abs().sum(dim=1).nonzero().flatten()[:4]
    return ids.unsqueeze(0)


def _undo_first_scaling(
    decoder: Any, arguments: tuple[Any, ...], settings: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Divide embeddings that come from outside by the factor the decoder will apply."""
    embeddings = settings.get("inputs_embeds")
    if embeddings is not None:
        settings = {**settings, "inputs_embeds": embeddings / decoder.embed_scale}
    return arguments, settings


def keep_differentiable(network: Any) -> None:
    """Make 4-bit layers on the CPU pass gradients on, also after generating.

    On processors with bfloat16 instructions, bitsandbytes repacks a layer's weights during its
    first pass without gradients, such as generation. The operator it uses from then on has no
    backward pass: torch only warns, and the gradient of everything before the layer is lost.

    Called right after loading, this keeps the weights as they are. Called later, it unpacks
    them; the scales of their blocks have then been rounded to bfloat16.

    Args:
        network: A Transformers model; one without such layers is left alone.
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
