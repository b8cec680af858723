"""The backward pass of a Llama-like layer, written out for many steps at once.

Autograd repeats for every step what belongs to the text alone: slopes, norms, weights. Here that
is computed once, and what is left for a chunk of steps are matrix products with few passes over
memory in between. A row is a pair of a position and a step, see `hw7.engine.llama.pair_rows`.
"""

import torch

from hw7.engine.llama.layers import AttentionState, FeedForwardState, NormState, Rotation
from hw7.engine.llama.matrix_products import product, sum_with_product
from hw7.engine.llama.pair_rows import EndRows, PairRows


def add_norm_gradient(
    total: torch.Tensor, gradient: torch.Tensor, state: NormState, rows: PairRows | EndRows
) -> None:
    """Add to `total` the gradient of a norm's input, given that of its output.

    Args:
        total: A value for each row, `[row, ..., hidden]`; added to.
        gradient: The same shape; overwritten.
        state: The norm's state.
        rows: Which text and position each row stands for.
    """
    gradient *= state.weight
    for part, whole, read in rows.pieces(gradient, total):
        normed = state.normed[read]
        products = torch.linalg.vecdot(part, normed).unsqueeze(-1)
        part.addcmul_(normed, products, value=-1 / normed.shape[-1])
        whole.addcmul_(part, state.root[read])


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
        state: What the texts left in the module.
        rows: Which text and position each row stands for.
        spare: Memory for `[row, width]`; new memory for every layer costs more than the sums.
    """
    module = state.module
    inner = product(total, module.down_proj.weight)
    gate = spare[: len(inner)]
    for part, opened, read in rows.pieces(inner, gate):
        torch.mul(part, state.slope[read], out=opened)
        part *= state.gate[read]
    gradient = product(gate, module.gate_proj.weight)
    gradient = sum_with_product(gradient, inner, module.up_proj.weight)
    add_norm_gradient(total, gradient, state.norm, rows)


def add_attention_gradient(total: torch.Tensor, state: AttentionState, rows: PairRows) -> None:
    """Add what flows through the attention branch to the gradient of its layer's output.

    Args:
        total: Gradient after the attention branch, `[row, hidden]`; becomes that of the layer's
            input.
        state: What the texts left in the module.
        rows: Which text and position each row stands for.
    """
    module = state.module
    _, kinds, group, _, size = state.mixed.shape
    mixed = product(total, module.o_proj.weight).view(-1, kinds, group, size)
    queries, keys, values = head_gradients(rows.by_position(mixed), state, rows.texts)
    queries = unrotated(rows.by_pair(queries).flatten(1, 2), state.rotation, rows)
    keys = unrotated(rows.by_pair(keys), state.rotation, rows)
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
    outer: torch.Tensor, state: AttentionState, texts: slice
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Go back through softmax attention.

    With attention weights `A`, values `V` and `d` the gradient of `A V`, that of the weights
    before the softmax is `A * (d V^T - sum(d * A V))` (Dao et al. 2022, appendix B).

    Args:
        outer: Gradient of what the heads gave, `[text, kind, group, position, step, size]`.
        state: What the texts left in the module.
        texts: Which of them.

    Returns:
        Gradients of the rotated queries `[text, position, step, kind, group, size]`, of the
        rotated keys and of the values `[text, position, step, kind, size]`.
    """
    count, kinds, group, positions, steps, size = outer.shape
    weights = state.weights[texts, :, :, :positions, :positions]
    share = torch.einsum("tkgpsd,tkgpd->tkgps", outer, state.mixed[texts, :, :, :positions])
    by_reader = outer.view(count, kinds, group * positions, steps * size)
    values = weights.flatten(2, 3).mT @ by_reader
    inner = outer.view(count, kinds, -1, size) @ state.values[texts, :, :positions].mT
    inner = inner.view(count, kinds, group, positions, steps, positions)
    inner -= share.unsqueeze(-1)
    inner *= weights.unsqueeze(4)
    queries = inner.view(count, kinds, -1, positions) @ state.keys[texts, :, :positions]
    sources = inner.view(count, kinds, group * positions, steps * positions).mT
    keys = sources @ state.queries[texts, :, :, :positions].flatten(2, 3)
    return (
        queries.view(count, kinds, group, positions, steps, size).permute(0, 3, 4, 1, 2, 5),
        keys.view(count, kinds, steps, positions, size).permute(0, 3, 2, 1, 4),
        values.view(count, kinds, positions, steps, size).permute(0, 2, 3, 1, 4),
    )


def unrotated(gradient: torch.Tensor, rotation: Rotation, rows: PairRows) -> torch.Tensor:
    """Return the gradient before the rotary embedding, `[pair, head, size]`."""
    half = gradient.shape[-1] // 2
    turned = torch.empty_like(gradient)
    for part, result, (_, read) in rows.pieces(gradient, turned):
        cosines, sines = (table[read, None] for table in rotation)
        torch.mul(part, cosines, out=result)
        result[..., :half].addcmul_(part[..., half:], sines[..., half:])
        result[..., half:].addcmul_(part[..., :half], sines[..., :half], value=-1)
    return turned
