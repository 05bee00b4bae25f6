"""Engines that somebody else started and that dial in by themselves."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engine_bridge.errors import (
    EngineUnavailableError,
    FrameRejectedError,
    InputError,
)
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.engine_end.client import serve
from engine_bridge.remote.engine_end.faults import parse_faults
from engine_bridge.remote.engine_end.faulty_wire import FaultyWire
from engine_bridge.remote.pool.pool import Endpoint, EnginePool, PoolConfig
from engine_bridge.remote.wire.messages import Capabilities
from engine_bridge.scene import ENGINE_SCENE_FIELDS

Faces = Callable[[int], list[RenderRequest]]
AssertTrue = Callable[[Sequence[Frame], int], None]
OpenPool = Callable[..., EnginePool]
Visit = Callable[..., threading.Thread]
TOKEN = "a token of a good length"


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


@pytest.fixture
def visit() -> Iterator[Visit]:
    """``visit(url, name, faults="")``: an engine that somebody else started; it dials in until it is told not to."""
    stop = threading.Event()
    visitors: list[threading.Thread] = []

    def call(url: str, name: str, faults: str = "") -> threading.Thread:
        wire = FaultyWire(parse_faults(faults), die=lambda status: None)
        visitors.append(threading.Thread(target=call_at, args=(url, name, wire, stop), daemon=True))
        visitors[-1].start()
        return visitors[-1]

    yield call
    stop.set()
    for visitor in visitors:
        visitor.join(10.0)
        assert not visitor.is_alive()


def call_at(url: str, name: str, wire: FaultyWire, stop: threading.Event) -> None:
    capabilities = Capabilities(stamp=True, scene=ENGINE_SCENE_FIELDS, longest_frame_s=5.0)
    with contextlib.suppress(EngineUnavailableError):  # the pool does not want it
        serve(
            MockEngine(),
            url=url,
            token=TOKEN,
            instance=name,
            characters=["tiny"],
            capabilities=capabilities,
            wire=wire,
            stop=stop,
        )


def test_engines_that_dial_in_share_the_work(
    visit: Visit, visited_pool: EnginePool, faces: Faces, assert_true: AssertTrue
) -> None:
    for name in ("one", "two"):
        visit(visited_pool.url, name)
    assert_true(visited_pool.render(faces(60)), 60)
    assert visited_pool.name == "mock"


def test_an_engine_may_come_while_others_work(
    visit: Visit, visited_pool: EnginePool, faces: Faces, assert_true: AssertTrue
) -> None:
    visit(visited_pool.url, "slow", "slow=0.05")
    visited_pool.describe("tiny")
    late = threading.Timer(0.3, visit, (visited_pool.url, "quick"))
    late.start()
    started = time.monotonic()
    assert_true(visited_pool.render(faces(100)), 100)
    assert time.monotonic() - started < 100 * 0.05


def test_what_an_engine_leaves_behind_another_one_does(
    visit: Visit, visited_pool: EnginePool, faces: Faces, assert_true: AssertTrue
) -> None:
    visit(visited_pool.url, "leaves", "goodbye@20")
    visit(visited_pool.url, "stays", "slow=0.01")
    assert_true(visited_pool.render(faces(60)), 60)


def test_a_stray_engine_of_another_build_costs_nothing(
    visit: Visit, visited_pool: EnginePool, faces: Faces, assert_true: AssertTrue
) -> None:
    visit(visited_pool.url, "ours")
    visited_pool.describe("tiny")
    stray = visit(visited_pool.url, "stray", "new_build")
    stray.join(10.0)
    assert not stray.is_alive()
    assert "was begun with" in str(visited_pool._open_hub().last_refusal)
    assert_true(visited_pool.render(faces(20)), 20)


def test_of_more_engines_than_there_is_room_for_the_last_is_told_so(visit: Visit, tmp_path: Path, faces: Faces) -> None:
    place, config = Endpoint.parse("ws://127.0.0.1:0", TOKEN), PoolConfig(most_visitors=1, visitor_timeout_s=5.0)
    with EnginePool(place, config=config, work_root=tmp_path, log_folder=tmp_path) as pool:
        visit(pool.url, "one")
        pool.describe("tiny")
        hub = pool._open_hub()
        visit(pool.url, "two")
        deadline = time.monotonic() + 5.0
        while hub.last_refusal is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "work for no more" in str(hub.last_refusal)
        assert len(pool.render(faces(3))) == 3


def test_an_engine_that_keeps_lying_is_not_let_in_for_ever(
    visit: Visit, visited_pool: EnginePool, faces: Faces
) -> None:
    liar = visit(visited_pool.url, "liar", "black@18+")
    for _ in range(3):
        with pytest.raises(FrameRejectedError, match="constant"):
            visited_pool.render(faces(20))
    liar.join(10.0)
    assert not liar.is_alive()


def test_an_address_may_let_engines_in_that_do_not_stamp(visit: Visit, tmp_path: Path, faces: Faces) -> None:
    assert Endpoint.parse("ws://127.0.0.1:0", TOKEN).needs_stamps
    place = Endpoint.parse("ws://127.0.0.1:0?stamps=optional", TOKEN)
    with EnginePool(place, work_root=tmp_path, log_folder=tmp_path) as pool:
        visit(pool.url, "plain", "no_stamp")
        assert len(pool.render(faces(3))) == 3
        assert not pool.record.stamped


def test_an_engine_that_somebody_else_started_may_serve_the_next_pool(
    visit: Visit, tmp_path: Path, faces: Faces
) -> None:
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
