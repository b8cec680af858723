"""4-bit layers whose gradients would silently be wrong, put right."""

from typing import Any


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
