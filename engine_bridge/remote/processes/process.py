"""A process as its starter sees it: a keeper holds it, so that nothing is left behind however the starter ends."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from engine_bridge.remote.processes.keeper import MARK, KeeperOrder
from engine_bridge.remote.processes.process_tree import descendants, marked, resident_bytes

_TAIL_BYTES: Final = 4000
_CLEAR_UP_S, _KILL_S = 0.5, 5.0


class EngineProcess:
    """A started engine, or another program of an adapter.

    :meth:`end` is idempotent and returns when all that it started is gone.
    """

    def __init__(self, order: KeeperOrder) -> None:
        self._log, self._scratch = Path(order.log), Path(order.scratch)
        self._mark = secrets.token_hex(16)
        self._reports: dict[str, Any] = {}
        self._unread = b""
        with self._log.open("ab") as log:  # should the keeper itself fail
            self._keeper = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "engine_bridge.remote.processes.keeper",
                ],  # -P: nothing is imported from the cwd
                env={**os.environ, MARK: self._mark},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,
            )
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        os.set_blocking(self._keeper.stdout.fileno(), False)
        with contextlib.suppress(BrokenPipeError):  # it ended at once: how_it_ended says why
            self._keeper.stdin.write(order.to_json())

    @property
    def is_running(self) -> bool:
        return self._keeper.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the engine itself, None until it was started."""
        self._read_reports()
        started: int | None = self._reports.get("started")
        return started

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with status 0."""
        self._read_reports()
        return self._reports.get("ended") == 0

    def how_it_ended(self) -> str:
        """One line: how it ended, its last words and where the rest of them is."""
        words = self._last_words()
        return f"{self.cause()}; {f'its last words: {words}; ' if words else ''}log: {self._log}"

    def cause(self) -> str:
        """How it ended, in a few words."""
        self._read_reports()
        if "failed" in self._reports:
            return str(self._reports["failed"])
        if "ended" not in self._reports:
            return "it still runs" if self.is_running else "its keeper was killed"
        status = self._reports["ended"]
        if status < 0:
            return f"it was killed by {signal.Signals(-status).name}"
        return f"it ended with status {status}"

    def memory_bytes(self) -> int:
        """Resident memory of everything that belongs to it."""
        return resident_bytes(descendants(self._keeper.pid))

    def end(self, patience_s: float = 10.0) -> None:
        """Kill it and all that it started."""
        assert self._keeper.stdin is not None
        with contextlib.suppress(OSError):
            self._keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(patience_s)
        self._read_reports()
        if self._keeper.returncode != 0:
            self._kill_by_hand()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended by itself in that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(timeout_s)
        return not self.is_running

    def _kill_by_hand(self) -> None:
        """Should the keeper hang or have been killed: what it would have done. A screen hears SIGTERM and clears up."""
        started = time.monotonic()
        while (left := self._family()) and time.monotonic() < started + _KILL_S:
            wanted = signal.SIGTERM if time.monotonic() < started + _CLEAR_UP_S else signal.SIGKILL
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, wanted)
            time.sleep(0.02)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _family(self) -> set[int]:
        """What still runs of the keeper and of all that has come from it."""
        keeper = {self._keeper.pid} if self.is_running else set()
        return marked(f"{MARK}={self._mark}".encode()) | keeper

    def _last_words(self) -> str:
        try:
            with self._log.open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
                lines = stream.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        return " | ".join(" ".join(line.split()) for line in lines if line.strip())[-300:]

    def _read_reports(self) -> None:
        stream = self._keeper.stdout
        if stream is None or stream.closed:
            return
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(stream.fileno(), 4096):
                self._unread += chunk
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            self._reports |= json.loads(line)
