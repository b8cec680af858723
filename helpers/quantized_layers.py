"""4-bit layers whose gradients would silently be wrong, put right."""

from typing import Any


def keep_differentiable(network: Any) -> None:
    """Make 4-bit layers on the CPU pass gradients on, as they do before the first generation.

    On processors with bfloat16 instructions, bitsandbytes repacks a layer's weights during its
    first pass without gradients, such as generation. The operator it uses from then on has no
    backward pass: torch only warns, and the gradient of everything before the layer is lost.
    Repacking is lossless and is undone here, and kept from happening again.

    Args:
        network: A Transformers model; one without such layers is left alone.
    """
    for module in network.modules():
        if not getattr(module, "support_avx512bf16_for_cpu", False):
            continue
        module.support_avx512bf16_for_cpu = False
        if getattr(module.weight.quant_state, "packing_format_for_cpu", False):
            from bitsandbytes.nn.modules import _convert_weight_packed_for_cpu_inverse

            module.weight.data, module.weight.quant_state = _convert_weight_packed_for_cpu_inverse(
                module.weight.data, module.weight.quant_state
            )
