"""Going through the steps in chunks, smaller ones where memory runs out."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from hw7.engine.capacity import is_out_of_memory

Result = TypeVar("Result")


def run_in_chunks(
    compute: Callable[[int, int], Result], steps: int, size_at: Callable[[int], int]
) -> Iterator[Result]:
    """Yield the result of each chunk; where memory runs out, halve the chunks.

    Args:
        compute: Called with the first step of a chunk and the first one after it.
        steps: The number of steps.
        size_at: How many steps a chunk should have that begins at some step.

    Raises:
        MemoryError: Not even a single step fits.
    """
    start, most = 0, steps
    while start < steps:
        end = min(start + min(size_at(start), most), steps)
        try:
            result = compute(start, end)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if end - start == 1:
                raise MemoryError("Memory ran out while explaining a single token.") from error
            most = max(1, (end - start) // 2)
            result = None
        if result is None:
            # Only here the error has let go of the chunk's tensors.
            empty_cache()
            continue
        yield result
        start = end


def empty_cache() -> None:
    """Give cached blocks back to the device, so that smaller ones can be cut."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
