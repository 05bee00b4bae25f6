"""How fast an engine is, where the time goes, what supervision costs, and whether memory stays flat.

Two levels are measured in one run. A *session* is one engine without supervision: its pictures per second and the
split of a frame's time, asked for one by one and in batches. A *pool* is what renders datasets: with canaries, restarts
and checks. Its overhead is everything beside the engine's own work on the pictures that are handed out: wire, checks,
waiting, and the canaries, whose pictures cost the engine as much as any other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

import numpy as np

from engine_bridge.bridge import EngineBridge
from engine_bridge.conformance.bench_report import BenchReport, PoolRate, SessionRate
from engine_bridge.conformance.subjects import open_adapter
from engine_bridge.conformance.trial import ENGINE_PARTS
from engine_bridge.errors import InputError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.pool.plausibility import check_plausible
from engine_bridge.remote.pool.pool import EnginePool, PoolConfig
from engine_bridge.remote.pool.record import EngineRecord
from engine_bridge.remote.processes.adapters import Adapter
from engine_bridge.remote.processes.process_tree import cpu_seconds, descendants, resident_bytes
from engine_bridge.remote.wire.pictures import decode_pictures, encode_pictures

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
    before = _told_ms(engine)
    began = perf_counter()
    _render(engine, requests, batch)
    total_ms = 1000 * (perf_counter() - began) / len(requests)
    told = _told_ms(engine)
    spent = {f"{part}_ms": (total - before.get(part, 0.0)) / len(requests) for part, total in told.items()}
    decode_ms = _decode_ms(engine, requests[0]) if isinstance(engine, RemoteEngine) else None
    rest = total_ms - sum(spent.values()) - decode_ms if spent and decode_ms is not None else None
    return SessionRate(
        batch=batch,
        pictures_per_s=1000 / total_ms,
        total_ms=total_ms,
        **spent,
        decode_ms=decode_ms,
        wire_ms=None if rest is None else max(rest, 0.0),
    )


def _measure_pool(pool: EnginePool, character: str, instances: int, config: BenchConfig) -> PoolRate:
    requests = _requests(pool, character, config)
    pool.render(requests[: config.call])
    before = pool.record
    with _memory_watched() as samples:
        began, bridge_s, engines_s = perf_counter(), process_time(), cpu_seconds(descendants(os.getpid()))
        _render(pool, requests * instances, config.call * instances)
        total_s = perf_counter() - began
        bridge_s, engines_s = process_time() - bridge_s, cpu_seconds(descendants(os.getpid())) - engines_s
    record = pool.record
    frames = record.frames - before.frames
    return PoolRate(
        instances=instances,
        frames=frames,
        pictures_per_s=frames / total_s,
        engine_ms=_engine_ms(before, record),
        total_ms=1000 * total_s * instances / frames,
        canaries=record.canaries - before.canaries,
        restarts=len(record.restarts) - len(before.restarts),
        memory_mb=tuple(samples),
        bridge_cpu_ms=1000 * bridge_s / frames,
        engine_cpu_ms=1000 * engines_s / frames,
    )


def _engine_ms(before: EngineRecord, after: EngineRecord) -> float | None:
    """The engine's mean time for a frame between two records, whose means are over all frames since the pool opened."""
    if not any(part in after.timings_ms for part in ENGINE_PARTS):
        return None
    (earlier_ms, num_earlier), (all_ms, num_all) = map(_engine_total, (before, after))
    return (all_ms - earlier_ms) / (num_all - num_earlier)


def _engine_total(record: EngineRecord) -> tuple[float, int]:
    """Milliseconds of the engine, and the frames that it told them for: all but its warm-up."""
    num_frames = record.frames + record.frames_discarded + record.canaries + record.repeats
    return sum(record.timings_ms.get(part, 0.0) for part in ENGINE_PARTS) * num_frames, num_frames


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


def _told_ms(engine: EngineBridge) -> dict[str, float]:
    """Milliseconds that the engine has told for all its frames so far, by part. Empty when it tells none."""
    timings = engine.frame_timings if isinstance(engine, RemoteEngine) else None
    if timings is None:
        return {}
    return {part: mean * timings.num_frames for part, mean in timings.mean_ms.items() if part in ENGINE_PARTS}


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
