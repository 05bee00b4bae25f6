from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import (
    EngineBuildChangedError,
    EngineError,
    EngineUnavailableError,
    InputError,
    SchemaError,
    UnknownCharacterError,
)
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.client import serve
from engine_bridge.remote.crew import Crew
from engine_bridge.remote.faults import parse_faults
from engine_bridge.remote.faulty_wire import FaultyWire
from engine_bridge.remote.messages import Capabilities
from engine_bridge.remote.pool import Endpoint, EnginePool, PoolConfig
from engine_bridge.remote.references import References
from engine_bridge.remote.remote_engine import RemoteEngine
from engine_bridge.remote.supervisor import RestartBudget
from engine_bridge.scene import ENGINE_SCENE_FIELDS, Scene

Faces = Callable[[int], list[RenderRequest]]
AssertTrue = Callable[[Sequence[Frame], int], None]
OpenPool = Callable[..., EnginePool]
TOKEN = "a token of a good length"


def test_a_pool_is_an_engine_bridge(threaded_pool: OpenPool, engine: MockEngine) -> None:
    pool = threaded_pool()
    assert isinstance(pool, EngineBridge)
    assert (pool.name, pool.build) == ("mock_remote", engine.build)
    assert pool.describe("tiny").fingerprint == engine.describe("tiny").fingerprint
    assert pool.characters() == ["tiny"]
    with pytest.raises(UnknownCharacterError, match="nobody"):
        pool.describe("nobody")


@pytest.mark.parametrize("instances", [1, 3])
def test_frames_come_in_order_whoever_drew_them(
    instances: int, threaded_pool: OpenPool, faces: Faces, assert_true: AssertTrue
) -> None:
    assert_true(threaded_pool(instances=instances).render(faces(100)), 100)


def test_frame_ids_rise_from_call_to_call(threaded_pool: OpenPool, faces: Faces) -> None:
    pool = threaded_pool()
    ids = [frame.frame_id for _ in range(3) for frame in pool.render(faces(5))]
    assert ids == sorted(set(ids))


def test_no_requests_are_no_frames(threaded_pool: OpenPool) -> None:
    assert threaded_pool().render([]) == []


def test_sizes_may_differ_within_a_call(threaded_pool: OpenPool, faces: Faces, engine: MockEngine) -> None:
    requests = [replace(request, resolution=(32, 64)[index % 2]) for index, request in enumerate(faces(6))]
    for frame, truth in zip(threaded_pool().render(requests), engine.render(requests), strict=True):
        np.testing.assert_array_equal(frame.picture, truth.picture)


def test_a_bad_vector_is_the_callers_mistake_and_costs_no_engine(threaded_pool: OpenPool, faces: Faces) -> None:
    pool = threaded_pool()
    (good,) = faces(1)
    with pytest.raises(SchemaError):
        pool.render([replace(good, vector=good.vector[:-1])])
    with pytest.raises(InputError, match="resolution"):
        pool.render([replace(good, resolution=2048)])
    assert len(pool.render([good])) == 1
    assert pool.record.restarts == ()


def test_what_the_engine_cannot_do_to_a_picture_the_bridge_does(
    threaded_pool: OpenPool, faces: Faces, true_frames: list[Frame]
) -> None:
    pool = threaded_pool()
    (request,) = faces(1)
    (dark,) = pool.render([replace(request, scene=Scene(exposure=0.5, yaw_deg=10.0))])
    assert dark.picture.mean() < 0.9 * true_frames[0].picture.mean()
    assert "exposure" in pool.scene_fields


def test_the_record_counts_everything(threaded_pool: OpenPool, faces: Faces) -> None:
    pool = threaded_pool("crash_before@30!", canary_every=10)
    pool.render(faces(40))
    record = pool.record
    assert record.frames == 40
    assert record.canaries >= 4
    assert record.canary_failures == 0
    assert len(record.restarts) == 1
    assert record.repeatability.maximum == 0
    assert record.timings_ms["round_trip"] > 0
    assert json.loads(json.dumps(record.to_dict()))["engine"] == "mock_remote"


def test_what_an_untrue_engine_drew_is_thrown_away_and_the_next_call_is_fine(
    threaded_pool: OpenPool, faces: Faces, assert_true: AssertTrue
) -> None:
    pool = threaded_pool("black@30!")
    with pytest.raises(EngineError, match="constant"):
        pool.render(faces(40))
    assert pool.record.frames_discarded > 0
    assert_true(pool.render(faces(40)), 40)


def test_too_many_restarts_are_the_end(threaded_pool: OpenPool, faces: Faces) -> None:
    pool = threaded_pool("crash_before@12", attempts=100, max_restarts_per_hour=3)
    for _ in range(2):
        with pytest.raises(EngineUnavailableError, match="3 restarts within 60 minutes"):
            pool.render(faces(40))


def test_what_an_engine_fails_at_now_and_then_is_asked_for_again(
    threaded_pool: OpenPool, faces: Faces, assert_true: AssertTrue, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, turns = MockEngine.render, itertools.count()

    def draw_or_fail(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
        if next(turns) == 20:
            raise EngineError("out of video memory")
        return draw(engine, requests)

    monkeypatch.setattr(MockEngine, "render", draw_or_fail)
    pool = threaded_pool()
    assert_true(pool.render(faces(40)), 40)
    assert next(turns) > 20
    assert pool.record.restarts == ()


def test_an_engine_with_other_schemas_does_not_join(engine: MockEngine) -> None:
    crew, schema = Crew(restarts=None, references=References()), engine.describe("tiny")
    first = SimpleNamespace(name="mock", build="1", schemas={"tiny": schema})
    other = SimpleNamespace(name="mock", build="1", schemas={"tiny": replace(schema, title="Tinier")})
    crew.join(cast("RemoteEngine", first))
    with pytest.raises(EngineBuildChangedError, match="other schemas"):
        crew.join(cast("RemoteEngine", other))
    assert crew.num_engines == 1


def test_restarts_are_limited_in_any_window() -> None:
    now = [0.0]
    budget = RestartBudget(2, window_s=60.0, clock=lambda: now[0])
    budget.spend("one")
    now[0] = 50.0
    budget.spend("two")
    with pytest.raises(EngineUnavailableError, match="the next: three"):
        budget.spend("three")
    now[0] = 61.0
    budget.spend("four")


@pytest.mark.parametrize("changes", [{"instances": 0}, {"canary_every": 0}, {"max_restarts_per_hour": -1}])
def test_a_pool_refuses_what_makes_no_sense(changes: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(changes))):
        PoolConfig(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address", ["localhost:9310", "ws://127.0.0.1", "http://127.0.0.1:1", "ws://h:port", "wss://h:1"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="engine:"):
        Endpoint.parse(address, TOKEN)


@pytest.fixture
def visited_pool(tmp_path: Path) -> Iterator[EnginePool]:
    pool = EnginePool(
        Endpoint.parse("ws://127.0.0.1:0", TOKEN),
        config=PoolConfig(visitor_timeout_s=5.0),
        work_root=tmp_path,
        log_folder=tmp_path,
    )
    yield pool
    pool.close()


def visit(url: str, name: str, faults: str = "") -> threading.Thread:
    """An engine that somebody else started; it dials in until it is told not to."""

    def run() -> None:
        capabilities = Capabilities(stamp=True, scene=ENGINE_SCENE_FIELDS, longest_frame_s=5.0)
        wire = FaultyWire(parse_faults(faults), die=lambda status: None)
        serve(
            MockEngine(), url=url, token=TOKEN, instance=name, characters=["tiny"], capabilities=capabilities, wire=wire
        )

    visitor = threading.Thread(target=run, daemon=True)
    visitor.start()
    return visitor


def test_engines_that_dial_in_share_the_work(visited_pool: EnginePool, faces: Faces, assert_true: AssertTrue) -> None:
    for name in ("one", "two"):
        visit(visited_pool.url, name)
    assert_true(visited_pool.render(faces(60)), 60)
    assert visited_pool.name == "mock"


def test_an_engine_may_come_while_others_work(visited_pool: EnginePool, faces: Faces, assert_true: AssertTrue) -> None:
    visit(visited_pool.url, "slow", "slow=0.05")
    visited_pool.describe("tiny")
    late = threading.Timer(0.3, visit, (visited_pool.url, "quick"))
    late.start()
    started = time.monotonic()
    assert_true(visited_pool.render(faces(100)), 100)
    assert time.monotonic() - started < 100 * 0.05


def test_what_an_engine_leaves_behind_another_one_does(
    visited_pool: EnginePool, faces: Faces, assert_true: AssertTrue
) -> None:
    visit(visited_pool.url, "leaves", "goodbye@20")
    visit(visited_pool.url, "stays", "slow=0.01")
    assert_true(visited_pool.render(faces(60)), 60)


def test_an_engine_that_somebody_else_started_may_serve_the_next_pool(tmp_path: Path, faces: Faces) -> None:
    port = free_port()
    visit(f"ws://127.0.0.1:{port}", "loyal")
    for _ in range(2):
        place = Endpoint.parse(f"ws://127.0.0.1:{port}", TOKEN)
        with EnginePool(place, work_root=tmp_path, log_folder=tmp_path) as pool:
            assert len(pool.render(faces(3))) == 3


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_call_without_any_engine_ends(tmp_path: Path, faces: Faces) -> None:
    config = PoolConfig(visitor_timeout_s=0.2)
    place = Endpoint.parse("ws://127.0.0.1:0", TOKEN)
    with (
        EnginePool(place, config=config, work_root=tmp_path, log_folder=tmp_path) as pool,
        pytest.raises(EngineUnavailableError, match="no engine"),
    ):
        pool.render(faces(1))


def test_only_loopback_goes_without_tls(tmp_path: Path) -> None:
    place = Endpoint.parse("ws://0.0.0.0:0", TOKEN)
    with (
        EnginePool(place, work_root=tmp_path, log_folder=tmp_path) as pool,
        pytest.raises(InputError, match="TLS"),
    ):
        pool.describe("tiny")
