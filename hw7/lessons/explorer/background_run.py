"""Work in a thread that can be watched and cancelled, while the kernel stays free."""

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_SECONDS_BETWEEN_REPORTS = 0.15


class Cancelled(Exception):
    """The student pressed Cancel; raised inside the model, caught by the run."""


class BackgroundRun:
    """One piece of work on a model, in a thread of its own.

    Cancelling takes effect at the next module that the model calls: within one layer while it
    reads, within one chunk of tokens while gradients flow back.
    """

    def __init__(
        self,
        network: Any,
        work: Callable[[], Any],
        *,
        on_step: Callable[[int, float], None],
        on_end: Callable[[Any, BaseException | None], None],
    ) -> None:
        """Start at once.

        Args:
            network: The torch module that is watched.
            work: Called in the thread.
            on_step: Told, several times a second, the forward passes so far and the seconds.
            on_end: Told the result, or the error (``Cancelled`` after ``cancel``).
        """
        self._network = network
        self._work = work
        self._on_step = on_step
        self._on_end = on_end
        self._is_cancelled = threading.Event()
        self._passes = 0
        self._started = self._reported = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="hw7-explorer", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the thread is still at work."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Ask the work to end; it returns at once."""
        self._is_cancelled.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; return whether it came in time."""
        self._thread.join(seconds)
        return not self.is_running

    def _run(self) -> None:
        result, error = None, None
        try:
            with self._watched():
                result = self._work()
        except BaseException as caught:  # every error is handed on, to be shown in the widget
            error = caught
            # The frames hold tensors, and the widget keeps the error.
            traceback.clear_frames(caught.__traceback__)
            caught.__traceback__ = None
        self._on_end(result, error)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        # A released model has no network any more; explain() will say so.
        modules = [] if self._network is None else list(self._network.modules())
        handles = [module.register_forward_pre_hook(self._check) for module in modules]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _check(self, module: Any, _arguments: Any) -> None:
        # The same model may be used by a cell meanwhile; that is none of this run's business.
        if threading.current_thread() is not self._thread:
            return
        if self._is_cancelled.is_set():
            raise Cancelled
        if module is not self._network:
            return
        self._passes += 1
        now = time.monotonic()
        if now - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self._reported = now
            self._on_step(self._passes, now - self._started)
