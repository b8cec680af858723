"""What a forward pass of a Llama-like model leaves in its layers for the backward pass.

Llama, Mistral, Qwen2 and Qwen3 share one layer: RMS norm, rotary attention with grouped keys
(Qwen3 also normalises queries and keys), RMS norm, gated feed-forward.
"""

from dataclasses import dataclass
from typing import Any

import torch

from hw7.engine.llama.recorder import Recorder

Rotation = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class NormState:
    """An RMS norm, `y = w * x * r` with `r = 1 / sqrt(mean(x^2) + eps)`, seen from behind.

    With `d` the gradient of `y`, that of `x` is `r * (w * d - x * r * mean(w * d * x * r))`.

    Attributes:
        normed: `x * r`, `[point, position, ..., hidden]`.
        root: `r`, `[point, position, ..., 1]`.
        weight: `w`, `[hidden]`.
    """

    normed: torch.Tensor
    root: torch.Tensor
    weight: torch.Tensor


def norm_state(norm: Any, inputs: torch.Tensor) -> NormState:
    """Return the state of a norm that has read `[point, position, ..., hidden]`."""
    root = torch.rsqrt(inputs.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)
    return NormState(inputs * root, root, norm.weight.detach())


@dataclass(frozen=True)
class AttentionState:
    """What the text left in a layer's attention.

    Query heads are ordered `[key head, query head of that key head]`, below `[kind, group]`.

    Attributes:
        module: The attention module, for its weights.
        norm: The norm before it.
        query_norm: Qwen3's norm of the queries, `[point, position, head, size]`; else None.
        key_norm: Qwen3's norm of the keys; else None.
        rotation: Cosines and sines of the rotary embedding, `[position, size]`.
        weights: Attention weights, `[point, kind, group, position, position]`.
        queries: Rotated, times the attention's scale, `[point, kind, group, position, size]`.
        keys: Rotated, times the attention's scale, `[point, kind, position, size]`.
        values: `[point, kind, position, size]`.
        mixed: What the heads gave, `[point, kind, group, position, size]`.
    """

    module: Any
    norm: NormState
    query_norm: NormState | None
    key_norm: NormState | None
    rotation: Rotation
    weights: torch.Tensor
    queries: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor
    mixed: torch.Tensor


@dataclass(frozen=True)
class FeedForwardState:
    """What the text left in a layer's gated feed-forward module.

    Attributes:
        module: The module, for its weights.
        norm: The norm before it.
        gate: The activated gate, `[point, position, width]`.
        slope: The activation's slope times the other branch, `[point, position, width]`.
    """

    module: Any
    norm: NormState
    gate: torch.Tensor
    slope: torch.Tensor


def recorder_of(network: Any) -> Recorder:
    """Return what notes all that the backward pass needs of a forward pass."""
    body = network.base_model
    inputs, outputs = [body.norm], [body.rotary_emb]
    for layer in body.layers:
        attention, feed_forward = layer.self_attn, layer.mlp
        inputs += [layer.input_layernorm, attention.o_proj, layer.post_attention_layernorm]
        outputs += [attention.q_proj, attention.k_proj, attention.v_proj]
        outputs += [feed_forward.gate_proj, feed_forward.up_proj]
    return Recorder(inputs, outputs)


def attention_state(
    layer: Any, recorder: Recorder, rotation: Rotation, weights: torch.Tensor
) -> AttentionState:
    """Return what the text left in a layer's attention; the recorder gives it away.

    Args:
        layer: The decoder layer.
        recorder: What flowed through its modules.
        rotation: Cosines and sines of the rotary embedding, `[position, size]`.
        weights: The layer's attention weights, `[point, head, position, position]`.
    """
    module = layer.self_attn
    size, group = module.head_dim, module.num_key_value_groups

    def heads(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.unflatten(-1, (-1, size))

    queries, keys = (heads(recorder.outputs.pop(part)) for part in (module.q_proj, module.k_proj))
    query_norm = key_norm = None
    if hasattr(module, "q_norm"):
        query_norm, key_norm = norm_state(module.q_norm, queries), norm_state(module.k_norm, keys)
        queries, keys = module.q_norm(queries), module.k_norm(keys)
    queries, keys = rotated(queries, rotation), rotated(keys, rotation)
    mixed = heads(recorder.inputs.pop(module.o_proj))
    return AttentionState(
        module=module,
        norm=norm_state(layer.input_layernorm, recorder.inputs.pop(layer.input_layernorm)),
        query_norm=query_norm,
        key_norm=key_norm,
        rotation=rotation,
        weights=weights.unflatten(1, (-1, group)),
        queries=(queries * module.scaling).transpose(1, 2).unflatten(1, (-1, group)),
        keys=(keys * module.scaling).transpose(1, 2),
        values=heads(recorder.outputs.pop(module.v_proj)).transpose(1, 2),
        mixed=mixed.transpose(1, 2).unflatten(1, (-1, group)),
    )


def feed_forward_state(layer: Any, recorder: Recorder) -> FeedForwardState:
    """Return what the text left in a layer's feed-forward module; the recorder gives it away."""
    module, norm = layer.mlp, layer.post_attention_layernorm
    with torch.enable_grad():
        before = recorder.outputs.pop(module.gate_proj).detach().requires_grad_()
        gate = module.act_fn(before)
        # An activation works element by element, so the gradient of the sum is its slope.
        slope = torch.autograd.grad(gate.sum(), before)[0]
    slope *= recorder.outputs.pop(module.up_proj)
    return FeedForwardState(
        module, norm_state(norm, recorder.inputs.pop(norm)), gate.detach(), slope
    )


def rotated(heads: torch.Tensor, rotation: Rotation) -> torch.Tensor:
    """Turn `[point, position, head, size]` by the rotary embedding (Su et al. 2021), like Llama."""
    cosines, sines = (table[:, None] for table in rotation)
    first, second = heads.chunk(2, dim=-1)
    return heads * cosines + torch.cat([-second, first], dim=-1) * sines
