"""Processes that end with whoever started them, however that one ends; and one who keeps processes running.

A child whose standard input is a pipe sees it end with its parent. What a Prefect worker starts has no such pipe: it
looks now and then whether its parent is still the worker.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from flows.progress import say

LOOK_EVERY_S: Final = 1.0
STOP_DEADLINE_S: Final = 25.0
#: A process that lived for less is started again only after a wait that doubles each time.
SHORT_LIFE_S: Final = 60.0
LONGEST_WAIT_S: Final = 60.0


def end_with_input() -> None:
    """End this process as soon as its standard input ends."""
    threading.Thread(target=_wait_for_end_of_input, name="end-with-input", daemon=True).start()


def end_with_supervisor(supervisor: int | None) -> None:
    """Terminate this process as soon as its parent is no longer the process ``supervisor``; None: never."""
    if supervisor is not None:
        threading.Thread(target=_watch_parent, args=(supervisor,), name="end-with-worker", daemon=True).start()


class KeptProcess:
    """A Python module as a process of its own, started again when it ends; what it prints goes to ``log``.

    It is in a session of its own, so that Ctrl-C reaches its keeper only, and has a pipe for standard input.
    """

    def __init__(self, title: str, module: str, arguments: Sequence[str] = (), *, log: Path | None = None) -> None:
        self.title, self._log = title, log
        self._command = [sys.executable, "-m", module, *arguments]
        self._wait_s, self._due, self._started = 1.0, 0.0, 0.0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it now."""
        self._started = time.monotonic()
        stream: IO[bytes] | None = self._log.open("ab") if self._log else None
        try:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=stream, stderr=stream, start_new_session=True
            )
        finally:
            if stream:
                stream.close()

    def keep(self, before: Callable[[], bool] = lambda: True) -> bool:
        """Start it again if it has ended, the wait is over and ``before``, asked then, agrees.

        Returns whether it was started.
        """
        if self.is_running:
            return False
        now = time.monotonic()
        if self._due == 0.0:
            self._wait_s = 1.0 if now - self._started > SHORT_LIFE_S else min(2 * self._wait_s, LONGEST_WAIT_S)
            self._due = now + self._wait_s
            status = self.process.returncode if self.process else None
            say(f"[yellow]{self.title} has ended with status {status}; again in {self._wait_s:.0f} s[/]")
        if now < self._due or not before():
            return False
        self._due = 0.0
        self.start()
        return True

    def stop(self) -> None:
        """Terminate it, and kill it when it takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_DEADLINE_S)  # its input stays open: the end of that would be the end of its grace
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.communicate()


def _wait_for_end_of_input() -> None:
    while os.read(0, 1024):  # not through sys.stdin: its lock would be held when this process ends by itself
        pass
    os._exit(0)


def _watch_parent(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)  # Prefect turns it into an error, so the run's record is closed
    time.sleep(STOP_DEADLINE_S / 2)
    os._exit(1)  # it may wait for a server that has ended as well
