"""How far a long piece of work is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

Report = Callable[[int, int], None]
"""Called with what is done and with what there is to do, such as steps."""


class Progress:
    """Counts what is done, out of a total, and reports it."""

    def __init__(self, total: int, report: Report | None = None) -> None:
        self.total, self.done = total, 0
        self._report = report

    def update(self, count: int) -> None:
        """Note that so much more is done."""
        self.done += count
        if self._report is not None:
            self._report(self.done, self.total)


def move(bar: "tqdm[Any]", done: int, total: int) -> None:
    """Move a progress bar to what is done."""
    if bar.total != total:
        bar.reset(total)
    bar.update(done - bar.n)
