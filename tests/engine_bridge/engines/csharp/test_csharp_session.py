"""The C# library message by message, against a bridge that is nothing but the specification."""

from __future__ import annotations

import contextlib
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

Start = Callable[..., "subprocess.Popen[str]"]


def test_hello_has_every_member_of_the_handshake(bare_bridge: Any, start: Start) -> None:
    start(bare_bridge.url, instance="sketch-7")
    hello = bare_bridge.meet().hello
    assert set(hello) == {"type", "protocol", "token", "engine", "build", "instance", "schemas", "capabilities"}
    assert (hello["type"], hello["protocol"], hello["instance"]) == ("hello", [1, 0], "sketch-7")


def test_frames_come_in_the_order_of_the_ids(session: Any) -> None:
    session.order([5, 3, 9])
    session.order([4])
    answers = [session.receive() for _ in range(4)]
    assert [answer["id"] for answer in answers] == [5, 3, 9, 4]
    frames = [answer["frame"] for answer in answers]
    assert frames == sorted(set(frames))


def test_a_ping_is_answered_between_two_frames_of_one_order(session: Any) -> None:
    session.order(range(8), resolution=512)
    session.send(type="ping", id=77)
    types = [session.receive()["type"] for _ in range(9)]
    assert types.count("pong") == 1
    assert types.index("pong") < 8


def test_a_pong_tells_the_last_frame_and_the_memory(session: Any) -> None:
    session.order([1])
    frame = session.receive()["frame"]
    session.send(type="ping", id=3)
    pong = session.receive()
    assert (pong["type"], pong["id"], pong["frame"]) == ("pong", 3, frame)
    assert 10e6 < pong["memory_bytes"] < 1e9


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1, 2]",
        "nothing",
        '{"type": "hello?"}',
        '{"no": "type"}',
        '{"type": 3}',
        '{"type": "ping"}',
        '{"type": "ping", "id": 01}',
        '{"type": "ping", "id": 1.5}',
        '{"type": "ping", "id": NaN}',
        '{"type": "ping", "id": 1, "id": 2}',
        '{"type": "ping", "id": 1} 2',
        '{"type": "ping", "id": 1,}',
        '{"type": "a\nb"}',
        "[" * 10000,
        "",
    ],
)
def test_a_text_that_makes_no_sense_is_an_error_and_not_the_end(session: Any, text: str) -> None:
    session.socket.send(text)
    error = session.receive()
    assert (error["type"], error["code"], error["ids"]) == ("error", "bad_message", [])
    session.order([1])
    assert session.receive()["type"] == "frame"


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00\xff\xfe", b"\x02\x00\x00\x00{}"]
)
def test_a_binary_message_that_makes_no_sense_is_an_error_and_not_the_end(session: Any, data: bytes) -> None:
    session.socket.send(data)
    assert session.receive()["code"] == "bad_message"
    session.order([1])
    assert session.receive()["type"] == "frame"


def test_members_that_nobody_knows_are_ignored(session: Any) -> None:
    session.send(type="ping", id=1, mood={"good": [True, None, "\u00e9\U0001f600"]})
    assert session.receive()["type"] == "pong"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"character": "elf"}, "unknown_character"),
        ({"fingerprint": "another"}, "stale_schema"),
        ({"resolution": 15}, "bad_request"),
        ({"resolution": 1025}, "bad_request"),
        ({"encoding": "png"}, "bad_request"),
        ({"scenes": [{}]}, "bad_request"),
        ({"scenes": [{}, {"yaw_deg": 3}]}, "bad_request"),
        ({"scenes": [{}, {"zoom": 0}]}, "bad_request"),
        ({"scenes": [{}, {"skin_tint": [1, 1]}]}, "bad_request"),
        ({"payload": b"\0" * 12}, "bad_request"),
        ({"payload": np.full(72, 2.0, np.float32).tobytes()}, "bad_request"),
        ({"payload": np.full(72, np.nan, np.float32).tobytes()}, "bad_request"),
    ],
)
def test_an_order_that_cannot_be_drawn_is_refused_with_its_ids(
    session: Any, changes: dict[str, Any], code: str
) -> None:
    session.order([10, 11], **changes)
    error = session.receive()
    assert (error["type"], error["code"], error["ids"]) == ("error", code, [10, 11])
    session.order([12])
    assert session.receive()["id"] == 12


def test_the_first_of_equal_entries_is_the_choice(session: Any) -> None:
    tie = session.vector.copy()
    tie[session.vector.size - 15 :] = 0.5
    session.order([1], payload=tie.tobytes())
    data = session.socket.recv(timeout=15)
    start = 4 + int.from_bytes(data[:4], "little")
    np.testing.assert_array_equal(np.frombuffer(data[start : start + tie.nbytes], np.float32), session.vector)


def test_more_than_was_announced_is_refused(session: Any) -> None:
    session.order(range(17))
    assert session.receive()["code"] == "bad_request"
    for first in (100, 200, 300):
        session.order(range(first, first + 16), resolution=512)
    answers = [session.receive() for _ in range(33)]
    refused = [answer for answer in answers if answer["type"] == "error"]
    assert [(answer["code"], answer["ids"]) for answer in refused] == [("overloaded", list(range(300, 316)))]


def test_what_is_past_its_deadline_is_skipped(session: Any) -> None:
    session.order(range(16), resolution=1024, deadline_ms=60)
    answers = [session.receive() for _ in range(16)]
    skipped = [answer for answer in answers if answer["type"] == "error"]
    assert {answer["code"] for answer in skipped} == {"deadline"}
    assert skipped[-1]["ids"] == [15]


def test_stamps_are_part_of_the_drawing(session: Any) -> None:
    session.order([201], stamp=True)
    data = session.socket.recv(timeout=15)
    start = 4 + int.from_bytes(data[:4], "little") + session.vector.nbytes
    picture = np.frombuffer(data, np.uint8, 32 * 32 * 3, start).reshape(32, 32, 3)
    mask = np.frombuffer(data, np.uint8, 32 * 32, start + picture.size).reshape(32, 32)
    assert (picture[:4, :4] == [48, 48, 112]).all()  # 201 = 1 + 8 * 1 + 64 * 3
    assert (mask[:4, :4] == 201 % 11).all()
    assert (picture[4, 4] != [48, 48, 112]).any()


def test_a_bridge_that_falls_silent_is_dropped_and_dialled_again(bare_bridge: Any, start: Start) -> None:
    start(bare_bridge.url)
    silent = bare_bridge.session(ping_s=0.25)
    began = time.monotonic()
    again = bare_bridge.session()
    assert 1.0 < time.monotonic() - began < 6.0
    again.order([1])
    assert again.receive()["type"] == "frame"
    with pytest.raises(ConnectionClosed):
        silent.receive()


def test_a_lost_connection_is_dialled_again_and_its_work_forgotten(bare_bridge: Any, start: Start) -> None:
    start(bare_bridge.url)
    first = bare_bridge.session()
    first.order(range(8), resolution=1024)
    first.socket.socket.close()
    second = bare_bridge.session()
    second.order([20])
    assert second.receive()["id"] == 20


@pytest.mark.parametrize(
    ("code", "status"),
    [("bad_protocol", 4001), ("bad_token", 4003), ("bad_hello", 4004), ("bad_schema", 4005), ("bad_build", 4006)],
)
def test_an_engine_that_is_refused_does_not_dial_again(bare_bridge: Any, start: Start, code: str, status: int) -> None:
    process = start(bare_bridge.url)
    met = bare_bridge.meet()
    met.send(type="refusal", code=code, message="because")
    met.socket.close(status, code)
    assert process.wait(timeout=10) == 1
    assert f"refused, {code}: because" in process.communicate()[1]


def test_an_engine_for_which_there_is_no_work_dials_again(bare_bridge: Any, start: Start) -> None:
    start(bare_bridge.url)
    met = bare_bridge.meet()
    met.send(type="refusal", code="busy", message="later")
    met.socket.close(4008, "busy")
    assert bare_bridge.session().hello["type"] == "hello"


@pytest.mark.parametrize("again", [False, True])
def test_goodbye_says_whether_to_come_back(bare_bridge: Any, start: Start, again: bool) -> None:
    process = start(bare_bridge.url)
    session = bare_bridge.session()
    session.send(type="goodbye", reason="done", again=again)
    with pytest.raises(ConnectionClosed):
        session.receive()
    assert session.socket.close_code == 1000
    if again:
        assert bare_bridge.session().hello["type"] == "hello"
    else:
        assert process.wait(timeout=10) == 0


def test_an_engine_that_is_interrupted_at_its_terminal_says_goodbye(bare_bridge: Any, start: Start) -> None:
    _, terminal = pty.openpty()  # without one Mono leaves the signal to the system, which ends the process
    process = start(bare_bridge.url, terminal=terminal, TERM="xterm")
    session = bare_bridge.session()
    process.send_signal(signal.SIGINT)
    assert session.receive()["type"] == "goodbye"
    assert process.wait(timeout=40) == 0


def test_a_message_of_more_than_16_mib_ends_the_session(bare_bridge: Any, start: Start) -> None:
    start(bare_bridge.url)
    session = bare_bridge.session()
    with contextlib.suppress(ConnectionClosed):
        session.socket.send(b"\0" * (16 * 2**20 + 1))
    assert bare_bridge.session().hello["type"] == "hello"
