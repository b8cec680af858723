"""The backward pass of a Llama-like layer, written out for many steps at once.

Autograd repeats for every step what belongs to the text alone: slopes, norms, weights. Here that
is computed once, and what is left for a chunk of steps are matrix products with few passes over
memory in between. A row is a pair of a position and a step, see `hw7.engine.llama.pair_rows`.
"""

import torch

from hw7.engine.llama.layers import AttentionState, FeedForwardState, NormState, Rotation
from hw7.engine.llama.pair_rows import PairRows


def add_norm_gradient(
    total: torch.Tensor, gradient: torch.Tensor, state: NormState, rows: PairRows
) -> None:
    """Add to `total` the gradient of a norm's input, given that of its output.

    Args:
        total: A value for each row, `[row, ..., hidden]`; added to.
        gradient: The same shape; overwritten.
        state: The norm's state.
        rows: Which point, step and position each row stands for.
    """
    gradient *= state.weight
    normed = rows.read(state.normed)
    products = torch.linalg.vecdot(gradient, normed).unsqueeze(-1)
    gradient.addcmul_(normed, products, value=-1 / normed.shape[-1])
    total.addcmul_(gradient, rows.read(state.root))


def add_feed_forward_gradient(total: torch.Tensor, state: FeedForwardState, rows: PairRows) -> None:
    """Add what flows through the feed-forward branch to the gradient of its layer's output.

    Args:
        total: Gradient of the layer's output, `[row, hidden]`; becomes that of what the
            attention branch has been added to.
        state: What the text left in the module.
        rows: Which point, step and position each row stands for.
    """
    module = state.module
    inner = total @ module.down_proj.weight
    gate = rows.read(state.slope).mul_(inner)
    inner *= rows.read(state.gate)
    gradient = gate @ module.gate_proj.weight
    gradient.addmm_(inner, module.up_proj.weight)
    add_norm_gradient(total, gradient, state.norm, rows)


def add_attention_gradient(total: torch.Tensor, state: AttentionState, rows: PairRows) -> None:
    """Add what flows through the attention branch to the gradient of its layer's output.

    Args:
        total: Gradient after the attention branch, `[row, hidden]`; becomes that of the layer's
            input.
        state: What the text left in the module.
        rows: Which point, step and position each row stands for.
    """
    module = state.module
    _, kinds, group, _, size = state.mixed.shape
    mixed = (total @ module.o_proj.weight).view(-1, kinds, group, size)
    queries, keys, values = head_gradients(rows.by_position(mixed), state)
    queries = unrotated(rows.by_pair(queries).flatten(1, 2), state.rotation, rows)
    keys = unrotated(rows.by_pair(keys), state.rotation, rows)
    if state.query_norm is not None and state.key_norm is not None:
        queries = norm_gradient(queries, state.query_norm, rows)
        keys = norm_gradient(keys, state.key_norm, rows)
    gradient = queries.flatten(1) @ module.q_proj.weight
    gradient.addmm_(keys.flatten(1), module.k_proj.weight)
    values = rows.by_pair(values)
    gradient.addmm_(values.flatten(1), module.v_proj.weight)
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
        outer: Gradient of what the heads gave, `[point, kind, group, position, step, size]`.
        state: What the text left in the module.

    Returns:
        Gradients of the rotated queries `[point, position, step, kind, group, size]`, of the
        rotated keys and of the values `[point, position, step, kind, size]`.
    """
    count, kinds, group, positions, steps, size = outer.shape
    weights = state.weights[..., :positions, :positions]
    share = torch.einsum("tkgpsd,tkgpd->tkgps", outer, state.mixed[:, :, :, :positions])
    by_reader = outer.view(count, kinds, group * positions, steps * size)
    values = weights.flatten(2, 3).mT @ by_reader
    inner = outer.view(count, kinds, -1, size) @ state.values[:, :, :positions].mT
    inner = inner.view(count, kinds, group, positions, steps, positions)
    inner -= share.unsqueeze(-1)
    inner *= weights.unsqueeze(4)
    queries = inner.view(count, kinds, -1, positions) @ state.keys[:, :, :positions]
    sources = inner.view(count, kinds, group * positions, steps * positions).mT
    keys = sources @ state.queries[:, :, :, :positions].flatten(2, 3)
    return (
        queries.view(count, kinds, group, positions, steps, size).permute(0, 3, 4, 1, 2, 5),
        keys.view(count, kinds, steps, positions, size).permute(0, 3, 2, 1, 4),
        values.view(count, kinds, positions, steps, size).permute(0, 2, 3, 1, 4),
    )


def unrotated(gradient: torch.Tensor, rotation: Rotation, rows: PairRows) -> torch.Tensor:
    """Return the gradient before the rotary embedding, `[pair, head, size]`."""
    half = gradient.shape[-1] // 2
    cosines, sines = (rows.rotation(table) for table in rotation)
    turned = gradient * cosines
    turned[..., :half].addcmul_(gradient[..., half:], sines[..., half:])
    turned[..., half:].addcmul_(gradient[..., :half], sines[..., :half], value=-1)
    return turned
