"""Subjects for the kit: an adapter that is started for the check, or an engine that somebody else starts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from engine_bridge.conformance.subject import Subject
from engine_bridge.conformance.wire import KitEndpoint
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.pool.engine_sources import StartedEngine, Workplace
from engine_bridge.remote.processes.adapters import Adapter

#: How long an engine that somebody else starts may take to dial in.
VISITOR_S = 300.0


@contextlib.contextmanager
def open_adapter(
    adapter: Adapter,
    *,
    work_root: Path,
    log_folder: Path,
    options: Mapping[str, str] | None = None,
    character_folders: Sequence[Path] = (),
    gpu: int | None = None,
) -> Iterator[Subject]:
    """The engine of an adapter, prepared if need be, started, and ended afterwards. Raises EngineUnavailableError."""
    endpoint = KitEndpoint()
    place = Workplace(
        adapter=adapter,
        options=adapter.choose(options or {}),
        token=endpoint.token,
        work_root=work_root,
        log_folder=log_folder,
        character_folders=tuple(character_folders),
    )
    restartable = RestartableEngine(endpoint, place, gpu)
    try:
        yield Subject(
            engine=restartable.start(),
            wire=endpoint,
            restart=restartable.start,
            needs_stamps=adapter.stamps == "required",
        )
    finally:
        restartable.end()
        endpoint.close()


@contextlib.contextmanager
def open_visitor(
    endpoint: KitEndpoint, *, timeout_s: float = VISITOR_S, needs_stamps: bool = True
) -> Iterator[Subject]:
    """An engine that dials by itself: ``endpoint.hub.url`` is the address, ``endpoint.token`` the secret."""
    try:
        yield Subject(engine=endpoint.engine(timeout_s), wire=endpoint, needs_stamps=needs_stamps)
    finally:
        endpoint.close()


class RestartableEngine:
    """An adapter's engine, one process at a time, that dials the kit."""

    def __init__(self, endpoint: KitEndpoint, place: Workplace, gpu: int | None) -> None:
        self._endpoint, self._place, self._gpu = endpoint, place, gpu
        self._started: StartedEngine | None = None

    def start(self) -> RemoteEngine:
        """End the engine if there is one, and start another."""
        self.end()
        self._started = StartedEngine(self._place, self._endpoint.hub, 0, self._gpu)
        engine = self._started.open()
        self._endpoint.adopt(engine)
        return engine

    def end(self) -> None:
        """End the engine if there is one."""
        started, self._started = self._started, None
        if started is not None:
            started.end()
