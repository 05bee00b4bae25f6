"""``python -m engine_bridge.remote.processes.keeper``: owns an engine's processes, and leaves none behind.

A child of the process that wants an engine. It reads one line of JSON (a KeeperOrder) from its standard input, starts
the virtual screen if one is wanted and then the engine, writes the engine's output into a bounded log file, and reports
on its standard output, a line of JSON each: ``{"started": PID}``, ``{"ended": STATUS}`` or ``{"failed": "why"}``.

It kills everything below it when its standard input ends, which it does however the parent goes, by kill -9 too; when
the parent is no longer its parent; and on SIGTERM. Orphans of the engine become its children, so they are found. Should
the keeper itself be killed, the kernel ends the engine and the screen, and the parent finds the rest by a variable
(MARK) that all of them inherit.

It imports nothing but the standard library: every engine waits for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO, Final, NoReturn

from engine_bridge.remote.processes.display import virtual_screen
from engine_bridge.remote.processes.prctl import adopt_orphans, die_with_parent
from engine_bridge.remote.processes.process_tree import descendants

MARK: Final = "F2P_KEEPER_MARK"

_TICK_S, _KILL_S = 0.2, 5.0
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, kw_only=True)
class KeeperOrder:
    """What to run. It travels through a pipe, never on a command line: the environment holds the token.

    scratch    an empty folder that is removed at the end
    log_bytes  the log is renamed to ``LOG.1`` at this size, replacing an older one
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    log: str
    scratch: str
    needs_screen: bool = False
    log_bytes: int = 10_000_000

    def to_json(self) -> bytes:
        """One line."""
        return json.dumps(asdict(self)).encode() + b"\n"


class BoundedLog:
    """A file that keeps the last one to two times ``limit`` bytes: what is older lies in ``NAME.1`` and then goes."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit = path, limit
        self._stream: BinaryIO = path.open("ab", buffering=0)

    def write(self, chunk: bytes) -> None:
        """A full disk loses log lines, never the engine."""
        with contextlib.suppress(OSError):
            if self._stream.tell() >= self._limit:
                self._stream.close()
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
                self._stream = self._path.open("ab", buffering=0)
            self._stream.write(chunk)

    def close(self) -> None:
        self._stream.close()


def keep(order: KeeperOrder, parent: int) -> None:
    """Run the engine until it ends or the parent wants no more of it, then clear up."""
    log = BoundedLog(Path(order.log), order.log_bytes)
    try:
        with _screen(order) as variables:
            screen = descendants(os.getpid())
            engine = _start(order, variables)
            try:
                _report({"started": engine.pid})
                _watch(engine, log, parent)
            finally:
                _kill(engine, spared=screen)
            if engine.returncode is None:
                _report({"failed": f"process {engine.pid} cannot be killed: it waits for the kernel"})
            else:
                _report({"ended": engine.returncode})
    except OSError as error:
        _report({"failed": " ".join(str(error).split())})
    finally:
        log.close()
        shutil.rmtree(order.scratch, ignore_errors=True)


def _screen(order: KeeperOrder) -> contextlib.AbstractContextManager[dict[str, str]]:
    return virtual_screen(Path(order.scratch)) if order.needs_screen else contextlib.nullcontext({})


def _start(order: KeeperOrder, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        order.command,
        cwd=order.folder,
        env={**order.environment, **variables, MARK: os.environ.get(MARK, "")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, signal.SIGKILL),  # noqa: PLW1509  # safe: the keeper has one thread
    )


def _watch(engine: subprocess.Popen[bytes], log: BoundedLog, parent: int) -> None:
    """Copy its output into the log until it ends, or until nobody wants it any more."""
    assert engine.stdout is not None
    output = engine.stdout.fileno()
    os.set_blocking(output, False)
    sources = [sys.stdin.fileno(), output]
    while os.getppid() == parent:
        ended = engine.poll() is not None
        ready = select.select(sources, [], [], 0.0 if ended else _TICK_S)[0]
        if sys.stdin.fileno() in ready and not os.read(sys.stdin.fileno(), _CHUNK):
            return
        if output in ready:
            chunk = os.read(output, _CHUNK)
            if chunk:
                log.write(chunk)
            else:  # it closed its output, and may live on
                sources.remove(output)
        elif ended:
            return


def _kill(engine: subprocess.Popen[bytes], spared: set[int]) -> None:
    """The engine, what it started, and what those left behind; a stopped process dies of SIGKILL too.

    The screen is spared: it ends by a signal that it can hear.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(engine.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        engine.wait(_KILL_S)
    _kill_descendants(spared)


def _kill_descendants(spared: set[int]) -> None:
    deadline = time.monotonic() + _KILL_S
    while (left := descendants(os.getpid()) - spared) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def _read_line(source: int) -> bytes:
    """Unbuffered, for what follows is watched by select; empty when the parent went before it had written the line."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(source, _CHUNK)
        if not chunk:
            return b""
        line += chunk
    return line


def _report(message: dict[str, Any]) -> None:
    """The parent may be gone; then nobody wants to know."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


def _end(signum: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def main() -> None:
    """Read the order and carry it out."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to answer
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for wanted in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(wanted, _end)
    adopt_orphans()
    line = _read_line(sys.stdin.fileno())
    if line:
        try:
            keep(KeeperOrder(**json.loads(line)), parent)
        finally:
            _kill_descendants(spared=set())


if __name__ == "__main__":
    main()
