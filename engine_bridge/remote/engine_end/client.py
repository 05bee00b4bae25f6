"""The engine's end of the protocol for engines in Python: dial the bridge, serve any engine bridge, dial again."""

from __future__ import annotations

import contextlib
import logging
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import EngineError, EngineLostError, EngineUnavailableError, InputError, ProtocolError
from engine_bridge.remote.engine_end.session import FaithfulWire, Session, Wire
from engine_bridge.remote.wire.connection import CLOSE_TIMEOUT_S, MAX_QUEUED_MESSAGES, Connection, is_loopback
from engine_bridge.remote.wire.messages import (
    HELLO_DEADLINE_S,
    MAX_ORDER_BYTES,
    REFUSALS,
    SUBPROTOCOL,
    Capabilities,
    Hello,
    Refusal,
    Welcome,
)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0

#: By WebSocket status. After any other refusal the bridge is dialled again.
_REFUSALS_FOR_GOOD: Final[Mapping[int | None, str]] = {
    status: code for code, status in REFUSALS.items() if code != "busy"
}

_LOG: Final = logging.getLogger(__name__)


def serve(
    bridge: EngineBridge,
    *,
    url: str,
    token: str,
    instance: str,
    characters: Sequence[str],
    capabilities: Capabilities = Capabilities(),  # noqa: B008  (frozen)
    wire: Wire | None = None,
    authority: Path | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Dial the bridge at ``url`` and draw what it asks for, in this thread, until it says not to come again.

    A lost connection is dialled again after 0.5 s, then ever later up to 10 s. Where stamps are among the capabilities
    and ``bridge`` is no DrawsStamps, they are painted right after each render. ``authority`` is a PEM file with the
    certificate to trust for ``wss://``; None trusts what the system trusts. Once ``stop`` is set, the bridge is not
    dialled any more.

    Raises InputError for an address that the protocol does not allow, EngineUnavailableError when the bridge refuses
    this engine for good.
    """
    context = _tls_context(url, authority)
    hello = Hello(
        token=token,
        engine=bridge.name,
        build=bridge.build,
        instance=instance,
        schemas=tuple(bridge.describe(character) for character in characters),
        capabilities=capabilities,
    )
    caller = _Caller(bridge, hello, wire or FaithfulWire(), url, context)
    stop = stop or threading.Event()
    while caller.call() and not stop.wait(caller.pause_s):
        caller.pause_s = min(2 * caller.pause_s, LONGEST_PAUSE_S)


class _Caller:
    """Calls one bridge again and again; a session that came about makes it patient again."""

    def __init__(
        self, bridge: EngineBridge, hello: Hello, wire: Wire, url: str, context: ssl.SSLContext | None
    ) -> None:
        self._bridge, self._hello, self._wire, self._url, self._context = bridge, hello, wire, url, context
        self.pause_s = FIRST_PAUSE_S

    def call(self) -> bool:
        """One session; whether to dial again."""
        try:
            with self._dial() as connection:
                welcome = self._introduce(connection)
                self.pause_s = FIRST_PAUSE_S
                return Session(connection, self._bridge, self._hello, welcome, self._wire).run()
        except EngineUnavailableError:
            raise
        except (EngineError, OSError, InvalidHandshake) as error:
            _LOG.warning("no session with the bridge: %s", error)
            return True

    @contextlib.contextmanager
    def _dial(self) -> Iterator[Connection]:
        websocket = connect(
            self._url,
            ssl=self._context,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=None if self._context is None else True,
            open_timeout=HELLO_DEADLINE_S,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_ORDER_BYTES,
            max_queue=MAX_QUEUED_MESSAGES,
        )
        connection = Connection(websocket, max_message_bytes=MAX_ORDER_BYTES)
        try:
            yield connection
        finally:
            connection.close()

    def _introduce(self, connection: Connection) -> Welcome:
        try:
            for sent in self._wire.outgoing(self._hello):
                connection.send(sent)
            answer = connection.receive(HELLO_DEADLINE_S)
        except EngineLostError as error:
            code = _REFUSALS_FOR_GOOD.get(connection.end_status)
            if code is None:
                raise
            raise EngineUnavailableError(f"the bridge refused this engine: {code}") from error
        except ProtocolError as error:
            raise EngineUnavailableError(f"the bridge speaks another protocol: {error}") from error
        match answer:
            case Welcome():
                return answer
            case Refusal(code=code, message=message) if code in _REFUSALS_FOR_GOOD.values():
                raise EngineUnavailableError(f"the bridge refused this engine: {code}: {message}")
            case Refusal(code=code, message=message):
                raise EngineLostError(f"the bridge does not take this engine now: {code}: {message}")
        raise EngineLostError(f"the bridge answered hello with {type(answer).__name__}")


def _tls_context(url: str, authority: Path | None) -> ssl.SSLContext | None:
    """None for loopback. The token must not travel in the clear."""
    address = urllib.parse.urlsplit(url)
    if address.scheme == "wss":
        return ssl.create_default_context(cafile=authority)
    if address.scheme != "ws" or not is_loopback(address.hostname or ""):
        raise InputError(f"url: {url} is neither ws:// on this machine nor wss:// elsewhere")
    return None
