"""The pairs of a position and a step that gradients of a chunk of steps are made of."""

import torch


class PairRows:
    """Rows of a matrix, one for each pair of a step and a position of its own prefix.

    A chunk's steps have prefixes of different lengths. Laid out `[position, step, ...]`, the
    pairs behind a step's prefix would be zeros that every matrix product goes through. For short
    texts, where they are many, only the others are kept, as `[pair, ...]`; for long ones the
    full layout saves looking up, for every pair, what the text left at its position.

    Attributes:
        positions: Positions in the longest prefix.
        steps: Steps of the chunk.
    """

    # Looking up costs about as much as this share of zeros.
    LARGEST_SHARE_OF_ZEROS = 0.06

    def __init__(self, ends: torch.Tensor) -> None:
        """Lay out the pairs.

        Args:
            ends: The last position of each step's prefix, `[step]`.
        """
        self.positions, self.steps = int(ends.max()) + 1, len(ends)
        all_positions = torch.arange(self.positions, device=ends.device)
        is_pair = all_positions[:, None] <= ends[None, :]
        total = self.positions * self.steps
        self._index: torch.Tensor | None = None
        if int(is_pair.sum()) < (1 - self.LARGEST_SHARE_OF_ZEROS) * total:
            self._index = is_pair.flatten().nonzero()[:, 0]
            self._position_of = self._index // self.steps
        self._own = ends * self.steps + torch.arange(self.steps, device=ends.device)

    def at(self, left: torch.Tensor) -> torch.Tensor:
        """Return what a text left at its positions, `[position, ...]`, fit for the rows."""
        if self._index is None:
            return left[: self.positions].unsqueeze(1)
        return left.index_select(0, self._position_of)

    def full(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the rows as `[position, step, ...]`, zero behind a step's prefix."""
        if self._index is None:
            return rows
        spread = rows.new_zeros(self.positions * self.steps, *rows.shape[1:])
        spread.index_copy_(0, self._index, rows)
        return spread.unflatten(0, (self.positions, self.steps))

    def kept(self, full: torch.Tensor) -> torch.Tensor:
        """Return the rows of something laid out `[position, step, ...]`."""
        if self._index is None:
            return full
        return full.flatten(0, 1).index_select(0, self._index)

    def placed(self, at_ends: torch.Tensor) -> torch.Tensor:
        """Return rows that are zero but for the last position of each prefix, `[step, ...]`."""
        spread = at_ends.new_zeros(self.positions * self.steps, *at_ends.shape[1:])
        spread.index_copy_(0, self._own, at_ends)
        return self.kept(spread.unflatten(0, (self.positions, self.steps)))


class EndRows:
    """Only the last position of each prefix, where a chunk's gradients begin: `[step, ...]`."""

    def __init__(self, ends: torch.Tensor) -> None:
        self._ends = ends

    def at(self, left: torch.Tensor) -> torch.Tensor:
        """Return what a text left at the last positions."""
        return left.index_select(0, self._ends)
