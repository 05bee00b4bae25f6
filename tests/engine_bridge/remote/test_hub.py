from __future__ import annotations

import datetime
import ipaddress
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket
from websockets.typing import Origin, Subprotocol

from engine_bridge.errors import EngineBuildChangedError, EngineError, EngineTimeoutError, InputError
from engine_bridge.remote.client import serve
from engine_bridge.remote.handshake import Expectation
from engine_bridge.remote.hub import EngineHub, TlsFiles
from engine_bridge.remote.messages import Capabilities
from engine_bridge.remote.protocol import Hello, encode
from engine_bridge.schema import ParameterSchema

if TYPE_CHECKING:
    from conftest import Connect, SketchEngine

Say = Callable[..., str]


@pytest.fixture
def say(token: str, sketch_schema: ParameterSchema) -> Say:
    """``say(instance="b")``: a hello with some of its members changed."""

    def call(**changes: Any) -> str:
        hello = Hello(token=token, engine="sketch", build="sketch-1", instance="raw", schemas=(sketch_schema,))
        return json.dumps(json.loads(encode(hello)) | changes)

    return call


@pytest.fixture
def dial(hub: EngineHub) -> Iterator[Callable[[], ClientConnection]]:
    """A bare WebSocket to the hub."""
    opened: list[ClientConnection] = []

    def call() -> ClientConnection:
        opened.append(open_bare(hub.url))
        return opened[-1]

    yield call
    for websocket in opened:
        websocket.close()


def open_bare(url: str, **options: Any) -> ClientConnection:
    return open_websocket(url, subprotocols=[Subprotocol("f2p.engine.v1")], compression=None, proxy=None, **options)


def read_refusal(websocket: ClientConnection) -> tuple[str, int]:
    """The refusal's code, and the WebSocket status that follows."""
    message = json.loads(websocket.recv(5.0))
    assert message["type"] == "refusal"
    with pytest.raises(ConnectionClosed) as closed:
        websocket.recv(5.0)
    assert closed.value.rcvd is not None
    return message["code"], closed.value.rcvd.code


def test_an_engine_that_dials_in_is_handed_out_once(hub: EngineHub, connect: Connect) -> None:
    engine = connect(instance="left")
    assert (engine.name, engine.build, engine.instance) == ("sketch", "sketch-1", "left")
    with pytest.raises(EngineTimeoutError):
        hub.accept("left", timeout_s=0.05)


def test_engines_are_handed_out_by_instance(hub: EngineHub, dial: Callable[[], ClientConnection], say: Say) -> None:
    for instance in ("left", "right"):
        dial().send(say(instance=instance))
    assert hub.accept("right", timeout_s=5.0).instance == "right"
    assert hub.accept(timeout_s=5.0).instance == "left"


def test_the_schemas_come_from_the_engine(connect: Connect, sketch_schema: ParameterSchema) -> None:
    assert connect().describe("sketch").fingerprint == sketch_schema.fingerprint


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"protocol": [2, 0]}, ("bad_protocol", 4001)),
        ({"token": "guessed"}, ("bad_token", 4003)),
        ({"token": None}, ("bad_hello", 4004)),
        ({"engine": 5}, ("bad_hello", 4004)),
        ({"type": "pong"}, ("bad_hello", 4004)),
        ({"schemas": [{}]}, ("bad_schema", 4005)),
    ],
)
def test_a_wrong_hello_is_refused_with_code_and_status(
    dial: Callable[[], ClientConnection], say: Say, changes: dict[str, Any], refusal: tuple[str, int]
) -> None:
    websocket = dial()
    websocket.send(say(**changes))
    assert read_refusal(websocket) == refusal


@pytest.mark.parametrize("first", [b"\x00", "{", "null"])
def test_what_is_no_hello_is_refused(dial: Callable[[], ClientConnection], first: str | bytes) -> None:
    websocket = dial()
    websocket.send(first)
    assert read_refusal(websocket) == ("bad_hello", 4004)


def test_a_hello_that_is_too_long_ends_the_connection(dial: Callable[[], ClientConnection]) -> None:
    websocket = dial()
    with suppress(ConnectionClosed):
        websocket.send("x" * (9 << 20))
    with pytest.raises(ConnectionClosed):
        websocket.recv(5.0)


def test_a_refused_token_is_not_repeated_to_the_stranger(
    dial: Callable[[], ClientConnection], say: Say, token: str
) -> None:
    websocket = dial()
    websocket.send(say(token="guessed"))
    assert token not in str(websocket.recv(5.0))


def test_an_engine_that_never_says_hello_is_dropped(token: str) -> None:
    with (
        EngineHub(token=token, hello_deadline_s=0.2) as hub,
        closing(open_bare(hub.url)) as websocket,
        pytest.raises(ConnectionClosed),
    ):
        websocket.recv(5.0)


@pytest.mark.parametrize("name", ["build", "engine"])
def test_another_engine_than_the_run_was_begun_with_is_refused(
    hub: EngineHub, dial: Callable[[], ClientConnection], say: Say, name: str
) -> None:
    hub.expected = Expectation(**{name: "another"})
    websocket = dial()
    websocket.send(say())
    assert read_refusal(websocket) == ("bad_build", 4006)


def test_another_schema_than_that_of_the_run_is_refused(
    hub: EngineHub, dial: Callable[[], ClientConnection], say: Say
) -> None:
    hub.expected = Expectation(fingerprints={"sketch": "0123"})
    websocket = dial()
    websocket.send(say())
    assert read_refusal(websocket) == ("bad_schema", 4005)


def test_whoever_waits_for_an_instance_learns_that_it_has_changed(
    hub: EngineHub, dial: Callable[[], ClientConnection], say: Say
) -> None:
    hub.expected = Expectation(build="sketch-0")
    dial().send(say(instance="left"))
    with pytest.raises(EngineBuildChangedError, match="begun with sketch-0, this is sketch-1"):
        hub.accept("left", timeout_s=5.0)


def test_a_wait_in_vain_names_the_last_refusal(hub: EngineHub, dial: Callable[[], ClientConnection], say: Say) -> None:
    websocket = dial()
    websocket.send(say(token="guessed"))
    read_refusal(websocket)
    with pytest.raises(EngineTimeoutError, match="was refused: token"):
        hub.accept(timeout_s=0.05)


def test_engines_beyond_the_capacity_are_told_that_the_bridge_is_busy(token: str, say: Say) -> None:
    with (
        EngineHub(token=token, capacity=1) as hub,
        closing(open_bare(hub.url)) as first,
        closing(open_bare(hub.url)) as second,
    ):
        first.send(say(instance="first"))
        first.recv(5.0)
        second.send(say(instance="second"))
        assert read_refusal(second) == ("busy", 4008)


def test_a_second_engine_of_the_same_instance_is_told_to_wait(dial: Callable[[], ClientConnection], say: Say) -> None:
    first, second = dial(), dial()
    first.send(say())
    first.recv(5.0)
    second.send(say())
    assert read_refusal(second) == ("busy", 4008)


def test_an_engine_that_left_before_it_was_wanted_is_not_handed_out(
    hub: EngineHub, dial: Callable[[], ClientConnection], say: Say
) -> None:
    websocket = dial()
    websocket.send(say(instance="gone"))
    websocket.recv(5.0)
    websocket.close()
    deadline = time.monotonic() + 5.0
    while hub.num_connected and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(EngineTimeoutError):
        hub.accept(timeout_s=0.05)


def test_a_web_page_cannot_dial_in(hub: EngineHub) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_bare(hub.url, origin=Origin("https://example.org"))
    assert refused.value.response.status_code == 403


def test_a_client_without_the_subprotocol_cannot_dial_in(hub: EngineHub) -> None:
    with pytest.raises(InvalidStatus):
        open_websocket(hub.url, proxy=None)


def test_closing_sends_engines_home(token: str, say: Say) -> None:
    with EngineHub(token=token) as hub:
        websocket = open_bare(hub.url)
        websocket.send(say())
        websocket.recv(5.0)
    goodbye = json.loads(websocket.recv(5.0))
    websocket.close()
    assert (goodbye["type"], goodbye["again"]) == ("goodbye", False)


def test_closing_wakes_whoever_waits_for_an_engine(token: str) -> None:
    hub = EngineHub(token=token)
    threading.Timer(0.1, hub.close).start()
    started = time.monotonic()
    with pytest.raises(EngineError, match="closed"):
        hub.accept(timeout_s=30.0)
    assert time.monotonic() - started < 5.0


def test_closing_does_not_wait_for_strangers_who_never_said_hello(token: str) -> None:
    with EngineHub(token=token) as hub:
        websocket = open_bare(hub.url)
        started = time.monotonic()
    with closing(websocket), pytest.raises(ConnectionClosed):
        websocket.recv(5.0)
    assert time.monotonic() - started < 4.0


def test_closing_twice_is_closing_once(token: str) -> None:
    hub = EngineHub(token=token)
    hub.close()
    hub.close()


def test_a_short_token_is_refused() -> None:
    with pytest.raises(InputError, match="at least 16"):
        EngineHub(token="secret")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_listening_beyond_this_machine_needs_tls(host: str, token: str) -> None:
    with pytest.raises(InputError, match="TLS"):
        EngineHub(token=token, host=host)


def test_a_port_in_use_is_the_users_mistake(hub: EngineHub, token: str) -> None:
    with pytest.raises(InputError, match="cannot listen"):
        EngineHub(token=token, port=hub.port)


def test_a_certificate_that_is_none_is_the_users_mistake(tmp_path: Path, token: str) -> None:
    files = TlsFiles(certificate=tmp_path / "missing.pem", key=tmp_path / "missing.key")
    with pytest.raises(InputError, match="tls"):
        EngineHub(token=token, host="0.0.0.0", tls=files)


def test_an_engine_dials_in_over_tls(
    tmp_path: Path,
    token: str,
    sketch_engine: type[SketchEngine],
    sketch_requests: Callable[..., Any],
) -> None:
    files = write_certificate(tmp_path)
    with EngineHub(token=token, tls=files) as hub:
        assert hub.url.startswith("wss://")
        thread = threading.Thread(
            target=serve,
            args=(sketch_engine(),),
            kwargs={
                "url": hub.url,
                "token": token,
                "instance": "far",
                "characters": ["sketch"],
                "capabilities": Capabilities(stamp=True),
                "authority": files.certificate,
            },
        )
        thread.start()
        assert len(hub.accept("far", timeout_s=5.0).render(sketch_requests(3))) == 3
    thread.join(5.0)
    assert not thread.is_alive()


def write_certificate(folder: Path) -> TlsFiles:
    """A certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "f2p test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(certificate=folder / "certificate.pem", key=folder / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
