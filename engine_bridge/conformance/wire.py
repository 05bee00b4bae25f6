"""The wire beneath a remote engine: sessions in which the kit speaks for itself, and says what no bridge would."""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final, Self

import numpy as np
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from engine_bridge.errors import EngineError, EngineLostError, EngineTimeoutError, ProtocolError
from engine_bridge.remote.bridge_end.handshake import read_hello, welcome
from engine_bridge.remote.bridge_end.hub import EngineHub, TlsFiles
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.wire.connection import CLOSE_TIMEOUT_S, MAX_QUEUED_MESSAGES, Connection
from engine_bridge.remote.wire.messages import (
    HELLO_DEADLINE_S,
    MAX_HELLO_BYTES,
    SUBPROTOCOL,
    ErrorReply,
    FrameReply,
    Goodbye,
    Hello,
    Message,
    Pong,
    RenderOrder,
)
from engine_bridge.schema import ParameterSchema, Vector

#: Engines dial again after 0.5 s, then ever later up to 10 s.
REDIAL_S: Final = 30.0
#: No pings in a raw session unless a check is about them.
QUIET_S: Final = 600.0


class RawSession:
    """One session with an engine, spoken by hand."""

    def __init__(self, websocket: ServerConnection, connection: Connection, hello: Hello) -> None:
        self._websocket, self._connection, self.hello = websocket, connection, hello
        self._ids = itertools.count(1)
        self.over = threading.Event()

    def schema(self, character: str) -> ParameterSchema:
        """As the engine told it."""
        return next(schema for schema in self.hello.schemas if schema.character == character)

    def ask(self, data: Message | str | bytes, *, timeout_s: float) -> Message | None:
        """Send anything; the first answer that is no pong, None when none comes in time. Raises EngineLostError."""
        self._connection.send(data)
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(EngineTimeoutError):
            while True:
                answer = self._connection.receive(deadline - time.monotonic())
                if not isinstance(answer, Pong):
                    return answer
        return None

    def order(self, character: str, vectors: Sequence[Vector], *, resolution: int) -> RenderOrder:
        """An honest order."""
        return RenderOrder(
            character=character,
            fingerprint=self.schema(character).fingerprint,
            resolution=resolution,
            encoding=self.hello.capabilities.encodings[0],
            deadline_ms=60_000,
            ids=tuple(next(self._ids) for _ in vectors),
            vectors=np.stack(vectors),
        )

    def draws(self, character: str, *, resolution: int, timeout_s: float) -> bool:
        """Whether an honest order for the average face is answered with a frame."""
        order = self.order(character, [self.schema(character).default_vector()], resolution=resolution)
        answer = self.ask(order, timeout_s=timeout_s)
        return isinstance(answer, FrameReply) and answer.id == order.ids[0]

    def refusal_of(self, data: Message | str | bytes, *, timeout_s: float) -> str | None:
        """The code of the ``error`` that answers, None when something else or nothing does."""
        answer = self.ask(data, timeout_s=timeout_s)
        return answer.code if isinstance(answer, ErrorReply) else None

    def wait_dropped(self, *, timeout_s: float) -> float | None:
        """Say nothing until the engine hangs up: the seconds it took, None when it did not in time."""
        began = time.monotonic()
        try:
            while True:
                self._connection.receive(began + timeout_s - time.monotonic())
        except EngineTimeoutError:
            return None
        except EngineLostError:
            return time.monotonic() - began

    def cut(self) -> None:
        """End the connection as a broken cable does: no goodbye of any kind."""
        with contextlib.suppress(OSError):
            self._websocket.socket.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Send the engine off to dial again."""
        with contextlib.suppress(EngineError):
            self._connection.send(Goodbye(reason="the check goes on in another session", again=True))
        self._connection.close()
        self.over.set()


class RawServer:
    """Listens where the engine dials and hands out raw sessions. A context manager."""

    def __init__(self, *, token: str, host: str, port: int, tls: TlsFiles | None, ping_s: float = QUIET_S) -> None:
        self._token, self._ping_s = token, ping_s
        self._sessions: queue.Queue[RawSession] = queue.Queue()
        self._accepted: list[RawSession] = []
        self._server = serve(
            self._welcome,
            sock=socket.create_server((host, port)),
            ssl=None if tls is None else tls.context(),
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_HELLO_BYTES,
            max_queue=MAX_QUEUED_MESSAGES,
            logger=logging.Logger("quiet", logging.CRITICAL),
        )
        threading.Thread(target=self._server.serve_forever, name="raw server", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening before anybody is sent off: an engine may be quick to dial again."""
        self._server.shutdown()
        while self._accepted or not self._sessions.empty():
            (self._accepted.pop() if self._accepted else self._sessions.get()).leave()

    def accept(self, timeout_s: float) -> RawSession:
        """The next session. Raises EngineTimeoutError."""
        try:
            self._accepted.append(self._sessions.get(timeout=timeout_s))
        except queue.Empty:
            raise EngineTimeoutError(f"the engine has not dialled again within {timeout_s:.0f} s") from None
        return self._accepted[-1]

    def _welcome(self, websocket: ServerConnection) -> None:
        connection = Connection(websocket, max_message_bytes=MAX_HELLO_BYTES)
        try:
            hello = read_hello(str(connection.receive_data(HELLO_DEADLINE_S, MAX_HELLO_BYTES)), self._token)
            terms = welcome(hello, self._ping_s)
            connection.allow_messages(terms.max_message_bytes)
            connection.send(terms)
        except (EngineError, ProtocolError):
            connection.close()
            return
        session = RawSession(websocket, connection, hello)
        self._sessions.put(session)
        session.over.wait()


class KitEndpoint:
    """An address that one engine dials: most of the time a hub answers there, during raw sessions the kit itself."""

    def __init__(
        self, *, token: str | None = None, host: str = "127.0.0.1", port: int = 0, tls: TlsFiles | None = None
    ) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._host, self._tls = host, tls
        self.hub = EngineHub(token=self.token, host=host, port=port, tls=tls)
        self._port = self.hub.port
        self._engine: RemoteEngine | None = None

    def engine(self, timeout_s: float = REDIAL_S) -> RemoteEngine:
        """The engine as a bridge, as soon as it has dialled. Raises EngineTimeoutError."""
        self._engine = self.hub.accept(timeout_s=timeout_s)
        return self._engine

    def adopt(self, engine: RemoteEngine) -> None:
        """This is the engine that dialled."""
        self._engine = engine

    @contextlib.contextmanager
    def session(self, *, ping_s: float = QUIET_S) -> Iterator[RawSession]:
        """A raw session; the bridge to the engine is closed for it, and :meth:`engine` gives the next one."""
        self._send_off()
        try:
            with RawServer(token=self.token, host=self._host, port=self._port, tls=self._tls, ping_s=ping_s) as server:
                yield server.accept(REDIAL_S)
        finally:
            self.hub = EngineHub(token=self.token, host=self._host, port=self._port, tls=self._tls)

    def close(self) -> None:
        """Send the engine home. Idempotent."""
        self.hub.close()

    def _send_off(self) -> None:
        """The hub closes while the engine's connection still does, or the engine could dial the hub once more."""
        if self._engine is not None:
            goodbye = {"reason": "the check goes on in another session", "again": True}
            parting = threading.Thread(target=self._engine.close, kwargs=goodbye, name="parting")
            parting.start()
            self._engine.wait_closed()
            self.hub.close()
            parting.join()
        self.hub.close()
