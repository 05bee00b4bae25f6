"""How training tells somebody how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A progress bar, or anything that listens like one. Raising KeyboardInterrupt from ``advance`` stops cleanly."""

    def start(self, total: int, description: str) -> None:
        """A long task of ``total`` steps begins."""

    def advance(self, steps: int = 1) -> None:
        """That many more steps are done."""

    def finish(self) -> None:
        """The task that was started last is over, whether or not all of its steps were done."""

    def note(self, message: str) -> None:
        """One line that somebody should read, such as why it starts anew."""


class SilentProgress:
    """Nobody listens."""

    def start(self, total: int, description: str) -> None: ...

    def advance(self, steps: int = 1) -> None: ...

    def finish(self) -> None: ...

    def note(self, message: str) -> None: ...
