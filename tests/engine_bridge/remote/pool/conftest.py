"""Engines over the wire that start in milliseconds: threads of the test instead of processes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_bridge.errors import EngineError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.engine_end.client import serve
from engine_bridge.remote.engine_end.faults import parse_faults
from engine_bridge.remote.engine_end.faulty_wire import FaultyWire
from engine_bridge.remote.pool.engine_sources import StartedEngine, await_hello
from engine_bridge.remote.pool.pool import EnginePool, PoolConfig
from engine_bridge.remote.processes.adapters import Adapter, load_adapter
from engine_bridge.remote.wire.messages import Capabilities
from engine_bridge.scene import ENGINE_SCENE_FIELDS

SIDE = 64
CAPABILITIES = Capabilities(stamp=True, scene=ENGINE_SCENE_FIELDS, longest_frame_s=5.0, max_in_flight=16, max_batch=8)

OpenPool = Callable[..., EnginePool]


class CrashedError(BaseException):
    """Ends the thread of an engine, as a crash ends a process."""


class ThreadedEngine(StartedEngine):
    """Like an engine that is started as a process, only that it is a thread: no keeper, no display, no log."""

    _numbers = itertools.count()
    _stop = threading.Event()

    def open(self) -> RemoteEngine:
        instance = f"thread-{next(self._numbers)}"
        self._stop = threading.Event()
        threading.Thread(target=self._serve, args=(instance, self._stop), daemon=True).start()
        return await_hello(self._hub, instance, self._workplace.adapter, None)

    def why_it_ended(self) -> str:
        return ""

    def end(self) -> None:
        self._stop.set()

    def _serve(self, instance: str, stop: threading.Event) -> None:
        def die(status: int) -> None:
            raise CrashedError

        environment = self._workplace.adapter.environment
        wire = FaultyWire(
            parse_faults(environment["F2P_MOCK_FAULTS"]), memory=Path(environment["F2P_MOCK_MEMORY"]), die=die
        )
        try:
            serve(
                MockEngine(),
                url=self._url,
                token=self._workplace.token,
                instance=instance,
                characters=["tiny"],
                capabilities=CAPABILITIES,
                wire=wire,
                stop=stop,
            )
        except (CrashedError, EngineError):
            return


@pytest.fixture
def threaded_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenPool]:
    """``threaded_pool(faults, adapter={...}, instances=1, ...)``: a pool whose engines are threads."""
    monkeypatch.setattr("engine_bridge.remote.pool.pool.StartedEngine", ThreadedEngine)
    opened: list[EnginePool] = []

    def open_pool(faults: str = "", *, adapter: dict[str, Any] | None = None, **config: Any) -> EnginePool:
        environment = {"F2P_MOCK_FAULTS": faults, "F2P_MOCK_MEMORY": str(tmp_path / "memory")}
        changes = {"start_timeout_s": 10.0, "frame_timeout_s": 1.0, "environment": environment} | (adapter or {})
        engine: Adapter = replace(load_adapter("mock_remote"), **changes)
        settings = {"max_restarts_per_hour": 2} | config
        opened.append(
            EnginePool(engine, config=PoolConfig(**settings), work_root=tmp_path / "work", log_folder=tmp_path / "logs")
        )
        return opened[-1]

    yield open_pool
    for pool in opened:
        pool.close()


@pytest.fixture(scope="session")
def faces(engine: MockEngine) -> Callable[[int], list[RenderRequest]]:
    """``faces(count)``: requests for random faces of the tiny character, with the ids 1000, 1001, ..."""
    schema = engine.describe("tiny")
    draw = np.random.default_rng(11)
    vectors = [schema.harden(draw.random(schema.vector_size, np.float32)) for _ in range(400)]

    def requests(count: int) -> list[RenderRequest]:
        return [
            RenderRequest(request_id=1000 + index, character="tiny", vector=vector, resolution=SIDE)
            for index, vector in enumerate(vectors[:count])
        ]

    return requests


@pytest.fixture(scope="session")
def true_frames(engine: MockEngine, faces: Callable[[int], list[RenderRequest]]) -> list[Frame]:
    """The frames of all faces as the engine itself draws them."""
    return engine.render(faces(400))


@pytest.fixture
def assert_true(true_frames: list[Frame]) -> Callable[[Sequence[Frame], int], None]:
    """``assert_true(frames, count)``: byte for byte the first ``count`` faces, in order, each once."""

    def check(frames: Sequence[Frame], count: int) -> None:
        assert [frame.request_id for frame in frames] == [1000 + index for index in range(count)]
        assert all(one.frame_id < other.frame_id for one, other in itertools.pairwise(frames))
        for frame, truth in zip(frames, true_frames, strict=False):
            np.testing.assert_allclose(frame.vector, truth.vector, rtol=0.0, atol=1e-6)  # the bridge undoes rounding
            np.testing.assert_array_equal(frame.picture, truth.picture)
            np.testing.assert_array_equal(frame.mask, truth.mask)

    return check
