from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as listen
from websockets.typing import Subprotocol

from engine_bridge.errors import EngineUnavailableError, InputError
from engine_bridge.frames import Frame
from engine_bridge.remote.engine_end import client
from engine_bridge.remote.wire.messages import (
    REFUSALS,
    Capabilities,
    ErrorReply,
    FrameReply,
    Goodbye,
    Hello,
    Message,
    Ping,
    Pong,
    Refusal,
    RenderOrder,
    Welcome,
)
from engine_bridge.remote.wire.protocol import decode, encode
from engine_bridge.remote.wire.stamps import Stamp, check_stamp, paint_stamp
from engine_bridge.schema import ParameterSchema

if TYPE_CHECKING:
    from conftest import SketchEngine


class BareBridge:
    """A bridge of bare messages: says what the test wants said."""

    def __init__(self) -> None:
        self.sessions: queue.Queue[ServerConnection] = queue.Queue()
        self.ended = threading.Event()
        self._server = listen(
            self._hold, "127.0.0.1", 0, subprotocols=[Subprotocol("f2p.engine.v1")], compression=None, close_timeout=1
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/"

    def _hold(self, websocket: ServerConnection) -> None:
        self.sessions.put(websocket)
        self.ended.wait()

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()


class Talk:
    """One session seen from the bridge."""

    def __init__(self, websocket: ServerConnection) -> None:
        self.websocket = websocket
        hello = self.hear()
        assert isinstance(hello, Hello)
        self.hello = hello
        self.schema = hello.schemas[0]

    def hear(self) -> Message:
        return decode(self.websocket.recv(5.0))

    def say(self, message: Message | str | bytes) -> None:
        self.websocket.send(message if isinstance(message, str | bytes) else encode(message))

    def welcome(self, ping_s: float = 5.0) -> None:
        self.say(Welcome(fingerprints={"sketch": self.schema.fingerprint}, max_message_bytes=1 << 20, ping_s=ping_s))

    def order(self, *ids: int, **changes: Any) -> RenderOrder:
        vectors = np.tile(self.schema.default_vector(), (len(ids), 1))
        terms = {"character": "sketch", "fingerprint": self.schema.fingerprint, "resolution": 16, "vectors": vectors}
        return RenderOrder(**({"deadline_ms": 5000, "ids": ids} | terms | changes))


Serve = Callable[..., None]


@pytest.fixture
def bridge() -> Iterator[BareBridge]:
    opened = BareBridge()
    yield opened
    opened.close()


@pytest.fixture
def serving(
    bridge: BareBridge, sketch_engine: type[SketchEngine], token: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Talk]]:
    """``serving(engine, **capabilities)``: an engine that has dialled in and been welcomed."""
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.05)
    stop, threads = threading.Event(), []

    def call(engine: SketchEngine | None = None, *, ping_s: float = 5.0, **capabilities: Any) -> Talk:
        threads.append(
            threading.Thread(
                target=client.serve,
                args=(engine or sketch_engine(),),
                kwargs={
                    "url": bridge.url,
                    "token": token,
                    "instance": "one",
                    "characters": ["sketch"],
                    "capabilities": Capabilities(**({"stamp": True, "scene": frozenset({"yaw_deg"})} | capabilities)),
                    "stop": stop,
                },
                daemon=True,
            )
        )
        threads[-1].start()
        talk = Talk(bridge.sessions.get(timeout=5.0))
        talk.welcome(ping_s)
        return talk

    yield call
    stop.set()
    bridge.close()
    for thread in threads:
        thread.join(5.0)
        assert not thread.is_alive()


Serving = Callable[..., Talk]


def test_hello_tells_everything_about_the_engine(serving: Serving, token: str, sketch_schema: ParameterSchema) -> None:
    hello = serving(max_batch=8).hello
    assert (hello.token, hello.engine, hello.build, hello.instance) == (token, "sketch", "sketch-1", "one")
    assert hello.schemas == (sketch_schema,)
    assert hello.capabilities.max_batch == 8


def test_every_request_of_an_order_is_answered_in_turn(serving: Serving) -> None:
    talk = serving()
    talk.say(talk.order(7, 3, 9))
    replies = [talk.hear() for _ in range(3)]
    assert [(reply.id, reply.frame) for reply in replies if isinstance(reply, FrameReply)] == [(7, 1), (3, 2), (9, 3)]


def test_a_stamp_is_painted_for_engines_that_cannot_draw_it(serving: Serving) -> None:
    talk = serving()
    talk.say(talk.order(77, stamp=True))
    check_stamp(*read_pictures(talk.hear()), Stamp(77))


def test_an_engine_that_draws_stamps_is_told_which(serving: Serving, sketch_engine: type[SketchEngine]) -> None:
    class Stamping(sketch_engine):  # type: ignore[misc, valid-type]
        stamp: Stamp | None = None

        def set_stamp(self, stamp: Stamp | None) -> None:
            self.stamp = stamp

        def render(self, requests: Any) -> list[Frame]:
            (frame,) = super().render(requests)
            if self.stamp is not None:
                paint_stamp(frame.picture, frame.mask, Stamp(self.stamp.request_id + 1))
            return [frame]

    talk = serving(Stamping())
    talk.say(talk.order(20, stamp=True))
    check_stamp(*read_pictures(talk.hear()), Stamp(21))
    talk.say(talk.order(21, stamp=False))
    assert read_pictures(talk.hear())[0][0, 0].tolist() == read_pictures_of_no_stamp(talk)


def read_pictures_of_no_stamp(talk: Talk) -> list[int]:
    talk.say(talk.order(22, stamp=False))
    return read_pictures(talk.hear())[0][0, 5].tolist()  # type: ignore[no-any-return]


def read_pictures(reply: Message) -> tuple[Any, Any]:
    assert isinstance(reply, FrameReply)
    side = reply.width
    return (
        np.frombuffer(reply.picture, np.uint8).reshape(side, side, 3),
        np.frombuffer(reply.mask, np.uint8).reshape(side, side),
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"character": "elf"}, "unknown_character"),
        ({"fingerprint": "0"}, "stale_schema"),
        ({"resolution": 8}, "bad_request"),
        ({"resolution": 2048}, "bad_request"),
        ({"encoding": "webp"}, "bad_request"),
        ({"encoding": "png"}, "bad_request"),
        ({"vectors": np.zeros((1, 3), np.float32)}, "bad_request"),
        ({"vectors": np.full((1, 4), np.nan, np.float32)}, "bad_request"),
        ({"scenes": ({"zoom": 2.0},)}, "bad_request"),
        ({"scenes": ({"yaw_deg": "left"},)}, "bad_request"),
        ({"scenes": ({"yaw_deg": 500},)}, "bad_request"),
    ],
)
def test_an_order_that_cannot_be_drawn_is_refused_and_the_next_is_drawn(
    serving: Serving, changes: dict[str, Any], code: str
) -> None:
    talk = serving()
    talk.say(talk.order(1, **changes))
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert (refused.ids, refused.code) == ((1,), code)
    assert_draws(talk)


def test_a_stamp_that_was_not_announced_is_refused(serving: Serving) -> None:
    talk = serving(stamp=False)
    talk.say(talk.order(1, stamp=True))
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert refused.code == "bad_request"


def test_more_than_was_announced_is_too_much(serving: Serving) -> None:
    talk = serving(max_batch=2, max_in_flight=4)
    talk.say(talk.order(1, 2, 3))
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert (refused.ids, refused.code) == ((1, 2, 3), "overloaded")


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "[]",
        '{"type": "dance"}',
        '{"type": "pong", "id": 1}',
        b"",
        b"\xff\xff\xff\xff",
        b"\x02\x00\x00\x00{}",
        "x" * 100_000,
    ],
)
def test_garbage_is_answered_with_bad_message_and_survived(serving: Serving, garbage: str | bytes) -> None:
    talk = serving()
    talk.say(garbage)
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert (refused.ids, refused.code) == ((), "bad_message")
    assert_draws(talk)


def test_pings_are_answered_between_frames(serving: Serving, sketch_engine: type[SketchEngine]) -> None:
    talk = serving(sketch_engine(draw_s=0.05))
    talk.say(talk.order(1, 2, 3, 4))
    talk.say(Ping(id=44))
    replies = [talk.hear() for _ in range(5)]
    assert not isinstance(replies[-1], Pong)
    assert any(isinstance(reply, Pong) and reply.id == 44 for reply in replies)


def test_a_pong_tells_the_last_frame(serving: Serving) -> None:
    talk = serving()
    assert_draws(talk)
    talk.say(Ping(id=1))
    pong = talk.hear()
    assert isinstance(pong, Pong)
    assert pong.frame == 1


def test_what_is_past_its_deadline_is_skipped(serving: Serving, sketch_engine: type[SketchEngine]) -> None:
    talk = serving(sketch_engine(draw_s=0.2))
    talk.say(talk.order(1, 2, deadline_ms=100))
    drawn, skipped = talk.hear(), talk.hear()
    assert isinstance(drawn, FrameReply)
    assert isinstance(skipped, ErrorReply)
    assert (skipped.ids, skipped.code) == ((2,), "deadline")


def test_a_lost_connection_is_dialled_again(serving: Serving, bridge: BareBridge) -> None:
    serving().websocket.close_socket()
    again = Talk(bridge.sessions.get(timeout=5.0))
    again.welcome()
    assert_draws(again)


def test_a_goodbye_that_asks_for_it_is_followed_by_a_new_session(serving: Serving, bridge: BareBridge) -> None:
    talk = serving()
    talk.say(Goodbye(reason="later", again=True))
    assert Talk(bridge.sessions.get(timeout=5.0)).hello.instance == "one"


def test_a_goodbye_for_good_ends_the_engine_even_while_it_draws(
    serving: Serving, sketch_engine: type[SketchEngine], bridge: BareBridge
) -> None:
    talk = serving(sketch_engine(draw_s=0.1))
    talk.say(talk.order(1, 2, 3))
    talk.say(Goodbye(reason="done", again=False))
    with contextlib.suppress(ConnectionClosed):
        talk.websocket.close()
    with pytest.raises(queue.Empty):
        bridge.sessions.get(timeout=0.5)


def test_a_bridge_that_is_not_heard_is_dropped(serving: Serving, bridge: BareBridge) -> None:
    serving(ping_s=0.05)
    assert Talk(bridge.sessions.get(timeout=5.0)).hello.instance == "one"


def test_a_busy_bridge_is_dialled_again(bridge: BareBridge, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Talk, "welcome", lambda talk, ping_s: talk.say(Refusal(code="busy", message="full")))
    serving()
    monkeypatch.undo()
    assert Talk(bridge.sessions.get(timeout=5.0)).hello.instance == "one"


def test_a_refusal_that_is_not_known_is_followed_by_another_call(
    bridge: BareBridge, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Talk, "welcome", lambda talk, ping_s: talk.say(Refusal(code="too_hot", message="later")))
    serving()
    monkeypatch.undo()
    assert Talk(bridge.sessions.get(timeout=5.0)).hello.instance == "one"


@pytest.mark.parametrize(("code", "status"), [(code, status) for code, status in REFUSALS.items() if code != "busy"])
def test_the_status_alone_is_a_refusal_for_good(
    bridge: BareBridge, sketch_engine: type[SketchEngine], code: str, status: int
) -> None:
    def refuse() -> None:
        Talk(bridge.sessions.get(timeout=5.0)).websocket.close(status)

    threading.Thread(target=refuse).start()
    with pytest.raises(EngineUnavailableError, match=code):
        client.serve(sketch_engine(), url=bridge.url, token="t", instance="one", characters=["sketch"])


@pytest.mark.parametrize("status", [1000, 4008, 4999])
def test_any_other_status_is_followed_by_another_call(
    bridge: BareBridge, serving: Serving, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(Talk, "welcome", lambda talk, ping_s: talk.websocket.close(status))
    serving()
    monkeypatch.undo()
    assert Talk(bridge.sessions.get(timeout=5.0)).hello.instance == "one"


def test_a_refusal_for_good_is_an_error(bridge: BareBridge, sketch_engine: type[SketchEngine]) -> None:
    def refuse() -> None:
        Talk(bridge.sessions.get(timeout=5.0)).say(Refusal(code="bad_token", message="who are you?"))

    threading.Thread(target=refuse).start()
    with pytest.raises(EngineUnavailableError, match=r"bad_token: who are you\?"):
        client.serve(sketch_engine(), url=bridge.url, token="t", instance="one", characters=["sketch"])


@pytest.mark.parametrize("url", ["ws://example.org/", "http://127.0.0.1/", "127.0.0.1:80", "ws://10.0.0.1:1/"])
def test_the_token_is_never_sent_in_the_clear_to_another_machine(url: str, sketch_engine: type[SketchEngine]) -> None:
    with pytest.raises(InputError, match="wss"):
        client.serve(sketch_engine(), url=url, token="t", instance="one", characters=["sketch"])


def assert_draws(talk: Talk) -> None:
    talk.say(talk.order(1000))
    reply = talk.hear()
    assert isinstance(reply, FrameReply)
    assert reply.id == 1000
