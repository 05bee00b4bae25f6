"""Commands of ``f2p`` as processes of their own, forked from this one, which has imported everything.

Importing takes longer than a tiny run, so hundreds of runs would wait for imports most of their time. What is forked is
the real command line with the arguments a user would type, in a session of its own; it renders in worker processes,
talks to a real Prefect server, and can be killed like any process. Needs Linux.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine_bridge.errors import EngineTimeoutError
from engine_bridge.remote.processes.process_tree import descendants, marked
from flows.orchestrator import start_orchestrator
from flows.settings import HOME_VARIABLE, Settings, prepare_environment
from infra.soak.file_events import Deadly, listen, write_counts

#: Longer than any tiny run takes on a machine with other work: a run that is still there hangs.
PATIENCE_S: Final = 300.0
_LEAVING_S: Final = 20.0
_LOOK_S: Final = 0.02
_SERVER_VARIABLE: Final = "PREFECT_API_URL"
OUTPUT: Final = "output.txt"
COUNTS: Final = "file-events.json"


def preload(home: Path) -> None:
    """Import and load what runs need, once. ``home`` gets an index of a registry that nobody uses."""
    import mlflow
    import onnxruntime
    import onnxscript
    import torch

    import flows.pipeline
    import flows.stages  # noqa: F401
    from engine_bridge.mock import MockEngine
    from f2p_datasets.detection import FaceDetector
    from f2p_models.registry import Registry
    from flows.engines.orders import studio_renderer

    torch.set_num_threads(1)
    assert mlflow
    assert onnxruntime
    assert onnxscript
    engine = MockEngine()
    face = studio_renderer(engine, "tiny", 256)([engine.describe("tiny").default_vector()])[0]
    FaceDetector().detect(face)
    Registry(home / "preload").list()


@dataclass
class ForkedRun:
    """A command under way. ``home`` is the home it works in, ``prints_to`` the file with what it says."""

    pid: int
    home: Path
    prints_to: Path
    _status: int | None = field(default=None, init=False)

    @property
    def output(self) -> str:
        return self.prints_to.read_text(encoding="utf-8", errors="replace")

    @property
    def last_line(self) -> str:
        """What the command said last."""
        return next(iter(reversed(self.output.strip().splitlines())), "")

    def poll(self) -> int | None:
        """The exit status, negative for a signal's number, or None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """The exit status. Raises EngineTimeoutError, after killing the run, when it hangs."""
        self.wait_until(lambda: False, patience_s)
        if self._status is None:
            self.kill()
            raise EngineTimeoutError(f"the run hung for {patience_s:.0f} s: {self.last_line}")
        return self._status

    def wait_until(self, come_about: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
        """Whether it came about before the run ended."""
        deadline = time.monotonic() + patience_s
        while self.poll() is None and time.monotonic() < deadline:
            if come_about():
                return True
            time.sleep(_LOOK_S)
        return False

    def kill(self) -> None:
        """Kill -9, of this process alone."""
        with contextlib.suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, signal.SIGKILL)
        while self.poll() is None:
            time.sleep(_LOOK_S)

    def below(self, *words: str) -> list[int]:
        """Its descendants whose command line has all these words."""
        return sorted(pid for pid in descendants(self.pid) if all(word in _command(pid) for word in words))

    def left_behind(self) -> list[int]:
        """Processes that outlive the run: of its session, or started for its home. They have some seconds to go."""
        deadline = time.monotonic() + _LEAVING_S
        while (found := self._others()) and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return found

    def _others(self) -> list[int]:
        of_home = marked(f"{HOME_VARIABLE}={self.home}".encode())
        return sorted(pid for pid in of_home | _session(self.pid) if pid != self.pid and not _is_dead(pid))


def fork_run(
    home: Path,
    *words: str,
    server: str | None,
    parts: Sequence[str] = (),
    deadly: Deadly | None = None,
    environment: Mapping[str, str] | None = None,
    output: Path,
) -> ForkedRun:
    """``f2p WORDS --home HOME``. It talks to the Prefect server at ``server``; None: it starts one of its own.

    ``output`` gets what it prints. ``parts`` of paths are counted into ``file-events.json`` beside that, see
    :mod:`infra.soak.file_events`.
    """

    def work() -> int:
        os.environ.update(environment or {})
        return _command_line(home, words, server=server, parts=parts, deadly=deadly, counts=output.with_name(COUNTS))

    return _fork(home, work, output)


def fork_call(home: Path, place: Path, function: Callable[[Path], Any]) -> Any:
    """The function's result for a home, plain JSON, computed in a process of its own that leaves files in ``place``.

    Raises RuntimeError when it fails.
    """
    answer = place / "answer.json"
    run = _fork(home, lambda: _answer(lambda: function(home), answer), place / "answer.txt")
    if run.wait() != 0:
        raise RuntimeError(run.output)
    return json.loads(answer.read_text(encoding="utf-8"))


def _fork(home: Path, work: Callable[[], int], output: Path) -> ForkedRun:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be_child(output, work)
    return ForkedRun(pid, home, output)


def _be_child(prints_to: Path, work: Callable[[], int]) -> None:
    """The life of a forked process; it never returns."""
    status = 1
    try:
        os.setsid()
        output = os.open(prints_to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        status = work()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _command_line(
    home: Path,
    words: Sequence[str],
    *,
    server: str | None,
    parts: Sequence[str],
    deadly: Deadly | None,
    counts: Path,
) -> int:
    if server is None:
        _use_own_server(home)
    from flows.cli import main

    seen = listen(parts, deadly)
    status = main([*words, "--home", str(home)])
    if parts:
        write_counts(seen, counts)
    return status


def _use_own_server(home: Path) -> None:
    """As a run does it that finds none. Prefect, long imported, has to look at its settings again."""
    from prefect.context import refresh_global_settings_context

    from flows.cli.app import main  # noqa: F401 - the verbs' own imports are not part of what is disturbed

    os.environ.pop(_SERVER_VARIABLE, None)
    settings = Settings(home=home)
    prepare_environment(settings)
    start_orchestrator(settings)
    refresh_global_settings_context()


def _answer(function: Callable[[], Any], path: Path) -> int:
    path.write_text(json.dumps(function()), encoding="utf-8")
    return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _session(leader: int) -> set[int]:
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getsid(int(entry.name)) == leader:
                found.add(int(entry.name))
    return found


def _is_dead(pid: int) -> bool:
    """Gone, or waiting for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
