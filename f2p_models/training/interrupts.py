"""Ctrl-C between two gradient steps, never inside one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class AgreedInterrupt(KeyboardInterrupt):
    """All processes of the group stopped after the same step, and their state is saved."""


class InterruptBetweenSteps:
    """Holds the first Ctrl-C back, see :attr:`pending`; the second one stops at once.

    A step that is cut in two has moved batch-norm statistics and random generators but not the weights: nothing that
    could be continued from. Threads other than the main one get no signals, and this does nothing there.
    """

    def __init__(self) -> None:
        self._pending = False
        self._previous: Any = None
        self._installed = False

    def __enter__(self) -> InterruptBetweenSteps:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._hold_back)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._previous)

    def _hold_back(self, _signum: int, _frame: FrameType | None) -> None:
        if self._pending:
            raise KeyboardInterrupt
        self._pending = True

    @property
    def pending(self) -> bool:
        """Whether a Ctrl-C is being held back: then stop at the next good place."""
        return self._pending
