"""A bridge of bare messages, and an engine that has dialled it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as listen
from websockets.typing import Subprotocol

from engine_bridge.remote.engine_end import client
from engine_bridge.remote.wire.messages import (
    Capabilities,
    FrameReply,
    Hello,
    Message,
    RenderOrder,
    Welcome,
)
from engine_bridge.remote.wire.protocol import decode, encode

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

    def talk(self) -> Talk:
        """The next session of an engine."""
        return Talk(self.sessions.get(timeout=5.0))

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

    def assert_draws(self) -> None:
        self.say(self.order(1000))
        reply = self.hear()
        assert isinstance(reply, FrameReply)
        assert reply.id == 1000


@pytest.fixture
def bridge() -> Iterator[BareBridge]:
    opened = BareBridge()
    yield opened
    opened.close()


@pytest.fixture
def serving(
    bridge: BareBridge, sketch_engine: type[SketchEngine], token: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Talk]]:
    """``serving(engine, answer, **capabilities)``: an engine that has dialled in, welcomed or answered otherwise."""
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.05)
    stop, threads = threading.Event(), []

    def call(
        engine: SketchEngine | None = None, answer: Callable[[Talk], None] = Talk.welcome, **capabilities: Any
    ) -> Talk:
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
        talk = bridge.talk()
        answer(talk)
        return talk

    yield call
    stop.set()
    bridge.close()
    for thread in threads:
        thread.join(5.0)
        assert not thread.is_alive()
