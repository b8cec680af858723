"""The backward pass of a Llama-like layer, written out for many steps at once.

Autograd repeats for every step what belongs to the text alone: slopes, norms, weights. Here that
is computed once, and what is left for a chunk of steps are matrix products with few passes over
memory in between. A row is a pair of a position and a step, see `helpers.engine.pair_rows`.
"""

import torch

from helpers.engine.llama_layers import AttentionState, FeedForwardState, NormState, Rotation
from helpers.engine.matrix_products import product, sum_with_product
from helpers.engine.pair_rows import EndRows, PairRows


def add_norm_gradient(
    total: torch.Tensor, gradient: torch.Tensor, state: NormState, rows: PairRows | EndRows
) -> None:
    """Add to `total` the gradient of a norm's input, given that of its output.

    Args:
        total: A value for each row, `[row, ..., hidden]`; added to.
        gradient: The same shape; overwritten.
        state: The norm's state.
        rows: Which position each row stands for.
    """
    gradient *= state.weight
    for own, read in rows.pieces():
        part, normed = gradient[own], state.normed[read]
        mean = torch.linalg.vecdot(part, normed).unsqueeze(-1) / normed.shape[-1]
        part.addcmul_(normed, mean, value=-1)
        total[own].addcmul_(part, state.root[read])


def add_feed_forward_gradient(
    total: torch.Tensor,
    state: FeedForwardState,
    rows: PairRows | EndRows,
    spare: torch.Tensor,
) -> None:
    """Add what flows through the feed-forward branch to the gradient of its layer's output.

    Args:
        total: Gradient of the layer's output, `[row, hidden]`; becomes that of what the
            attention branch has been added to.
        state: What the text left in the module.
        rows: Which position each row stands for.
        spare: Memory for `[row, width]`; new memory for every layer costs more than the sums.
    """
    module = state.module
    inner = product(total, module.down_proj.weight)
    gate = spare[: len(inner)]
    for own, read in rows.pieces():
        torch.mul(inner[own], state.slope[read], out=gate[own])
        inner[own] *= state.gate[read]
    gradient = product(gate, module.gate_proj.weight)
    gradient = sum_with_product(gradient, inner, module.up_proj.weight)
    add_norm_gradient(total, gradient, state.norm, rows)


def add_attention_gradient(total: torch.Tensor, state: AttentionState, rows: PairRows) -> None:
    """Add what flows through the attention branch to the gradient of its layer's output.

    Args:
        total: Gradient after the attention branch, `[row, hidden]`; becomes that of the layer's
            input.
        state: What the text left in the module.
        rows: Which position each row stands for.
    """
    module = state.module
    kinds, group, _, size = state.mixed.shape
    mixed = product(total, module.o_proj.weight).view(-1, kinds, group, size)
    queries, keys, values = head_gradients(rows.by_position(mixed), state)
    queries = rows.by_pair(unrotated(queries, state.rotation))
    keys = rows.by_pair(unrotated(keys, state.rotation))
    if state.query_norm is not None and state.key_norm is not None:
        queries = norm_gradient(queries, state.query_norm, rows)
        keys = norm_gradient(keys, state.key_norm, rows)
    gradient = product(queries.flatten(1), module.q_proj.weight)
    gradient = sum_with_product(gradient, keys.flatten(1), module.k_proj.weight)
    values = rows.by_pair(values)
    gradient = sum_with_product(gradient, values.flatten(1), module.v_proj.weight)
    add_norm_gradient(total, gradient, state.norm, rows)


def norm_gradient(gradient: torch.Tensor, state: NormState, rows: PairRows) -> torch.Tensor:
    """Return the gradient of the input of a norm of heads, `[row, head, size]`."""
    total = torch.zeros_like(gradient)
    add_norm_gradient(total, gradient, state, rows)
    return total


def head_gradients(
    outer: torch.Tensor, state: AttentionState
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Go back through softmax attention.

    With attention weights `A`, values `V` and `d` the gradient of `A V`, that of the weights
    before the softmax is `A * (d V^T - sum(d * A V))` (Dao et al. 2022, appendix B).

    Args:
        outer: Gradient of what the heads gave, `[kind, group, position, step, size]`.
        state: What the text left in the module.

    Returns:
        Gradients of the rotated queries `[position, step, head, size]`, of the rotated keys and
        of the values `[position, step, key head, size]`.
    """
    kinds, group, positions, steps, size = outer.shape
    weights = state.weights[:, :, :positions, :positions]
    share = torch.einsum("kgpsd,kgpd->kgps", outer, state.mixed[:, :, :positions])
    values = weights.flatten(1, 2).mT @ outer.view(kinds, group * positions, steps * size)
    inner = outer.view(kinds, -1, size) @ state.values[:, :positions].mT
    inner = inner.view(kinds, group, positions, steps, positions)
    inner -= share.unsqueeze(-1)
    inner *= weights.unsqueeze(3)
    queries = inner.view(kinds, -1, positions) @ state.keys[:, :positions]
    sources = inner.view(kinds, group * positions, steps * positions).mT
    keys = sources @ state.queries[:, :, :positions].flatten(1, 2)
    return (
        queries.view(kinds, group, positions, steps, size).permute(2, 3, 0, 1, 4).flatten(2, 3),
        keys.view(kinds, steps, positions, size).permute(2, 1, 0, 3),
        values.view(kinds, positions, steps, size).permute(1, 2, 0, 3),
    )


def unrotated(gradient: torch.Tensor, rotation: Rotation) -> torch.Tensor:
    """Return the gradient before the rotary embedding, `[position, step, head, size]`."""
    cosines, sines = (table[: len(gradient), None, None] for table in rotation)
    half = gradient.shape[-1] // 2
    first, second = gradient[..., :half], gradient[..., half:]
    turned = torch.empty(gradient.shape, dtype=gradient.dtype, device=gradient.device)
    torch.mul(gradient, cosines, out=turned)
    turned[..., :half].addcmul_(second, sines[..., half:])
    turned[..., half:].addcmul_(first, sines[..., :half], value=-1)
    return turned
