"""The pairs of a position and a step that gradients of a chunk of steps are made of."""

from collections.abc import Iterator

import torch

Piece = tuple[slice, slice | torch.Tensor]


class PairRows:
    """Rows of a matrix, one for each pair of a step and a position of its own prefix.

    A chunk's steps have prefixes of different lengths. The rows of one step follow each other,
    so that no product goes through positions behind a prefix, and what the text left at the
    positions fits to a step's rows without being copied.

    Attributes:
        positions: Positions in the longest prefix.
        steps: The rows of each step.
    """

    def __init__(self, ends: torch.Tensor) -> None:
        """Lay out the pairs.

        Args:
            ends: The last position of each step's prefix, `[step]`.
        """
        lengths = [end + 1 for end in ends.tolist()]
        self.positions = max(lengths)
        self.steps = []
        start = 0
        for length in lengths:
            self.steps.append(slice(start, start + length))
            start += length

    def pieces(self) -> Iterator[Piece]:
        """Yield some rows and, in the same order, which positions they stand for."""
        for own in self.steps:
            yield own, slice(0, own.stop - own.start)

    def by_position(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `[pair, kind, group, size]` as `[kind, group, position, step, size]`.

        Positions behind a step's prefix are zero.
        """
        _, kinds, group, size = rows.shape
        full = rows.new_zeros(kinds, group, self.positions, len(self.steps), size)
        for step, (own, read) in enumerate(self.pieces()):
            full[:, :, read, step] = rows[own].permute(1, 2, 0, 3)
        return full

    def by_pair(self, full: torch.Tensor) -> torch.Tensor:
        """Return `[position, step, head, size]` as `[pair, head, size]`."""
        rows = full.new_empty(self.steps[-1].stop, *full.shape[2:])
        for step, (own, read) in enumerate(self.pieces()):
            rows[own] = full[read, step]
        return rows

    def placed(self, at_ends: torch.Tensor) -> torch.Tensor:
        """Return rows that are zero but for the last position of each prefix, `[step, ...]`."""
        rows = at_ends.new_zeros(self.steps[-1].stop, *at_ends.shape[1:])
        rows[[own.stop - 1 for own in self.steps]] = at_ends
        return rows


class EndRows:
    """Only the last position of each prefix, where a chunk's gradients begin: `[step, ...]`."""

    def __init__(self, ends: torch.Tensor) -> None:
        self._ends = ends

    def pieces(self) -> Iterator[Piece]:
        """Yield all rows at once, and which positions they stand for."""
        yield slice(None), self._ends
