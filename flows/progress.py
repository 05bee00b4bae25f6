"""Progress on standard error: a bar per long step on a terminal, a line per finished step everywhere."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console: Final = Console(stderr=True, highlight=False)


class ProgressBar:
    """One bar, drawn while its ``with`` block lasts; any thread may advance it.

    It is what training loops call ``Progress``: they know the total and announce it with :meth:`start`.
    """

    def __init__(self, title: str) -> None:
        self._title, self._lock = title, threading.Lock()
        self._bars = Progress(
            TextColumn("  {task.description:<32}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task(title, total=None)

    def start(self, total: int, description: str = "") -> None:
        """``total`` steps are ahead; a loop's own description of itself adds nothing to the title."""
        del description
        self._bars.reset(self._task, total=total)

    def advance(self, steps: int = 1) -> None:
        with self._lock:
            self._bars.advance(self._task, steps)

    def finish(self) -> None:
        """The bar goes when its block ends."""

    def note(self, message: str) -> None:
        """A line above the bar, which stays."""
        say(f"  [yellow]{escape(message)}[/]")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


def say(message: str) -> None:
    """One line on standard error."""
    console.print(message, soft_wrap=True)
