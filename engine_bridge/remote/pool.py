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
import urllib.parse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from engine_bridge.errors import EngineError, EngineUnavailableError, InputError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.adapters import Adapter
from engine_bridge.remote.call import Call
from engine_bridge.remote.crew import Crew
from engine_bridge.remote.hub import EngineHub, TlsFiles
from engine_bridge.remote.record import EngineRecord
from engine_bridge.remote.references import References
from engine_bridge.remote.remote_engine import RemoteEngine
from engine_bridge.remote.seat import Seat
from engine_bridge.remote.supervisor import EngineSource, RestartBudget, StartedEngine, VisitingEngine, Workplace
from engine_bridge.scene import BRIDGE_SCENE_FIELDS, ENGINE_SCENE_FIELDS
from engine_bridge.schema import ParameterSchema

#: Nothing in here waits for longer than an adapter's preparation and start may take; this is beyond both.
_PATIENCE_S: Final = 3600.0
_LOOK_S: Final = 1.0
_FAREWELL_S, _CLOSE_S = 1.0, 15.0


@dataclass(frozen=True, kw_only=True)
class PoolConfig:
    """How many engines, and how far they are trusted.

    instances              engines to start; it says nothing about engines that dial in by themselves
    most_visitors          engines that may dial in by themselves at one time
    gpus                   given to the instances in turn, each sees only its own; () leaves that to the engine
    canary_every           frames between two canaries, beside the one that ends every call
    attempts               a request that was out with so many failing instances fails the call
    max_restarts_per_hour  of all instances together; one more is EngineUnavailableError
    reference_folder       keeps the canaries' first pictures, common to several processes; None keeps them in memory
    visitor_timeout_s      how long a call waits when no engine is connected
    """

    instances: int = 1
    most_visitors: int = 16
    gpus: tuple[int, ...] = ()
    canary_every: int = 64
    attempts: int = 3
    max_restarts_per_hour: int = 30
    reference_folder: Path | None = None
    visitor_timeout_s: float = 120.0

    def __post_init__(self) -> None:
        for name in ("instances", "most_visitors", "canary_every", "attempts"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)}; give 1 or more")
        if self.max_restarts_per_hour < 0:
            raise InputError(f"max_restarts_per_hour: {self.max_restarts_per_hour}; give 0 or more")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where engines that somebody else starts dial in: ``ws://127.0.0.1:9310``. Other than loopback needs TLS."""

    host: str
    port: int
    token: str
    tls: TlsFiles | None = None

    @classmethod
    def parse(cls, address: str, token: str, tls: TlsFiles | None = None) -> Endpoint:
        """Raises InputError."""
        try:
            parts = urllib.parse.urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InputError(f"engine: {address!r} is no address: {error}") from None
        if parts.scheme not in ("ws", "wss") or not host or port is None or parts.path.strip("/"):
            raise InputError(f"engine: {address!r}: an address is written ws://HOST:PORT or wss://HOST:PORT")
        if (parts.scheme == "wss") != (tls is not None):
            raise InputError(f"engine: {address!r}: wss:// and only wss:// needs a certificate and its key")
        return cls(host=host, port=port, token=token, tls=tls)


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
        config: PoolConfig = PoolConfig(),
        options: Mapping[str, str] | None = None,
        character_folders: Sequence[Path] = (),
    ) -> None:
        self._engine, self._config = engine, config
        self._options = engine.choose(options or {}) if isinstance(engine, Adapter) else {}
        self._work_root, self._log_folder = work_root, log_folder
        self._character_folders = tuple(Path(folder).resolve() for folder in character_folders)
        self._hub: EngineHub | None = None
        self._crew = Crew(
            restarts=RestartBudget(config.max_restarts_per_hour) if isinstance(engine, Adapter) else None,
            references=References(config.reference_folder),
        )
        self._seats: list[Seat] = []
        self._frame_ids = itertools.count()
        self._turn = threading.Lock()

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
        return "+".join([self._first().build, *self._unusual_options()])

    @property
    def scene_fields(self) -> frozenset[str]:
        """What the engine honours, and what the bridge does to its pictures afterwards."""
        return self._first().scene_fields | BRIDGE_SCENE_FIELDS

    @property
    def record(self) -> EngineRecord:
        """What happened so far."""
        first = self._crew.first
        engine = self._engine.name if isinstance(self._engine, Adapter) else first.name if first else ""
        build = self.build if first else ""
        return self._crew.ledger.record(engine, build, self._options)

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

    def close(self) -> None:
        """End all engines; those that somebody else started are only sent away, and may dial in again. Idempotent."""
        atexit.unregister(self.close)
        self._crew.closing.set()
        self._crew.give_up(EngineUnavailableError("the engines were closed; open a new pool"))
        self._join_seats(_FAREWELL_S)
        if self._hub is not None:
            self._hub.close()
        self._join_seats(_CLOSE_S)
        self._seats = []

    def _join_seats(self, patience_s: float) -> None:
        """Wait for the threads. What they do not end in time ends with this process."""
        deadline = time.monotonic() + patience_s
        for seat in self._seats:
            seat.join(max(0.0, deadline - time.monotonic()))

    def _carry_out(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """One call for each character and size, which is one as good as always."""
        alike: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for position, request in enumerate(requests):
            alike[request.character, request.resolution].append(position)
        frames: dict[int, Frame] = {}
        for positions in alike.values():
            call = Call([requests[position] for position in positions], self._config.attempts)
            frames |= zip(positions, self._complete(call), strict=True)
        return [frames[position] for position in range(len(requests))]

    def _complete(self, call: Call) -> list[Frame]:
        self._crew.begin(call)
        try:
            lonely_s = 0.0
            while not call.wait(_LOOK_S):
                lonely_s = 0.0 if self._crew.num_engines else lonely_s + _LOOK_S
                if isinstance(self._engine, Endpoint) and lonely_s > self._config.visitor_timeout_s:
                    call.fail(EngineUnavailableError(f"no engine has dialled in within {lonely_s:.0f} s"))
        except BaseException:  # Ctrl-C
            call.fail(EngineError("the call was abandoned"))
            raise
        return call.result()

    def _first(self) -> RemoteEngine:
        if not self._seats:
            self._start()
        patience_s = _PATIENCE_S if isinstance(self._engine, Adapter) else self._config.visitor_timeout_s
        return self._crew.wait_for_first(patience_s)

    def _start(self) -> None:
        if self._crew.closing.is_set():
            raise EngineUnavailableError("the engines were closed; open a new pool")
        hub = self._open_hub()
        self._seats = [
            Seat(f"engine seat {slot}", source, self._crew, self._config.canary_every)
            for slot, source in enumerate(self._sources(hub))
        ]
        for seat in self._seats:
            seat.start()
        atexit.register(self.close)

    def _open_hub(self) -> EngineHub:
        if self._hub is None:
            if isinstance(self._engine, Endpoint):
                place = self._engine
                self._hub = EngineHub(token=place.token, host=place.host, port=place.port, tls=place.tls)
            else:
                self._token = secrets.token_urlsafe(24)
                self._hub = EngineHub(token=self._token)
        return self._hub

    def _sources(self, hub: EngineHub) -> list[EngineSource]:
        if isinstance(self._engine, Endpoint):
            return [VisitingEngine(hub, self._crew.closing) for _ in range(self._config.most_visitors)]
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

    def _unusual_options(self) -> list[str]:
        if not isinstance(self._engine, Adapter):
            return []
        usual = self._engine.choose({})
        return [f"{name}={choice}" for name, choice in self._options.items() if choice != usual[name]]


def _for_engine(request: RenderRequest) -> RenderRequest:
    """Without what the bridge does itself."""
    return replace(request, scene=request.scene.keep(ENGINE_SCENE_FIELDS))


def _photographed(frame: Frame, request: RenderRequest) -> Frame:
    """With what the bridge does itself."""
    if request.scene == request.scene.keep(ENGINE_SCENE_FIELDS):
        return frame
    from engine_bridge.remote.photography import photograph  # brings Numba, which studio pictures do not need

    picture, mask = photograph(frame.picture, frame.mask, request.scene)
    return replace(frame, picture=picture, mask=mask)
