"""The pairs of a position and a step that gradients of a chunk of steps are made of."""

from collections.abc import Iterator
from typing import Any

import torch


class PairRows:
    """Rows of a matrix, one for each pair of a step and a position of its own prefix.

    A chunk's steps have prefixes of different lengths. The rows of one step follow each other,
    so that no product goes through positions behind a prefix, and what the text left at the
    positions fits to a step's rows without being copied. Texts of the same lengths, such as the
    points of a path, lie side by side within each step.

    Attributes:
        texts: Which texts of the batch.
        positions: Positions in the longest prefix.
        steps: The rows of each step.
    """

    def __init__(self, texts: slice, count: int, ends: torch.Tensor) -> None:
        """Lay out the pairs.

        Args:
            texts: Which texts of the batch.
            count: How many these are.
            ends: The last position of each step's prefix, `[step]`.
        """
        self.texts, self._count = texts, count
        self._lengths = [end + 1 for end in ends.tolist()]
        self.positions = max(self._lengths)
        self.steps = []
        start = 0
        for length in self._lengths:
            self.steps.append(slice(start, start + count * length))
            start += count * length

    def __len__(self) -> int:
        """The number of pairs."""
        return self.steps[-1].stop

    def pieces(self, *tensors: torch.Tensor) -> Iterator[tuple[Any, ...]]:
        """Yield a part of each tensor `[pair, ...]`, and the index of what belongs to it.

        The parts are views `[text, position, ...]`; the index is for tensors of all texts and
        positions, `[row, position, ...]`.
        """
        for own, length in zip(self.steps, self._lengths, strict=True):
            parts = (tensor[own].unflatten(0, (self._count, length)) for tensor in tensors)
            yield (*parts, (self.texts, slice(0, length)))

    def by_position(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `[pair, kind, group, size]` as `[text, kind, group, position, step, size]`.

        Positions behind a step's prefix are zero.
        """
        _, kinds, group, size = rows.shape
        shape = (self._count, kinds, group, self.positions, len(self.steps), size)
        full = rows.new_zeros(shape)
        for step, (part, (_, read)) in enumerate(self.pieces(rows)):
            full[:, :, :, read, step] = part.permute(0, 2, 3, 1, 4)
        return full

    def by_pair(self, full: torch.Tensor) -> torch.Tensor:
        """Return `[text, position, step, ...]` as `[pair, ...]`."""
        rows = full.new_empty(len(self), *full.shape[3:])
        for step, (part, (_, read)) in enumerate(self.pieces(rows)):
            part.copy_(full[:, read, step])
        return rows

    def placed(self, at_ends: torch.Tensor) -> torch.Tensor:
        """Return rows that are zero but for the last position of each prefix.

        Args:
            at_ends: The rows of `EndRows`, `[text * step, ...]`.
        """
        ends = at_ends.unflatten(0, (self._count, -1))
        rows = at_ends.new_zeros(len(self), *at_ends.shape[1:])
        for step, (part, _) in enumerate(self.pieces(rows)):
            part[:, -1] = ends[:, step]
        return rows


class EndRows:
    """Only the last position of each prefix, where gradients begin: `[text * step, ...]`."""

    def __init__(self, texts: slice, count: int, ends: torch.Tensor) -> None:
        self._texts, self._count, self._ends = texts, count, ends

    def pieces(self, *tensors: torch.Tensor) -> Iterator[tuple[Any, ...]]:
        """Yield all of each tensor as `[text, step, ...]`, and the index of what belongs to it."""
        parts = (tensor.unflatten(0, (self._count, -1)) for tensor in tensors)
        yield (*parts, (self._texts, self._ends))
