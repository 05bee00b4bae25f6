from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket
from websockets.typing import Origin

from engine_bridge.errors import EngineBuildChangedError, EngineTimeoutError, InputError
from engine_bridge.remote.bridge_end.handshake import Expectation, read_hello
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.wire.messages import Hello
from engine_bridge.schema import ParameterSchema

if TYPE_CHECKING:
    from conftest import Connect, OpenBare, Say


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


def test_an_engine_that_never_says_hello_is_dropped(token: str, open_bare: OpenBare) -> None:
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


def test_engines_beyond_the_capacity_are_told_to_wait(token: str, say: Say, open_bare: OpenBare) -> None:
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


def test_a_web_page_cannot_dial_in(hub: EngineHub, open_bare: OpenBare) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_bare(hub.url, origin=Origin("https://example.org"))
    assert refused.value.response.status_code == 403


def test_a_client_without_the_subprotocol_cannot_dial_in(hub: EngineHub) -> None:
    with pytest.raises(InvalidStatus):
        open_websocket(hub.url, proxy=None)


def test_another_version_of_the_protocol_is_told_so(hub: EngineHub, say: Say, open_bare: OpenBare) -> None:
    with closing(open_bare(hub.url, "f2p.engine.v2")) as websocket:
        websocket.send(say())
        assert read_refusal(websocket) == ("bad_protocol", 4001)


def test_an_engine_that_speaks_this_version_too_is_welcome(hub: EngineHub, say: Say, open_bare: OpenBare) -> None:
    with closing(open_bare(hub.url, "f2p.engine.v2", "f2p.engine.v1")) as websocket:
        websocket.send(say())
        assert websocket.subprotocol == "f2p.engine.v1"
        assert json.loads(websocket.recv(5.0))["type"] == "welcome"


def test_what_a_stranger_sends_behind_its_hello_is_not_read(
    dial: Callable[[], ClientConnection], say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = threading.Event()

    def slowly(text: str, token: str) -> Hello:
        looked_at.wait(10.0)
        return read_hello(text, token)

    monkeypatch.setattr("engine_bridge.remote.bridge_end.hub.read_hello", slowly)
    websocket = dial()
    websocket.send(say())
    assert megabytes_taken(websocket) < 32
    looked_at.set()


def test_what_an_engine_sends_unasked_is_not_read(token: str, say: Say, open_bare: OpenBare) -> None:
    with EngineHub(token=token, ping_s=60.0) as hub, closing(open_bare(hub.url)) as websocket:
        websocket.send(say())
        websocket.recv(5.0)
        assert megabytes_taken(websocket) < 48


def megabytes_taken(websocket: ClientConnection, most: int = 128) -> int:
    """How much the other end takes until it lets a sender wait for a second; some of it lies with the kernel."""
    websocket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 1, 0))
    for sent in range(0, most, 4):
        try:
            websocket.send(bytes(4 << 20))
        except ConnectionClosed:
            return sent
    return most


def test_hellos_are_read_one_at_a_time(
    hub: EngineHub, dial: Callable[[], ClientConnection], say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, most = [], []

    def slowly(text: str, token: str) -> Hello:
        reading.append(text)
        most.append(len(reading))
        time.sleep(0.05)
        reading.remove(text)
        return read_hello(text, token)

    monkeypatch.setattr("engine_bridge.remote.bridge_end.hub.read_hello", slowly)
    for index in range(4):
        dial().send(say(instance=f"engine-{index}"))
    for _ in range(4):
        hub.accept(timeout_s=5.0)
    assert most == [1, 1, 1, 1]


def test_a_short_token_is_refused() -> None:
    with pytest.raises(InputError, match="at least 16"):
        EngineHub(token="secret")


def test_a_port_in_use_is_the_users_mistake(hub: EngineHub, token: str) -> None:
    with pytest.raises(InputError, match="cannot listen"):
        EngineHub(token=token, port=hub.port)
