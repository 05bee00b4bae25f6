"""Subjects for the kit: an adapter that is started for the check, or an engine that somebody else starts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from engine_bridge.conformance.subject import Subject
from engine_bridge.conformance.wire import Line
from engine_bridge.remote.adapters import Adapter
from engine_bridge.remote.remote_engine import RemoteEngine
from engine_bridge.remote.supervisor import StartedEngine, Workplace

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
    line = Line()
    place = Workplace(
        adapter=adapter,
        options=adapter.choose(options or {}),
        token=line.token,
        work_root=work_root,
        log_folder=log_folder,
        character_folders=tuple(character_folders),
    )
    house = _House(line, place, gpu)
    try:
        yield Subject(engine=house.start(), wire=line, restart=house.start)
    finally:
        house.end()
        line.close()


@contextlib.contextmanager
def open_visitor(line: Line, *, timeout_s: float = VISITOR_S) -> Iterator[Subject]:
    """An engine that dials ``line`` by itself; its address is ``line.hub.url``, its token ``line.token``."""
    try:
        yield Subject(engine=line.engine(timeout_s), wire=line)
    finally:
        line.close()


class _House:
    """Where one engine lives at a time."""

    def __init__(self, line: Line, place: Workplace, gpu: int | None) -> None:
        self._line, self._place, self._gpu = line, place, gpu
        self._tenant: StartedEngine | None = None

    def start(self) -> RemoteEngine:
        """End the engine if there is one, and start another."""
        self.end()
        self._tenant = StartedEngine(self._place, self._line.hub, 0, self._gpu)
        engine = self._tenant.open()
        self._line.adopt(engine)
        return engine

    def end(self) -> None:
        tenant, self._tenant = self._tenant, None
        if tenant is not None:
            tenant.end()
