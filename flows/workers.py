"""Worker processes that render shards, each with an engine of its own.

They are ours and not Prefect's: a task of Prefect waits for one shard while a process here works on it. Every worker
is in a process group of its own, so that Ctrl-C reaches only the parent, which then kills them; a worker whose parent
vanishes ends itself. Nothing here imports NumPy before the number of threads is set.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from engine_bridge.errors import EngineError, EngineTimeoutError
from flows.settings import Settings

if TYPE_CHECKING:
    from engine_bridge.bridge import EngineBridge

Job = Callable[..., Any]
"""A function at module level; called as ``job(engine, *arguments)`` in the worker."""


class WorkersStoppedError(EngineError):
    """The run is being ended, so nothing is rendered any more."""


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    wire: Connection

    def end(self) -> None:
        """Kill it and clean up."""
        self.process.kill()
        self.process.join()
        self.wire.close()


class EngineWorkers:
    """A fixed number of processes; :meth:`do` may be called from as many threads and more."""

    def __init__(self, *, engine: str, settings: Settings, num_workers: int) -> None:
        self._engine, self._settings, self._stopped = engine, settings, False
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._workers = {_start_worker(engine, settings) for _ in range(num_workers)}
        for worker in self._workers:
            self._idle.put(worker)

    def do(self, job: Job, *arguments: Any, deadline_s: float) -> Any:
        """The job's result from the next idle worker; its exceptions are raised here.

        Raises EngineError when the worker dies, EngineTimeoutError when it does not answer in time; a new worker takes
        its place.
        """
        worker = self._idle.get()
        try:
            succeeded, result = _ask(worker, (job, arguments), deadline_s)
        except EngineError as error:
            if self._stopped:
                raise WorkersStoppedError("rendering was stopped") from error
            worker = self._replace(worker)
            raise
        finally:
            self._idle.put(worker)
        if not succeeded:
            raise result
        return result

    def _replace(self, worker: _Worker) -> _Worker:
        worker.end()
        self._workers.discard(worker)
        fresh = _start_worker(self._engine, self._settings)
        self._workers.add(fresh)
        return fresh

    def close(self) -> None:
        """End all workers at once. Shards are only ever renamed into place complete, so nothing that counts is lost."""
        self._stopped = True
        workers = tuple(self._workers)
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()  # a killed process stays a zombie until somebody asks for its end


def _start_worker(engine: str, settings: Settings) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, engine, settings), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _ask(worker: _Worker, question: tuple[Job, tuple[Any, ...]], deadline_s: float) -> tuple[bool, Any]:
    try:
        worker.wire.send(question)
        if not worker.wire.poll(deadline_s):
            raise EngineTimeoutError(f"a render worker gave no answer in {deadline_s:.0f} s and was ended; run again")
        answer: tuple[bool, Any] = worker.wire.recv()
    except (EOFError, OSError) as error:
        raise EngineError("a render worker died (out of memory?); run again to render what is missing") from error
    return answer


def _work(wire: Connection, engine_name: str, settings: Settings) -> None:
    """A worker's life: one engine, one job after another, until the wire is closed."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"  # as many workers as cores: a second thread would only get in the way
    engine: EngineBridge | None = None
    while True:
        try:
            job, arguments = wire.recv()
        except EOFError:
            return
        try:
            engine = engine or _open(engine_name, settings)
            wire.send((True, job(engine, *arguments)))
        except Exception as error:  # whatever it is, the parent decides
            wire.send((False, _sendable(error)))


def _open(engine_name: str, settings: Settings) -> EngineBridge:
    from flows.engines import open_engine

    return open_engine(engine_name, settings)


def _sendable(error: Exception) -> Exception:
    """The error's class survives pickling only if it is made from its message alone, as all of ours are."""
    error.__cause__ = error.__context__ = None
    return error


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
