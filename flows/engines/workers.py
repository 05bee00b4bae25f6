"""Worker processes that render shards: one per core, each with a mock engine of its own; or a single one that owns
the pool of a remote engine, because an address can have one owner only and starting engines twice would be a waste.

They are ours and not Prefect's: a task of Prefect waits for one shard while a process here works on it. Every worker
is in a process group of its own, so that Ctrl-C reaches only the parent, which then kills them; a worker whose parent
vanishes ends itself, and engines whose worker vanishes are killed by their keepers. Nothing here imports NumPy before
the number of threads is set.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Final, Self

from engine_bridge.errors import EngineBuildChangedError, EngineError, EngineTimeoutError, InputError
from flows.engines.orders import EngineOrder, open_engine
from flows.settings import Settings

if TYPE_CHECKING:
    from engine_bridge.bridge import EngineBridge
    from engine_bridge.frames import Frame, RenderRequest
    from engine_bridge.schema import ParameterSchema

#: Engines may have to be prepared, started and warmed up first; their own deadlines are shorter.
PATIENCE_S: Final = 3600.0

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
    """A fixed number of processes, started when they are first needed; :meth:`do` may be called by any thread."""

    def __init__(self, *, engine: EngineOrder, settings: Settings, num_workers: int) -> None:
        self._engine, self._settings = engine, settings
        self._num_workers = num_workers if engine.is_mock else 1
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._workers: set[_Worker] = set()
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def engine(self) -> EngineOrder:
        """What they render with."""
        return self._engine

    def do(self, job: Job, *arguments: Any, deadline_s: float = PATIENCE_S) -> Any:
        """The job's result from the next idle worker; its exceptions are raised here.

        Raises EngineError when the worker dies, EngineTimeoutError when it does not answer in time; a new worker takes
        its place.
        """
        self._start()
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

    def release(self) -> None:
        """End all workers; the next job starts new ones. Call it when no job is under way."""
        self._kill()
        self._idle = queue.SimpleQueue()

    def close(self) -> None:
        """End all workers at once. Shards are only ever renamed into place complete, so nothing that counts is lost."""
        self._stopped = True
        self._kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        with self._lock:
            if self._stopped:
                raise WorkersStoppedError("rendering was stopped")
            while len(self._workers) < self._num_workers:
                worker = _start_worker(self._engine, self._settings)
                self._workers.add(worker)
                self._idle.put(worker)

    def _replace(self, worker: _Worker) -> _Worker:
        worker.end()
        with self._lock:
            if self._stopped:
                raise WorkersStoppedError("rendering was stopped")
            self._workers.discard(worker)
            fresh = _start_worker(self._engine, self._settings)
            self._workers.add(fresh)
        return fresh

    def _kill(self) -> None:
        with self._lock:
            workers, self._workers = tuple(self._workers), set()
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()  # a killed process stays a zombie until somebody asks for its end


class WorkerEngine:
    """The engine of a worker process as an engine bridge of this one.

    Name, build and scene fields are those of the first answer: a worker that comes back with another build is refused.
    """

    def __init__(self, workers: EngineWorkers) -> None:
        self._workers = workers

    @property
    def name(self) -> str:
        return self._facts[0]

    @property
    def build(self) -> str:
        return self._facts[1]

    @property
    def scene_fields(self) -> frozenset[str]:
        return self._facts[2]

    def describe(self, character: str) -> ParameterSchema:
        schema: ParameterSchema = self._workers.do(_describe, character)
        return schema

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        frames: list[Frame] = self._workers.do(_render, self.build, list(requests))
        return frames

    def close(self) -> None:
        self._workers.close()

    @cached_property
    def _facts(self) -> tuple[str, str, frozenset[str]]:
        facts: tuple[str, str, frozenset[str]] = self._workers.do(_introduce)
        return facts


def _introduce(engine: EngineBridge) -> tuple[str, str, frozenset[str]]:
    return engine.name, engine.build, engine.scene_fields


def _describe(engine: EngineBridge, character: str) -> ParameterSchema:
    return engine.describe(character)


def _render(engine: EngineBridge, build: str, requests: list[RenderRequest]) -> list[Frame]:
    if engine.build != build:
        raise EngineBuildChangedError(
            f"{engine.name}: its build changed from {build} to {engine.build} during the run; run again"
        )
    return engine.render(requests)


def _start_worker(engine: EngineOrder, settings: Settings) -> _Worker:
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


def _work(wire: Connection, order: EngineOrder, settings: Settings) -> None:
    """A worker's life: one engine, one job after another, until the wire is closed."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if order.is_mock:
        os.environ["OMP_NUM_THREADS"] = "1"  # as many workers as cores: a second thread would only get in the way
    engine: EngineBridge | None = None
    while True:
        try:
            job, arguments = wire.recv()
        except EOFError:
            return
        try:
            engine = engine or open_engine(order, settings)
            wire.send((True, job(engine, *arguments)))
        except Exception as error:  # whatever it is, the parent decides
            wire.send((False, _sendable(error)))


def _sendable(error: Exception) -> Exception:
    """The error as the parent can unpickle it: one that is not made from its message alone becomes its family's."""
    error.__cause__ = error.__context__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever its __init__ or its attributes do
        family = next((kind for kind in (InputError, EngineError) if isinstance(error, kind)), RuntimeError)
        return family(str(error))
    return error


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
