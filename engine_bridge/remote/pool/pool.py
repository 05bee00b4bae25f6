"""Several instances of an engine as one engine bridge that can be left alone for a night.

    with EnginePool(load_adapter("godot3"), config=PoolConfig(instances=2), work_root=..., log_folder=...) as engine:
        frames = engine.render(requests)

A frame is returned only when the canary after it came back right. An instance that crashes, hangs or falls silent is
started again, and what was out with it is given to another one, exactly once. An instance that is caught at an untruth
is replaced, and FrameRejectedError is raised so that the shard being written is thrown away.

The more requests a call has, the less its last canary costs: give it 64 or more.
"""

from __future__ import annotations

import atexit
import itertools
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from engine_bridge.errors import EngineError, EngineUnavailableError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.bridge_end.handshake import Expectation
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.pool.engine_sources import EngineSource, StartedEngine, VisitingEngine, Workplace
from engine_bridge.remote.pool.engine_worker import EngineWorker
from engine_bridge.remote.pool.job import Job
from engine_bridge.remote.pool.pool_config import Endpoint, PoolConfig
from engine_bridge.remote.pool.pool_state import PoolState, RestartBudget, fingerprints
from engine_bridge.remote.pool.record import EngineRecord
from engine_bridge.remote.processes.adapters import Adapter
from engine_bridge.scene import BRIDGE_SCENE_FIELDS, ENGINE_SCENE_FIELDS
from engine_bridge.schema import ParameterSchema

__all__ = ["Endpoint", "EnginePool", "PoolConfig"]

#: Nothing in here waits for longer than an adapter's preparation and start may take; this is beyond both.
_PATIENCE_S: Final = 3600.0
_LOOK_S: Final = 1.0
_FAREWELL_S, _CLOSE_S = 1.0, 15.0


class EnginePool:
    """An engine bridge; nothing starts before it is first asked something. Close it, or use it as a context manager.

    However the process ends, kill -9 included, no engine is left behind.
    """

    def __init__(
        self,
        engine: Adapter | Endpoint,
        *,
        work_root: Path,
        log_folder: Path,
        config: PoolConfig = PoolConfig(),  # noqa: B008  (frozen)
        options: Mapping[str, str] | None = None,
        character_folders: Sequence[Path] = (),
    ) -> None:
        self._engine, self._config = engine, config
        self._options = engine.choose(options or {}) if isinstance(engine, Adapter) else {}
        self._work_root, self._log_folder = work_root, log_folder
        self._character_folders = tuple(Path(folder).resolve() for folder in character_folders)
        self._hub: EngineHub | None = None
        self._state = PoolState(
            restarts=RestartBudget(config.max_restarts_per_hour) if isinstance(engine, Adapter) else None,
            needs_stamps=engine.stamps == "required" if isinstance(engine, Adapter) else engine.needs_stamps,
            options=self._unusual_options(),
            on_first=self._expect_alike,
        )
        self._workers: list[EngineWorker] = []
        self._frame_ids = itertools.count()
        self._turn, self._opening = threading.Lock(), threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The adapter's name; of engines that dial in, what they call themselves."""
        return self._engine.name if isinstance(self._engine, Adapter) else self._first().name

    @property
    def build(self) -> str:
        """The engine's build, and what was chosen otherwise than it is by default: ``4f2a+lighting=engine``."""
        if self._state.build is None:
            self._first()
        assert self._state.build is not None
        return self._state.build

    @property
    def scene_fields(self) -> frozenset[str]:
        """What the engine honours, and what the bridge does to its pictures afterwards."""
        return self._first().scene_fields | BRIDGE_SCENE_FIELDS

    @property
    def record(self) -> EngineRecord:
        """What happened so far. It can always be asked for, also when the engines are gone."""
        first = self._state.first
        engine = self._engine.name if isinstance(self._engine, Adapter) else first.name if first else ""
        return self._state.ledger.record(engine, self._state.build or "", self._options)

    @property
    def url(self) -> str:
        """Where engines dial in."""
        return self._open_hub().url

    def describe(self, character: str) -> ParameterSchema:
        """The engine's own schema. Raises UnknownCharacterError."""
        return self._first().describe(character)

    def characters(self) -> list[str]:
        """The character types that the engine can draw, sorted."""
        return sorted(self._first().schemas)

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """Proven frames in the order of the requests.

        Raises SchemaError or InputError for a request that does not fit the engine, FrameRejectedError when an engine
        was caught at an untruth, EngineUnavailableError when there is none left; other EngineErrors say what they are.
        """
        for request in requests:
            self.describe(request.character).check_vector(request.vector)
        with self._turn:
            frames = self._carry_out([_for_engine(request) for request in requests])
        return [
            _photographed(replace(frame, request_id=request.request_id, frame_id=next(self._frame_ids)), request)
            for frame, request in zip(frames, requests, strict=True)
        ]

    def canaries_kept_in(self, folder: Path) -> AbstractContextManager[None]:
        """Within the block the engines are held to the look of the canaries in that folder, the first one's at first.

        For a dataset that may be resumed by another process, or by an engine that changed and kept its build.
        """
        return self._state.pictures.kept_in(folder)

    def close(self) -> None:
        """End all engines; those that somebody else started are only sent away, and may dial in again. Idempotent."""
        atexit.unregister(self.close)
        self._state.closing.set()
        self._state.give_up(EngineUnavailableError("the engines were closed; open a new pool"))
        self._join_workers(_FAREWELL_S)
        if self._hub is not None:
            self._hub.close(again=isinstance(self._engine, Endpoint))
        self._join_workers(_CLOSE_S)
        self._workers = []

    def _join_workers(self, patience_s: float) -> None:
        """Wait for the threads. What they do not end in time ends with this process."""
        deadline = time.monotonic() + patience_s
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))

    def _carry_out(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """One job for each character and size, which is one as good as always."""
        alike: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for position, request in enumerate(requests):
            alike[request.character, request.resolution].append(position)
        frames: dict[int, Frame] = {}
        for positions in alike.values():
            job = Job([requests[position] for position in positions], self._config.attempts)
            frames |= zip(positions, self._complete(job), strict=True)
        return [frames[position] for position in range(len(requests))]

    def _complete(self, job: Job) -> list[Frame]:
        self._state.begin(job)
        try:
            lonely_s = 0.0
            while not job.wait(_LOOK_S):
                lonely_s = 0.0 if self._state.num_engines else lonely_s + _LOOK_S
                if isinstance(self._engine, Endpoint) and lonely_s > self._config.visitor_timeout_s:
                    job.fail(EngineUnavailableError(f"no engine has dialled in within {lonely_s:.0f} s"))
        except BaseException:  # Ctrl-C
            job.fail(EngineError("the call was abandoned"))
            raise
        return job.result()

    def _first(self) -> RemoteEngine:
        with self._opening:
            if not self._workers:
                self._start()
        patience_s = _PATIENCE_S if isinstance(self._engine, Adapter) else self._config.visitor_timeout_s
        return self._state.wait_for_first(patience_s)

    def _start(self) -> None:
        if self._state.closing.is_set():
            raise EngineUnavailableError("the engines were closed; open a new pool")
        hub = self._open_hub()
        self._workers = [
            EngineWorker(f"engine worker {slot}", source, self._state, self._config.canary_every)
            for slot, source in enumerate(self._sources(hub))
        ]
        for worker in self._workers:
            worker.start()
        atexit.register(self.close)

    def _open_hub(self) -> EngineHub:
        with self._opening:
            if self._hub is None and isinstance(self._engine, Endpoint):
                place, most = self._engine, self._config.most_visitors
                self._hub = EngineHub(token=place.token, host=place.host, port=place.port, tls=place.tls, capacity=most)
            elif self._hub is None:
                self._token = secrets.token_urlsafe(24)
                self._hub = EngineHub(token=self._token)
            return self._hub

    def _expect_alike(self, first: RemoteEngine) -> None:
        """From now on the hub itself turns other engines away, so that a stray one costs nothing."""
        self._open_hub().expected = Expectation(engine=first.name, build=first.build, fingerprints=fingerprints(first))

    def _sources(self, hub: EngineHub) -> list[EngineSource]:
        if isinstance(self._engine, Endpoint):
            return [VisitingEngine(hub, self._state.closing) for _ in range(self._config.most_visitors)]
        place = Workplace(
            adapter=self._engine,
            options=self._options,
            token=self._token,
            work_root=self._work_root,
            log_folder=self._log_folder,
            character_folders=self._character_folders,
        )
        gpus = self._config.gpus
        return [
            StartedEngine(place, hub, slot, gpus[slot % len(gpus)] if gpus else None)
            for slot in range(self._config.instances)
        ]

    def _unusual_options(self) -> tuple[str, ...]:
        if not isinstance(self._engine, Adapter):
            return ()
        usual = self._engine.choose({})
        return tuple(f"{name}={choice}" for name, choice in self._options.items() if choice != usual[name])


def _for_engine(request: RenderRequest) -> RenderRequest:
    """Without what the bridge does itself."""
    return replace(request, scene=request.scene.keep(ENGINE_SCENE_FIELDS))


def _photographed(frame: Frame, request: RenderRequest) -> Frame:
    """With what the bridge does itself."""
    if request.scene == request.scene.keep(ENGINE_SCENE_FIELDS):
        return frame
    from engine_bridge.remote.bridge_end.camera_effects import (
        photograph,  # brings Numba, which studio pictures do not need
    )

    picture, mask = photograph(frame.picture, frame.mask, request.scene)
    return replace(frame, picture=picture, mask=mask)
