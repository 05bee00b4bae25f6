from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as open_websocket
from websockets.typing import Subprotocol

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import (
    EngineError,
    EngineLostError,
    EngineTimeoutError,
    InputError,
    RequestRefusedError,
    SchemaError,
    UnknownCharacterError,
)
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.engine_end.session import Session
from engine_bridge.remote.wire.messages import Hello
from engine_bridge.remote.wire.protocol import encode
from engine_bridge.scene import Scene
from engine_bridge.schema import ParameterSchema

if TYPE_CHECKING:
    from conftest import Connect, SketchEngine

Requests = Callable[..., list[RenderRequest]]
Engines = type["SketchEngine"]


def test_it_is_an_engine_bridge(connect: Connect) -> None:
    assert isinstance(connect(), EngineBridge)


def test_frames_come_in_the_order_of_the_requests_with_the_callers_ids(
    connect: Connect, sketch_requests: Requests
) -> None:
    requests = sketch_requests(40)
    assert [frame.request_id for frame in connect().render(requests)] == [request.request_id for request in requests]


@pytest.mark.parametrize("stamp", [True, False])
@pytest.mark.parametrize("encoding", ["raw", "png"])
def test_frames_are_what_the_engine_drew(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines, encoding: str, stamp: bool
) -> None:
    requests = sketch_requests(5)
    for far, near in zip(
        connect(encodings=(encoding,), stamp=stamp).render(requests), sketch_engine().render(requests), strict=True
    ):
        np.testing.assert_array_equal(far.vector, near.vector)
        np.testing.assert_array_equal(far.picture, near.picture)
        np.testing.assert_array_equal(far.mask, near.mask)


def test_no_requests_give_no_frames(connect: Connect) -> None:
    assert connect().render([]) == []


def test_callers_may_repeat_their_ids(connect: Connect, sketch_requests: Requests) -> None:
    (request,) = sketch_requests(1)
    assert len(connect().render([request, request])) == 2


def test_sizes_and_characters_may_change_within_a_call(connect: Connect, sketch_requests: Requests) -> None:
    requests = [*sketch_requests(3, side=16), *sketch_requests(2, side=48), *sketch_requests(1, side=16)]
    assert [len(frame.mask) for frame in connect().render(requests)] == [16, 16, 16, 48, 48, 16]


def test_scenes_travel_with_their_requests(connect: Connect, sketch_requests: Requests, sketch_engine: Engines) -> None:
    engine = sketch_engine()
    turned = Scene(yaw_deg=12.5, skin_tint=(0.9, 1.0, 1.1))
    requests = [*sketch_requests(1), *sketch_requests(1, scene=turned)]
    connect(engine).render(requests)
    assert [drawn.scene for drawn in engine.drawn] == [Scene(), turned]


def test_the_engine_never_has_more_requests_than_it_announced(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines
) -> None:
    asked: list[int] = []
    engine = sketch_engine(draw_s=0.001)

    def count() -> Iterator[RenderRequest]:
        for request in sketch_requests(30):
            asked.append(len(asked) - len(engine.drawn))
            yield request

    assert sum(1 for _ in connect(engine, max_batch=2, max_in_flight=6).stream(count())) == 30
    assert max(asked) <= 7


def test_requests_are_pulled_only_as_the_engine_needs_them(connect: Connect, sketch_requests: Requests) -> None:
    pulled: list[int] = []

    def count() -> Iterator[RenderRequest]:
        for request in sketch_requests(200):
            pulled.append(request.request_id)
            yield request

    frames = connect(max_batch=4, max_in_flight=8).stream(count())
    next(frames)
    assert len(pulled) <= 8 + 4 + 1
    frames.close()  # type: ignore[attr-defined]


def test_an_abandoned_stream_leaves_the_engine_usable(connect: Connect, sketch_requests: Requests) -> None:
    engine, requests = connect(), sketch_requests(30)
    frames = engine.stream(requests)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert [frame.request_id for frame in engine.render(requests)] == [request.request_id for request in requests]


def test_two_streams_at_once_are_a_mistake(connect: Connect, sketch_requests: Requests) -> None:
    engine = connect()
    frames = engine.stream(sketch_requests(30))
    next(frames)
    with pytest.raises(RuntimeError, match="rendering already"):
        engine.render(sketch_requests(1))
    frames.close()  # type: ignore[attr-defined]


def test_an_unknown_character_is_named_with_the_known_ones(connect: Connect) -> None:
    with pytest.raises(UnknownCharacterError, match="sketch has no 'elf'; it has sketch"):
        connect().describe("elf")


def test_a_size_beyond_the_engine_is_the_users_mistake_and_does_no_harm(
    connect: Connect, sketch_requests: Requests
) -> None:
    engine = connect(maximum_px=64)
    with pytest.raises(InputError, match="draws 16 to 64 pixels, 128"):
        engine.render(sketch_requests(1, side=128))
    assert len(engine.render(sketch_requests(40))) == 40


def test_a_vector_of_another_length_is_the_users_mistake(connect: Connect) -> None:
    request = RenderRequest(request_id=0, character="sketch", vector=np.zeros(7, np.float32), resolution=32)
    with pytest.raises(SchemaError):
        connect().render([request])


@pytest.mark.parametrize("scene", [Scene(yaw_deg=5.0), Scene(noise_sigma=0.1)])
def test_a_scene_field_that_the_engine_does_not_honour_is_refused(
    connect: Connect, sketch_requests: Requests, scene: Scene
) -> None:
    engine = connect(scene=frozenset({"zoom"}))
    with pytest.raises(InputError, match="does not honour"):
        engine.render(sketch_requests(1, scene=scene))


@pytest.mark.parametrize(
    ("trouble", "code"), [(EngineError("out of memory"), "render_failed"), (InputError("no such hair"), "bad_request")]
)
def test_requests_that_the_engine_refuses_are_named_and_it_can_go_on(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines, trouble: Exception, code: str
) -> None:
    drawing = sketch_engine(refuse=trouble)
    engine = connect(drawing)
    with pytest.raises(RequestRefusedError, match=str(trouble)) as refused:
        engine.render(sketch_requests(3))
    assert (refused.value.code, refused.value.request_ids) == (code, (100,))
    drawing.refuse = None
    assert len(engine.render(sketch_requests(30))) == 30


def test_a_silent_engine_is_given_up_in_time(
    connect: Connect, sketch_requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine_bridge.remote.wire.messages.SHORTEST_SILENCE_S", 0.2)
    engine = connect(faults="hang@2", longest_frame_s=0.3)
    started = time.monotonic()
    with pytest.raises(EngineTimeoutError, match="requests are out"):
        engine.render(sketch_requests(5))
    assert time.monotonic() - started < 4.0
    assert not engine.alive


def test_a_request_past_its_deadline_is_given_up(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines
) -> None:
    engine = connect(sketch_engine(draw_s=0.4))
    with pytest.raises(EngineTimeoutError):
        list(engine.stream(sketch_requests(2), deadline_s=0.2))


def test_a_slow_engine_that_answers_is_not_taken_for_hung(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines
) -> None:
    """Thirty requests are out, together they take much longer than one may."""
    frames = connect(sketch_engine(draw_s=0.05)).stream(sketch_requests(30), deadline_s=0.6)
    assert sum(1 for _ in frames) == 30


def test_the_last_of_an_order_may_take_as_long_as_all_before_it(
    connect: Connect, sketch_requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: dict[int, int] = {}
    accept = Session._accept
    monkeypatch.setattr(
        Session,
        "_accept",
        lambda session, order: (deadlines.update({order.ids[-1]: order.deadline_ms}), accept(session, order)),
    )
    list(connect(max_batch=4, max_in_flight=8).stream(sketch_requests(8), deadline_s=1.0))
    assert deadlines == {4: 4000, 8: 8000}


def test_an_engine_may_be_allowed_more_than_it_announced(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine_bridge.remote.wire.messages.SHORTEST_SILENCE_S", 0.1)
    engine = connect(sketch_engine(draw_s=0.4), longest_frame_s=0.1)
    assert sum(1 for _ in engine.stream(sketch_requests(1), deadline_s=5.0)) == 1


def test_a_lost_answer_is_noticed_at_the_end(connect: Connect, sketch_requests: Requests) -> None:
    with pytest.raises(EngineTimeoutError, match=r"1 requests are out, and no answer for 0\.3 s"):
        list(connect(faults="lost@2").stream(sketch_requests(30), deadline_s=0.3))


@pytest.mark.parametrize("said", ['{"type":"news"}', '{"type":"pong","id":1}'])
def test_an_engine_that_talks_without_answering_is_given_up_in_time(
    hub: EngineHub, token: str, sketch_schema: ParameterSchema, sketch_requests: Requests, said: str
) -> None:
    hello = Hello(token=token, engine="e", build="b", instance="i", schemas=(sketch_schema,))
    with talking(hub.url, hello, said, at_once=True):
        engine = hub.accept(timeout_s=5.0)
        time.sleep(0.5)  # nobody renders, and the hub listens
        started = time.monotonic()
        with pytest.raises(EngineTimeoutError):
            list(engine.stream(sketch_requests(1), deadline_s=0.5))
        assert time.monotonic() - started < 4.0


def test_a_frame_as_a_text_message_ends_the_session(
    hub: EngineHub, token: str, sketch_schema: ParameterSchema, sketch_requests: Requests
) -> None:
    hello = Hello(token=token, engine="e", build="b", instance="i", schemas=(sketch_schema,))
    with talking(hub.url, hello, '{"type":"frame"}'):
        engine = hub.accept(timeout_s=5.0)
        with pytest.raises(EngineError, match="frame is no text message"):
            engine.render(sketch_requests(1))
        assert not engine.alive


@contextlib.contextmanager
def talking(url: str, hello: Hello, said: str, *, at_once: bool = False) -> Iterator[None]:
    """An engine that says the same again and again, from its first order on or at once, and answers nothing."""
    with open_websocket(url, subprotocols=[Subprotocol("f2p.engine.v1")], compression=None, proxy=None) as websocket:
        websocket.send(encode(hello))

        def talk() -> None:
            with contextlib.suppress(ConnectionClosed):
                while not (isinstance(websocket.recv(), bytes) or at_once):
                    pass
                while True:
                    websocket.send(said)

        speaker = threading.Thread(target=talk)
        speaker.start()
        yield
    speaker.join(10.0)
    assert not speaker.is_alive()


def test_a_slow_caller_is_not_taken_for_a_silent_engine(
    connect: Connect, sketch_requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine_bridge.remote.wire.messages.SHORTEST_SILENCE_S", 0.2)
    received = 0
    for _ in connect(longest_frame_s=0.2).stream(sketch_requests(3)):
        time.sleep(0.4)
        received += 1
    assert received == 3


def test_slow_requests_are_not_taken_for_a_silent_engine(connect: Connect, sketch_requests: Requests) -> None:
    def slowly() -> Iterator[RenderRequest]:
        for request in sketch_requests(4):
            time.sleep(0.3)
            yield request

    assert sum(1 for _ in connect().stream(slowly(), deadline_s=0.5)) == 4


def test_a_lost_engine_stays_lost(connect: Connect, sketch_requests: Requests) -> None:
    engine = connect(faults="crash_before@2")
    with pytest.raises(EngineLostError):
        engine.render(sketch_requests(5))
    with pytest.raises(EngineLostError):
        engine.render(sketch_requests(1))
    assert not engine.alive


def test_a_lost_engine_is_noticed_while_nobody_renders(connect: Connect, sketch_requests: Requests) -> None:
    engine = connect(faults="crash_after@1")
    engine.render(sketch_requests(1))
    wait_until(lambda: not engine.alive)


def test_an_idle_engine_tells_its_memory(connect: Connect) -> None:
    engine = connect()
    wait_until(lambda: engine.last_memory_bytes is not None)
    assert engine.last_memory_bytes is not None
    assert engine.last_memory_bytes > 2**20


def test_a_busy_engine_tells_its_memory_too(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines
) -> None:
    engine = connect(sketch_engine(draw_s=0.01))
    engine.render(sketch_requests(60))
    assert engine.last_memory_bytes is not None


def test_timings_are_told_per_frame_and_averaged(connect: Connect, sketch_requests: Requests) -> None:
    engine = connect()
    (timed,) = engine.stream(sketch_requests(1))
    assert timed.timings_ms.keys() == {"render", "encode", "round_trip"}
    assert engine.frame_timings.mean_ms == pytest.approx(timed.timings_ms)


def test_closing_while_another_thread_renders_ends_the_rendering(
    connect: Connect, sketch_requests: Requests, sketch_engine: Engines
) -> None:
    engine = connect(sketch_engine(draw_s=0.05))
    threading.Timer(0.2, engine.close).start()
    with pytest.raises(EngineLostError):
        engine.render(sketch_requests(100))


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5.0
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)
