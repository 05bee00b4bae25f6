"""How fast an engine is, where the time goes, what supervision costs, and whether memory stays flat.

Two levels are measured in one run. A *session* is one engine without supervision: its pictures per second and the
split of a frame's time, asked for one by one and in batches. A *pool* is what renders datasets: with canaries, restarts
and checks; its overhead is its wall time per picture against the engine's own time for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from engine_bridge.bridge import EngineBridge
from engine_bridge.conformance.opening import open_adapter
from engine_bridge.errors import InputError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.adapters import Adapter
from engine_bridge.remote.pictures import decode_pictures, encode_pictures
from engine_bridge.remote.plausibility import check_plausible
from engine_bridge.remote.pool import EnginePool, PoolConfig
from engine_bridge.remote.process_tree import descendants, resident_bytes
from engine_bridge.remote.remote_engine import RemoteEngine

_ENGINE_PARTS: Final = ("apply", "render", "encode")
_DECODED_FRAMES: Final = 20
_MEMORY_SAMPLES: Final = 24


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """frames      pictures per measurement, after a tenth of them was thrown away
    batches     requests that are out at one time, one session measurement each
    call        requests per call of a pool; every call ends with a canary
    instances   pools to measure; (1, 2) shows how the engine scales
    """

    resolution: int = 512
    frames: int = 128
    batches: tuple[int, ...] = (1, 16)
    call: int = 64
    instances: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        for name in ("frames", "call"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)}; give 1 or more")
        if min((*self.batches, *self.instances), default=1) < 1:
            raise InputError("batches, instances: give numbers of 1 or more")


@dataclass(frozen=True, kw_only=True)
class SessionRate:
    """One engine without supervision. Milliseconds per picture; ``wire_ms`` is what the other parts do not explain."""

    batch: int
    pictures_per_s: float
    total_ms: float
    apply_ms: float
    render_ms: float
    encode_ms: float
    decode_ms: float
    wire_ms: float


@dataclass(frozen=True, kw_only=True)
class PoolRate:
    """Supervised engines. ``overhead`` is the share of the engine's own time that everything else adds to it.

    ``memory_mb`` is the resident memory of all processes below this one, (seconds, MB) over the run.
    """

    instances: int
    pictures_per_s: float
    engine_ms: float
    total_ms: float
    overhead: float
    canaries: int
    restarts: int
    memory_mb: tuple[tuple[float, float], ...]

    @property
    def memory_growth(self) -> float:
        """Memory at the end against that at the start, 0.1 for a tenth more. 0 when it was not measured."""
        return self.memory_mb[-1][1] / self.memory_mb[0][1] - 1.0 if self.memory_mb else 0.0


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """What :func:`measure` found."""

    engine: str
    build: str
    character: str
    resolution: int
    sessions: tuple[SessionRate, ...]
    pools: tuple[PoolRate, ...]

    @property
    def scaling(self) -> float | None:
        """Pictures per second of the largest pool against the smallest, None for a single pool."""
        return self.pools[-1].pictures_per_s / self.pools[0].pictures_per_s if len(self.pools) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        growth = [pool.memory_growth for pool in self.pools]
        return asdict(self) | {"scaling": self.scaling, "memory_growth": growth}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Opens what is measured: a session with one engine, and pools by their number of instances."""

    session: Callable[[], AbstractContextManager[EngineBridge]]
    pool: Callable[[int], EnginePool] | None = None


def adapter_source(
    adapter: Adapter,
    *,
    work_root: Path,
    log_folder: Path,
    options: Mapping[str, str] | None = None,
    character_folders: Sequence[Path] = (),
) -> Source:
    """The engines that an adapter starts."""

    @contextmanager
    def session() -> Iterator[EngineBridge]:
        with open_adapter(
            adapter,
            work_root=work_root,
            log_folder=log_folder,
            options=options,
            character_folders=character_folders,
        ) as subject:
            yield subject.engine

    def pool(instances: int) -> EnginePool:
        return EnginePool(
            adapter,
            work_root=work_root,
            log_folder=log_folder,
            config=PoolConfig(instances=instances),
            options=options,
            character_folders=character_folders,
        )

    return Source(session=session, pool=pool)


def measure(
    source: Source, character: str, config: BenchConfig, *, progress: Callable[[str], None] | None = None
) -> BenchReport:
    """One engine by batch size, then pools. Raises EngineError and UnknownCharacterError."""
    told = progress or (lambda _: None)
    sessions = []
    with source.session() as engine:
        name, build = engine.name, engine.build
        for batch in config.batches:
            told(f"one engine, {batch} at a time")
            sessions.append(_measure_session(engine, character, batch, config))
    pools = []
    for instances in config.instances if source.pool else ():
        told(f"{instances} supervised")
        with source.pool(instances) as pool:  # type: ignore[misc]
            pools.append(_measure_pool(pool, character, instances, config))
    return BenchReport(
        engine=name,
        build=build,
        character=character,
        resolution=config.resolution,
        sessions=tuple(sessions),
        pools=tuple(pools),
    )


def _measure_session(engine: EngineBridge, character: str, batch: int, config: BenchConfig) -> SessionRate:
    requests = _requests(engine, character, config)
    _render(engine, requests[: max(len(requests) // 10, batch)], batch)
    before = _engine_ms(engine)
    began = perf_counter()
    _render(engine, requests, batch)
    total_ms = 1000 * (perf_counter() - began) / len(requests)
    parts = {part: after - before[part] for part, after in _engine_ms(engine).items()}
    spent = {part: total / len(requests) for part, total in parts.items()}
    decode_ms = _decode_ms(engine, requests[0]) if isinstance(engine, RemoteEngine) else 0.0
    rest = total_ms - sum(spent.values()) - decode_ms if isinstance(engine, RemoteEngine) else 0.0
    return SessionRate(
        batch=batch,
        pictures_per_s=1000 / total_ms,
        total_ms=total_ms,
        **{f"{part}_ms": value for part, value in spent.items()},
        decode_ms=decode_ms,
        wire_ms=max(rest, 0.0),
    )


def _measure_pool(pool: EnginePool, character: str, instances: int, config: BenchConfig) -> PoolRate:
    requests = _requests(pool, character, config)
    pool.render(requests[: config.call])
    frames_before, canaries_before = pool.record.frames, pool.record.canaries
    with _memory_watched() as samples:
        began = perf_counter()
        _render(pool, requests * instances, config.call * instances)
        total_s = perf_counter() - began
    record = pool.record
    engine_ms = sum(record.timings_ms.get(part, 0.0) for part in _ENGINE_PARTS)
    total_ms = 1000 * total_s * instances / (record.frames - frames_before)
    return PoolRate(
        instances=instances,
        pictures_per_s=1000 * instances / total_ms,
        engine_ms=engine_ms,
        total_ms=total_ms,
        overhead=total_ms / engine_ms - 1.0 if engine_ms else 0.0,
        canaries=record.canaries - canaries_before,
        restarts=len(record.restarts),
        memory_mb=tuple(samples),
    )


def _requests(engine: EngineBridge, character: str, config: BenchConfig) -> list[RenderRequest]:
    """Random faces, the same ones every time."""
    schema = engine.describe(character)
    random = np.random.Generator(np.random.Philox(key=(0, 0)))
    vectors = (schema.harden(random.random(schema.vector_size, np.float32)) for _ in range(config.frames))
    return [
        RenderRequest(request_id=place, character=character, vector=vector, resolution=config.resolution)
        for place, vector in enumerate(vectors)
    ]


def _render(engine: EngineBridge, requests: Sequence[RenderRequest], batch: int) -> None:
    for start in range(0, len(requests), batch):
        engine.render(requests[start : start + batch])


def _engine_ms(engine: EngineBridge) -> dict[str, float]:
    """Milliseconds that the engine has told for all its frames so far, by part."""
    timings = engine.frame_timings if isinstance(engine, RemoteEngine) else None
    if timings is None or not timings.num_frames:
        return dict.fromkeys(_ENGINE_PARTS, 0.0)
    return {part: timings.mean_ms.get(part, 0.0) * timings.num_frames for part in _ENGINE_PARTS}


def _decode_ms(engine: RemoteEngine, request: RenderRequest) -> float:
    """What one frame costs on this side of the wire: bytes to arrays, and the checks of what they show."""
    frame = engine.render([request])[0]
    encoding = engine.capabilities.encodings[0]
    encoded = encode_pictures(frame.picture, frame.mask, encoding)
    began = perf_counter()
    for _ in range(_DECODED_FRAMES):
        decode_pictures(encoded, request.resolution, encoding)
        check_plausible(frame)
    return 1000 * (perf_counter() - began) / _DECODED_FRAMES


@contextmanager
def _memory_watched(every_s: float = 0.5) -> Iterator[list[tuple[float, float]]]:
    """(seconds, MB) of all processes below this one, thinned to _MEMORY_SAMPLES at the end."""
    samples: list[tuple[float, float]] = []
    over, began = threading.Event(), perf_counter()

    def watch() -> None:
        while True:
            weight = resident_bytes(descendants(os.getpid())) / 1e6
            samples.append((round(perf_counter() - began, 2), round(weight, 1)))
            if over.wait(every_s):
                return

    watcher = threading.Thread(target=watch, name="memory", daemon=True)
    watcher.start()
    try:
        yield samples
    finally:
        over.set()
        watcher.join()
        step = max(len(samples) // _MEMORY_SAMPLES, 1)
        samples[:] = [*samples[:-1:step], samples[-1]]
