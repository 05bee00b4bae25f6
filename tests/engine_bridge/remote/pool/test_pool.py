from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    FrameRejectedError,
    InputError,
    RequestRefusedError,
    SchemaError,
    UnknownCharacterError,
)
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.pool.pool import Endpoint, EnginePool, PoolConfig
from engine_bridge.remote.pool.pool_state import PoolState, RestartBudget
from engine_bridge.remote.wire.messages import Capabilities
from engine_bridge.scene import Scene

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
    pool = threaded_pool("crash_before@18", attempts=100, max_restarts_per_hour=3)
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


def test_many_passing_refusals_use_up_nobodys_attempts(
    threaded_pool: OpenPool, faces: Faces, assert_true: AssertTrue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten requests are refused once each, the next when the one before was drawn: always with the same others out."""
    draw, faces_to_refuse = MockEngine.render, [face.vector.tobytes() for face in faces(40)[:10]]
    waited_for: list[bytes] = []

    def draw_or_fail(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
        face = requests[0].vector.tobytes()
        if face in waited_for:
            waited_for.clear()
        elif not waited_for and faces_to_refuse and face == faces_to_refuse[0]:
            waited_for.append(faces_to_refuse.pop(0))
            raise EngineError("busy for a moment")
        return draw(engine, requests)

    monkeypatch.setattr(MockEngine, "render", draw_or_fail)
    pool = threaded_pool()
    assert_true(pool.render(faces(40)), 40)
    assert not faces_to_refuse
    assert pool.record.restarts == ()


def test_a_request_that_is_always_refused_ends_the_call(
    threaded_pool: OpenPool, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, hated = MockEngine.render, faces(40)[20].vector

    def draw_or_fail(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
        if any(np.array_equal(request.vector, hated) for request in requests):
            raise EngineError("I will not")
        return draw(engine, requests)

    monkeypatch.setattr(MockEngine, "render", draw_or_fail)
    with pytest.raises(RequestRefusedError, match="I will not"):
        threaded_pool().render(faces(40))


def test_crashes_at_different_requests_use_up_nobodys_attempts(
    threaded_pool: OpenPool, faces: Faces, assert_true: AssertTrue, tmp_path: Path
) -> None:
    pool = threaded_pool("crash_before@20!,crash_after@25!", attempts=2)
    assert_true(pool.render(faces(60)), 60)
    assert len(pool.record.restarts) == 2


def test_the_record_outlives_the_engines(threaded_pool: OpenPool, faces: Faces) -> None:
    pool = threaded_pool("crash_before@18", attempts=100, max_restarts_per_hour=1)
    with pytest.raises(EngineUnavailableError):
        pool.render(faces(40))
    build = pool.record.build
    assert build
    pool.close()
    assert (pool.build, pool.record.build, len(pool.record.restarts)) == (build, build, 2)
    with pytest.raises(EngineUnavailableError):
        pool.describe("tiny")


def test_what_many_threads_ask_first_starts_the_engines_once(threaded_pool: OpenPool) -> None:
    pool, earlier = threaded_pool(instances=2), set(threading.enumerate())
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: pool.build, range(8)))) == 1
    new = set(threading.enumerate()) - earlier
    assert sum(thread.name.startswith("engine worker") for thread in new) == 2


def brighten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another look under the same build, as happens to who works on an engine."""
    draw = MockEngine.render

    def draw_brighter(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
        frames = draw(engine, requests)
        return [replace(frame, picture=frame.picture // 2 + 100) for frame in frames]

    monkeypatch.setattr(MockEngine, "render", draw_brighter)


def test_a_dataset_is_held_to_the_look_it_was_begun_with(
    threaded_pool: OpenPool, faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, same, after = threaded_pool(), threaded_pool(), threaded_pool()
    for pool in (before, same):
        with pool.canaries_kept_in(tmp_path / "begun"):
            pool.render(faces(3))
    brighten(monkeypatch)
    with after.canaries_kept_in(tmp_path / "begun"), pytest.raises(FrameRejectedError, match="another build"):
        after.render(faces(3))
    with after.canaries_kept_in(tmp_path / "another"):
        assert len(after.render(faces(3))) == 3
    assert len(after.render(faces(3))) == 3


def test_a_first_frame_may_take_longer_than_any_other(
    threaded_pool: OpenPool, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, turns = MockEngine.render, itertools.count()

    def draw_slowly_at_first(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
        if next(turns) == 0:
            time.sleep(1.5)
        return draw(engine, requests)

    monkeypatch.setattr(MockEngine, "render", draw_slowly_at_first)
    pool = threaded_pool(adapter={"frame_timeout_s": 0.7})
    assert len(pool.render(faces(3))) == 3
    assert pool.record.restarts == ()


def test_an_engine_that_warms_up_too_slowly_is_given_up(threaded_pool: OpenPool, faces: Faces) -> None:
    pool = threaded_pool("slow=2", adapter={"start_timeout_s": 1.0}, max_restarts_per_hour=0)
    with pytest.raises(EngineUnavailableError, match="no answer"):
        pool.render(faces(1))


def test_a_pixel_that_flickers_now_and_then_fails_no_call(
    threaded_pool: OpenPool, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, random = MockEngine.render, np.random.default_rng(3)

    def draw_with_sparks(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
        frames = draw(engine, requests)
        for frame in frames:
            if random.random() < 0.15:
                y, x = random.integers(20, 40, 2)
                frame.picture[y, x, 0] ^= 64
        return frames

    monkeypatch.setattr(MockEngine, "render", draw_with_sparks)
    for _ in range(5):
        pool = threaded_pool(max_restarts_per_hour=0, canary_every=8)
        assert len(pool.render(faces(40))) == 40
        pool.close()
    assert pool.record.repeatability.maximum > 0


def test_an_engine_too_large_for_its_limit_is_no_endless_recycling(threaded_pool: OpenPool, faces: Faces) -> None:
    pool = threaded_pool(adapter={"recycle_after_frames": 5}, max_restarts_per_hour=2, canary_every=8)
    with pytest.raises(EngineUnavailableError, match=r"warm-up alone .* raise memory_limit_mb"):
        pool.render(faces(60))
    assert len(pool.record.restarts) == 3


def test_an_engine_with_other_schemas_does_not_join(engine: MockEngine) -> None:
    state, schema = PoolState(), engine.describe("tiny")
    about = {"name": "mock", "build": "1", "instance": "one", "capabilities": Capabilities(stamp=True)}
    first = SimpleNamespace(schemas={"tiny": schema}, **about)
    other = SimpleNamespace(schemas={"tiny": replace(schema, title="Tinier")}, **about)
    state.join(cast("RemoteEngine", first))
    with pytest.raises(EngineBuildChangedError, match="other schemas"):
        state.join(cast("RemoteEngine", other))
    assert state.num_engines == 1


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
    "address",
    ["localhost:9310", "ws://127.0.0.1", "http://127.0.0.1:1", "ws://h:port", "wss://h:1", "ws://h:1?stamps=never"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="engine:"):
        Endpoint.parse(address, TOKEN)
