"""Matrix products by the fastest routine that this build of torch has."""

import torch


def has_onednn(rows: torch.Tensor) -> bool:
    """Tell whether oneDNN multiplies matrices like this one.

    Linear layers in float32 on a processor go through MKL, whichever processor it is. oneDNN,
    which torch carries as well and `torch.compile` uses, was a third faster on an AMD processor
    and needs fewer rows to get there (`benchmarks/matrix_products.py`).
    """
    return (
        rows.device.type == "cpu"
        and rows.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def product(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return `rows @ weight`, without a graph.

    Args:
        rows: `[..., inner]`.
        weight: `[inner, outer]`.
    """
    if has_onednn(rows):
        # Its weight comes as a linear layer's, `[outer, inner]`; a view will do.
        return torch.ops.mkldnn._linear_pointwise(rows, weight.T, None, "none", [], "")
    return rows @ weight


def sum_with_product(total: torch.Tensor, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return `total + rows @ weight`, without a graph; `total` may be overwritten.

    Args:
        total: `[row, outer]`.
        rows: `[row, inner]`.
        weight: `[inner, outer]`.
    """
    if has_onednn(rows):
        return torch.ops.mkldnn._linear_pointwise.binary(rows, total, weight.T, None, "add")
    return total.addmm_(rows, weight)
