"""Matrix products by the fastest routine that this build of torch has."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

# Products of whole numbers this small are exact in every order.
_PROBE = 4


@cache
def onednn_works() -> bool:
    """Tell whether this build of torch has oneDNN's product, and whether it multiplies.

    The operator is torch's own, but not a public one: it may be missing or ask for other words.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    rows = torch.arange(float(_PROBE**2)).view(_PROBE, _PROBE)
    try:
        found = _onednn_product(rows, rows)
        added = _onednn_sum(rows, rows, rows)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(found, rows @ rows) and torch.equal(added, rows + rows @ rows)


def has_onednn(rows: torch.Tensor) -> bool:
    """Tell whether oneDNN multiplies matrices like this one.

    Linear layers in float32 on a processor go through MKL, whichever processor it is. oneDNN,
    which torch carries as well and `torch.compile` uses, was a fifth to a half faster on an AMD
    processor and needs fewer rows to get there (`benchmarks/matrix_products.py`).
    """
    return rows.device.type == "cpu" and rows.dtype == torch.float32 and onednn_works()


def _onednn_product(
    rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    # Its weight comes as a linear layer's, `[outer, inner]`; a view will do.
    return torch.ops.mkldnn._linear_pointwise(rows, weight.T, bias, "none", [], "")


def _onednn_sum(total: torch.Tensor, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise.binary(rows, total, weight.T, None, "add")


def product(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return `rows @ weight`, without a graph.

    Args:
        rows: `[..., inner]`.
        weight: `[inner, outer]`.
    """
    if has_onednn(rows):
        return _onednn_product(rows, weight)
    return rows @ weight


def sum_with_product(total: torch.Tensor, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return `total + rows @ weight`, without a graph; `total` may be overwritten.

    Args:
        total: `[row, outer]`.
        rows: `[row, inner]`.
        weight: `[inner, outer]`.
    """
    if has_onednn(rows):
        return _onednn_sum(total, rows, weight)
    return total.addmm_(rows, weight)


class FastLinear(TorchFunctionMode):
    """Sends the linear layers of a forward pass without a graph through oneDNN.

    Nothing of the model is changed; outside of the `with` block, all is as before.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, or what does the same faster."""
        if function is F.linear and not kwargs and _is_plain(*args):
            rows, weight, *bias = args
            return _onednn_product(rows, weight.T, *bias)
        return function(*args, **(kwargs or {}))


def _is_plain(*tensors: torch.Tensor | None) -> bool:
    """Tell whether all are ordinary tensors that oneDNN multiplies, and no graph is wanted."""
    return not torch.is_grad_enabled() and all(
        tensor is None
        or (type(tensor) in (torch.Tensor, torch.nn.Parameter) and has_onednn(tensor))
        for tensor in tensors
    )
