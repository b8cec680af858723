"""Vector-Jacobian products of many steps through one graph: in one batch, or one by one."""

import time
from collections.abc import Sequence

import torch


class VectorJacobian:
    """Takes the products in one batch or in a loop, whichever was measured to be faster.

    The first chunk takes some of its steps in a loop and the others in a batch, so that nothing
    is computed only to be measured. Operators without a batched form decide for the loop.

    Attributes:
        is_batched: The decision; None until it has been measured.
    """

    LOOPED_FOR_MEASURING = 2

    def __init__(self, *, is_batched: bool | None = None) -> None:
        self.is_batched = is_batched

    def __call__(
        self,
        states: torch.Tensor,
        inputs: Sequence[torch.Tensor],
        at_head: torch.Tensor,
        positions: torch.Tensor,
    ) -> list[torch.Tensor]:
        """Return each step's gradients with respect to the inputs.

        Args:
            states: `[row, position, hidden]` with its graph, which is used up.
            inputs: Tensors of the graph, `[row, ...]` each.
            at_head: Each step's gradient at its own position, `[row, step, hidden]`.
            positions: Those positions, `[row, step]`.

        Returns:
            One tensor `[step, row, ...]` for each input.
        """
        rows, steps, _ = at_head.shape
        vectors = states.new_zeros(steps, *states.shape)
        row_index = torch.arange(rows, device=states.device)[:, None]
        step_index = torch.arange(steps, device=states.device)[None, :]
        vectors[step_index, row_index, positions.to(states.device)] = at_head.to(states.device)
        return self._products(states, inputs, vectors, keep_graph=False)

    def dense(
        self, states: torch.Tensor, source: torch.Tensor, vectors: torch.Tensor
    ) -> torch.Tensor:
        """Return the products of vectors `[step, row, position, hidden]`; the graph stays."""
        return self._products(states, [source], vectors, keep_graph=True)[0]

    def _products(
        self,
        states: torch.Tensor,
        inputs: Sequence[torch.Tensor],
        vectors: torch.Tensor,
        *,
        keep_graph: bool,
    ) -> list[torch.Tensor]:
        if self.is_batched is False or len(vectors) == 1:
            return looped(states, inputs, vectors, keep_graph)
        if self.is_batched:
            return batched(states, inputs, vectors, keep_graph)
        if len(vectors) <= 2 * self.LOOPED_FOR_MEASURING:
            return self._batched_if_possible(states, inputs, vectors)
        return self._measured(states, inputs, vectors)

    def _batched_if_possible(
        self, states: torch.Tensor, inputs: Sequence[torch.Tensor], vectors: torch.Tensor
    ) -> list[torch.Tensor]:
        try:
            return batched(states, inputs, vectors, keep_graph=True)
        except RuntimeError as error:
            if "vmap" not in str(error):
                raise
            self.is_batched = False
        return looped(states, inputs, vectors, keep_graph=True)

    def _measured(
        self, states: torch.Tensor, inputs: Sequence[torch.Tensor], vectors: torch.Tensor
    ) -> list[torch.Tensor]:
        cut = self.LOOPED_FOR_MEASURING
        # The first product pays for what is set up once.
        first = looped(states, inputs, vectors[:1], keep_graph=True)
        started = seconds(states.device)
        second = looped(states, inputs, vectors[1:cut], keep_graph=True)
        middle = seconds(states.device)
        others = self._batched_if_possible(states, inputs, vectors[cut:])
        ended = seconds(states.device)
        if self.is_batched is None:
            is_faster = (ended - middle) / (len(vectors) - cut) < (middle - started) / (cut - 1)
            self.is_batched = is_faster
        return [torch.cat(parts) for parts in zip(first, second, others, strict=True)]


def batched(
    states: torch.Tensor,
    inputs: Sequence[torch.Tensor],
    vectors: torch.Tensor,
    keep_graph: bool,
) -> list[torch.Tensor]:
    """Return all products from one backward pass of batched operators."""
    return list(
        torch.autograd.grad(states, inputs, vectors, is_grads_batched=True, retain_graph=keep_graph)
    )


def looped(
    states: torch.Tensor,
    inputs: Sequence[torch.Tensor],
    vectors: torch.Tensor,
    keep_graph: bool,
) -> list[torch.Tensor]:
    """Return all products from one backward pass each."""
    products = []
    for number, vector in enumerate(vectors, start=1):
        is_kept = keep_graph or number < len(vectors)
        products.append(torch.autograd.grad(states, inputs, vector, retain_graph=is_kept))
    return [torch.stack(parts) for parts in zip(*products, strict=True)]


def seconds(device: torch.device) -> float:
    """Read the clock once the device has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()
