"""The pairs of a position and a step that gradients of a chunk of steps are made of."""

import torch


class PairRows:
    """Rows of a matrix, one for each point and pair of a step and a position of its own prefix.

    A chunk's steps have prefixes of different lengths: with a row for each pair, no product goes
    through positions behind a prefix. Rows are in the order of points, steps, positions.
    """

    def __init__(
        self,
        points: int,
        length: int,
        ends: range,
        device: torch.device,
        *,
        has_only_ends: bool = False,
    ) -> None:
        """Lay out the pairs.

        Args:
            points: At how many points of a path the text stands.
            length: How many positions the text has.
            ends: The last position of each step's prefix.
            device: Where the gradients are.
            has_only_ends: Leave out all positions but the last one, where gradients begin.
        """
        self._longest = (ends.stop, len(ends))
        steps = torch.arange(len(ends), device=device)
        positions = steps + ends.start
        if not has_only_ends:
            steps = steps.repeat_interleave(positions + 1)
            positions = torch.cat([torch.arange(end + 1, device=device) for end in ends])
        self._is_end = (positions == steps + ends.start).repeat(points)
        self._point = torch.arange(points, device=device).repeat_interleave(len(positions))
        self._position, self._step = positions.repeat(points), steps.repeat(points)
        self._read = self._point * length + self._position
        self._points = points

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._read)

    def read(self, state: torch.Tensor) -> torch.Tensor:
        """Return what the text left, `[point, position, ...]`, at each row's position."""
        return state.flatten(0, 1).index_select(0, self._read)

    def rotation(self, table: torch.Tensor) -> torch.Tensor:
        """Return the part of a table `[position, size]` for each row, `[row, 1, size]`."""
        return table.index_select(0, self._position).unsqueeze(1)

    def by_position(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `[row, kind, group, size]` as `[point, kind, group, position, step, size]`.

        Positions behind a step's prefix are zero.
        """
        _, kinds, group, size = rows.shape
        full = rows.new_zeros(self._points, kinds, group, *self._longest, size)
        full.permute(0, 3, 4, 1, 2, 5)[self._point, self._position, self._step] = rows
        return full

    def by_pair(self, full: torch.Tensor) -> torch.Tensor:
        """Return `[point, position, step, ...]` as `[row, ...]`."""
        return full[self._point, self._position, self._step]

    def by_step(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `[row, ...]` as `[step, point, position, ...]`, zero behind a step's prefix."""
        positions, steps = self._longest
        full = rows.new_zeros(steps, self._points, positions, *rows.shape[1:])
        full[self._step, self._point, self._position] = rows
        return full

    def from_ends(self, at_ends: torch.Tensor) -> torch.Tensor:
        """Return rows that are zero but for the last position of each prefix.

        Args:
            at_ends: The rows of the ends alone, `[point * step, ...]`.
        """
        rows = at_ends.new_zeros(len(self), *at_ends.shape[1:])
        rows[self._is_end] = at_ends
        return rows
