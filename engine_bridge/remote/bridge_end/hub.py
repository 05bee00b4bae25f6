"""The bridge's door: listens, shakes hands with the engines that dial in, and hands them out."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from websockets.exceptions import NegotiationError
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from engine_bridge.errors import EngineBuildChangedError, EngineError, EngineTimeoutError, InputError, ProtocolError
from engine_bridge.remote.bridge_end.handshake import PING_S, Expectation, check_expectation, read_hello, welcome
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.wire.connection import CLOSE_TIMEOUT_S, IDLE_QUEUE, Connection, is_loopback
from engine_bridge.remote.wire.fields import one_line
from engine_bridge.remote.wire.messages import HELLO_DEADLINE_S, MAX_HELLO_BYTES, REFUSALS, SUBPROTOCOL, Hello, Refusal

SHORTEST_TOKEN: Final = 16
MAX_STRANGERS: Final = 16  # connections that have not shaken hands yet
SUBPROTOCOL_FAMILY: Final = SUBPROTOCOL.rstrip("0123456789")


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """PEM files of the certificate (with its chain) and of its private key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Raises InputError when a file is missing or wrong."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, password=self._refuse_encrypted)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"tls: {self.certificate} and {self.key} are no certificate and key: {error}") from error
        return context

    def _refuse_encrypted(self) -> NoReturn:
        """The library would ask for the password on the terminal, and nobody sits there."""
        raise InputError(
            f"tls: {self.key} is encrypted; write it as plain PEM that only its owner can read: "
            f"openssl pkey -in {self.key.name} -out plain.pem"
        )


class EngineHub:
    """Engines dial in; :meth:`accept` hands them out. A context manager; any thread may use it.

    ``capacity`` bounds the engines connected at one time; more are told ``busy``. ``expected`` may be replaced while
    the hub runs: it is compared with every engine that says hello from then on. ``last_refusal`` tells why the last
    engine was sent away, None if none was.
    """

    def __init__(
        self,
        *,
        token: str,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: TlsFiles | None = None,
        expected: Expectation = Expectation(),  # noqa: B008  (frozen)
        capacity: int = 64,
        ping_s: float = PING_S,
        hello_deadline_s: float = HELLO_DEADLINE_S,
    ) -> None:
        if len(token) < SHORTEST_TOKEN:
            raise InputError(f"token: {len(token)} characters; draw at least {SHORTEST_TOKEN} at random")
        if tls is None and not is_loopback(host):
            raise InputError(f"host: {host} is reachable from outside, so it needs TLS; name a certificate and its key")
        self.expected = expected
        self._token, self._capacity, self._ping_s, self._hello_deadline_s = token, capacity, ping_s, hello_deadline_s
        self._engines: list[RemoteEngine] = []
        self._waiting: list[RemoteEngine] = []
        self._strangers: set[Connection] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._changed_builds: dict[str, str] = {}
        self.last_refusal: str | None = None
        self._host, self._scheme = host, "ws" if tls is None else "wss"
        self._reading_hello = threading.Lock()
        self._server = self._listen(port, tls)
        # The library's connection threads inherit this: a hub that nobody closed must not keep the process alive.
        self._listener = threading.Thread(target=self._server.serve_forever, name="engine hub", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        return int(self._server.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where engines dial; a hub that listens on every address names this machine."""
        host = socket.getfqdn() if self._host in ("", "0.0.0.0", "::") else self._host
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def num_connected(self) -> int:
        """Engines whose session stands."""
        with self._changed:
            return sum(engine.alive for engine in self._engines)

    def accept(self, instance: str | None = None, timeout_s: float = 60.0) -> RemoteEngine:
        """The engine of that instance name, or any, as soon as it has dialled in. Every engine is handed out once.

        Raises EngineTimeoutError, EngineBuildChangedError when that instance came as another than ``expected``, or
        EngineError when the hub is closed meanwhile.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if self._closed:
                    raise EngineError("the hub was closed")
                if instance in self._changed_builds:
                    raise EngineBuildChangedError(f"engine {instance}: {self._changed_builds.pop(instance)}")
                engine = self._take(instance)
                if engine is not None:
                    return engine
                if time.monotonic() >= deadline:
                    raise EngineTimeoutError(self._describe_wait(instance, timeout_s))
                self._changed.wait(deadline - time.monotonic())

    def close(self, *, again: bool = False) -> None:
        """Say goodbye to every engine and stop listening; ``again`` asks them to dial in again. Idempotent."""
        with self._changed:
            already, self._closed = self._closed, True
            engines, strangers = list(self._engines), list(self._strangers)
            self._changed.notify_all()
        if already:
            return
        self._stop_listening()
        goodbyes = [partial(engine.close, reason="the bridge closes", again=again) for engine in engines]
        _do_at_once([*goodbyes, *(stranger.close for stranger in strangers)])

    def _stop_listening(self) -> None:
        self._server.shutdown()
        self._listener.join(CLOSE_TIMEOUT_S)
        if not self._listener.is_alive():
            for end in (self._server.shutdown_watcher, self._server.shutdown_notifier):  # the library leaves them open
                os.close(end)

    def _listen(self, port: int, tls: TlsFiles | None) -> Server:
        context = None if tls is None else tls.context()
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, port), family=family)
        except OSError as error:
            raise InputError(f"host, port: cannot listen on {self._host}:{port}: {error.strerror}") from error
        return serve(
            self._welcome,
            sock=listener,
            ssl=context,
            origins=[None],  # only browsers send an Origin: a web page must not be able to dial in
            select_subprotocol=_select_subprotocol,
            compression=None,
            server_header=None,
            open_timeout=self._hello_deadline_s,
            ping_interval=None,  # the protocol has its own
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_HELLO_BYTES,
            max_queue=0,  # nothing is read after a hello before the engine is known
            logger=logging.Logger("quiet", logging.CRITICAL),  # strangers must not fill our log
        )

    def _welcome(self, websocket: ServerConnection) -> None:
        """One engine's thread: the connection lives as long as this does."""
        connection = Connection(websocket, max_message_bytes=MAX_HELLO_BYTES)
        try:
            with self._listed_as_stranger(connection):
                engine = self._shake_hands(connection)
        except ProtocolError as error:
            self.last_refusal = str(error)
            _refuse(connection, error)
        except EngineError:
            connection.close()
        else:
            engine.wait_closed()
            self._forget(engine)

    @contextlib.contextmanager
    def _listed_as_stranger(self, connection: Connection) -> Iterator[None]:
        with self._changed:
            if self._closed or len(self._strangers) >= MAX_STRANGERS:
                raise EngineError("too many connections wait for their handshake")
            self._strangers.add(connection)
        try:
            yield
        finally:
            with self._changed:
                self._strangers.remove(connection)

    def _shake_hands(self, connection: Connection) -> RemoteEngine:
        data = connection.receive_data(self._hello_deadline_s, MAX_HELLO_BYTES)
        if connection.subprotocol != SUBPROTOCOL:
            words = f"protocol: this end speaks {SUBPROTOCOL}, got {connection.subprotocol}"
            raise ProtocolError(one_line(words, 200), code="bad_protocol")
        if not isinstance(data, str):
            raise ProtocolError("the first message must be a text message of type hello", code="bad_hello")
        with self._reading_hello:  # read, it may take twenty times the memory
            hello = read_hello(data, self._token)
        self._check_expectation(hello)
        terms = welcome(hello, self._ping_s)
        with self._changed:
            self._check_room(hello.instance)
            connection.allow_messages(terms.max_message_bytes)
            connection.allow_queue(IDLE_QUEUE)
            connection.send(terms)
            engine = RemoteEngine(connection, hello, terms)
            self._engines.append(engine)
            self._waiting.append(engine)
            self._changed.notify_all()
        return engine

    def _check_expectation(self, hello: Hello) -> None:
        try:
            check_expectation(hello, self.expected)
        except ProtocolError as error:
            with self._changed:
                self._changed_builds[hello.instance] = str(error)
                self._changed.notify_all()
            raise

    def _check_room(self, instance: str) -> None:
        connected = [engine.instance for engine in self._engines if engine.alive]
        if self._closed or len(connected) >= self._capacity:
            raise ProtocolError(f"{len(connected)} engines are connected, there is work for no more", code="busy")
        if instance in connected:
            raise ProtocolError(f"instance: {instance} is connected already", code="busy")

    def _take(self, instance: str | None) -> RemoteEngine | None:
        self._waiting = [engine for engine in self._waiting if engine.alive]
        for engine in self._waiting:
            if instance in (None, engine.instance):
                self._waiting.remove(engine)
                return engine
        return None

    def _describe_wait(self, instance: str | None, timeout_s: float) -> str:
        who = "no engine" if instance is None else f"the engine {instance}"
        refusal = "" if self.last_refusal is None else f"; the last one that tried was refused: {self.last_refusal}"
        return f"{who} has not dialled in within {timeout_s:g} s{refusal}"

    def _forget(self, engine: RemoteEngine) -> None:
        with self._changed:
            self._engines.remove(engine)


def _select_subprotocol(_websocket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol:
    """Another version of the protocol is let in as far as its hello, to be told that it is another."""
    ours = [name for name in offered if name.startswith(SUBPROTOCOL_FAMILY)]
    if not ours:
        raise NegotiationError(f"the subprotocol {SUBPROTOCOL} is needed")
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in ours else ours[0]


def _do_at_once(partings: Sequence[Callable[[], None]]) -> None:
    """Every parting waits for its engine a second or so; together they take no longer."""
    threads = [threading.Thread(target=parting, name="parting", daemon=True) for parting in partings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _refuse(connection: Connection, error: ProtocolError) -> None:
    code = error.code if error.code in REFUSALS else "bad_hello"
    try:
        connection.send(Refusal(code=code, message=str(error)))
    except EngineError:
        return
    connection.close(REFUSALS[code], code)
