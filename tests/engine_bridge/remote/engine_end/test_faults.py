from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine_bridge.characters import load_schema
from engine_bridge.errors import EngineError, EngineLostError, EngineTimeoutError, FrameRejectedError, InputError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.engine_end.faults import FAULTS, Fault, parse_fault, parse_faults
from engine_bridge.remote.engine_end.faulty_wire import FaultyWire
from engine_bridge.remote.wire.messages import FrameReply, Hello

if TYPE_CHECKING:
    from conftest import Connect

Requests = Callable[..., list[RenderRequest]]


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("crash_before@5", EngineLostError, "closed|ended"),
        ("goodbye@5", EngineLostError, "somebody closed the editor"),
        ("late@5", FrameRejectedError, "shows the stamp 4, expected the stamp 5"),
        ("late=2@5", FrameRejectedError, "shows the stamp 3, expected the stamp 5"),
        ("late_mask@5", FrameRejectedError, "another frame's mask"),
        ("swap@5", FrameRejectedError, "another frame's picture"),
        ("swap_ids@5", FrameRejectedError, "read back"),
        ("duplicate@5", FrameRejectedError, "came after"),
        ("black@5", FrameRejectedError, "one constant colour"),
        ("constant@5", FrameRejectedError, "one constant colour"),
        ("black@5,no_stamp", FrameRejectedError, "one constant colour"),
        ("constant@5,no_stamp", FrameRejectedError, "one constant colour"),
        ("wrong_size@5", FrameRejectedError, "16 x 16 pixels"),
        ("truncated@5", FrameRejectedError, "payload|raw bytes|values"),
        ("garbled@5", FrameRejectedError, "not JSON"),
        ("mask_is_picture@5", FrameRejectedError, "not a mask"),
        ("mask_is_picture@5,no_stamp", FrameRejectedError, "not a mask"),
        ("read_back@5", FrameRejectedError, "brow was asked to be"),
        ("read_back=0.002@5", FrameRejectedError, "brow was asked to be"),
    ],
)
def test_a_fault_at_frame_5_ends_the_session_after_4_good_frames(
    connect: Connect, sketch_requests: Requests, fault: str, error: type[EngineError], words: str
) -> None:
    engine, received = connect(faults=fault), []
    with pytest.raises(error, match=words):
        received.extend(timed.frame for timed in engine.stream(sketch_requests(12, side=32)))
    assert len(received) <= 5
    assert not engine.alive


@pytest.mark.parametrize("fault", ["hang@5", "lost@5"])
def test_a_frame_that_never_comes_is_a_timeout(
    connect: Connect, sketch_requests: Requests, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine_bridge.remote.wire.messages.SHORTEST_SILENCE_S", 0.3)
    with pytest.raises(EngineTimeoutError):
        connect(faults=fault, longest_frame_s=0.3).render(sketch_requests(5))


def test_a_crash_after_the_reply_keeps_the_reply(connect: Connect, sketch_requests: Requests) -> None:
    engine, received = connect(faults="crash_after@5"), []
    with pytest.raises(EngineLostError):
        received.extend(engine.stream(sketch_requests(12)))
    assert len(received) == 5


def test_a_slow_frame_is_waited_for(connect: Connect, sketch_requests: Requests) -> None:
    assert len(connect(faults="slow=0.2@3").render(sketch_requests(5))) == 5


def test_lateness_without_stamps_shows_in_the_picture_only(connect: Connect, sketch_requests: Requests) -> None:
    requests = sketch_requests(6)
    first = connect(faults="no_stamp,late@2+").render(requests)
    np.testing.assert_array_equal(first[3].picture[..., 0], int(255 * requests[2].vector[0]))
    np.testing.assert_array_equal(first[3].vector, requests[3].vector)


def test_drift_changes_the_picture_and_leaves_the_stamp(connect: Connect, sketch_requests: Requests) -> None:
    (request,) = sketch_requests(1)
    first, *_, last = connect(faults="drift=2").render([request] * 6)
    assert last.picture[10].mean() > first.picture[10].mean() + 5


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("wrong_protocol", "this end speaks"),
        ("wrong_token", "token"),
        ("mute", "not dialled in"),
    ],
)
def test_a_hello_with_a_fault_is_not_handed_out(
    hub: EngineHub, connect: Connect, fault: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "accept", _impatient(hub))
    with pytest.raises(EngineTimeoutError, match=words):
        connect(faults=fault)


def _impatient(hub: EngineHub) -> Callable[..., object]:
    accept = hub.accept
    return lambda instance, timeout_s: accept(instance, timeout_s=0.5)


def test_a_wrong_schema_has_another_fingerprint(connect: Connect) -> None:
    right, wrong = connect(instance="right"), connect(instance="wrong", faults="wrong_schema")
    assert right.describe("sketch").fingerprint != wrong.describe("sketch").fingerprint


def test_every_process_has_a_build_of_its_own(connect: Connect) -> None:
    assert connect(instance="1", faults="new_build").build != connect(instance="2", faults="new_build").build


def test_memory_grows_with_every_frame(connect: Connect, sketch_requests: Requests) -> None:
    engine = connect(faults="memory=8,slow=0.03")
    engine.render(sketch_requests(10))
    early = engine.last_memory_bytes
    engine.render(sketch_requests(20))
    assert early is not None
    assert engine.last_memory_bytes is not None
    assert engine.last_memory_bytes > early + (40 << 20)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_written_by_its_name(name: str) -> None:
    assert parse_fault(name).name == name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("late=2@40", Fault(name="late", value=2.0, frame=40)),
        ("late:2@40+", Fault(name="late", value=2.0, frame=40, onwards=True)),
        ("hang@p0.25!", Fault(name="hang", value=3600.0, probability=0.25, once=True)),
    ],
)
def test_a_fault_is_read_as_written(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("text", ["early", "late@", "late=x", "late=1.2.3", "late@p0.1.1", "late late"])
def test_what_is_no_fault_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(InputError, match="fault"):
        parse_fault(text)


def test_faults_are_separated_by_commas() -> None:
    assert [fault.name for fault in parse_faults("late@3, black@p0.1,")] == ["late", "black"]


def test_a_random_fault_happens_as_often_as_said_and_at_the_same_frames_for_a_seed() -> None:
    fault = parse_fault("black@p0.1")
    frames = [frame for frame in range(2000) if fault.is_due(frame, seed=0)]
    assert 150 < len(frames) < 250
    assert frames == [frame for frame in range(2000) if fault.is_due(frame, seed=0)]
    assert frames != [frame for frame in range(2000) if fault.is_due(frame, seed=1)]


def test_a_fault_that_happens_once_is_remembered_across_processes(tmp_path: Path) -> None:
    reply = FrameReply(
        id=1, frame=1, width=8, height=8, vector=np.zeros(2, np.float32), picture=bytes(192), mask=bytes(64)
    )
    sent = []
    for _ in range(2):
        wire = FaultyWire(parse_faults("lost!"), memory=tmp_path)
        sent.append([len(list(wire.outgoing(dataclasses.replace(reply, id=number)))) for number in range(3)])
    assert sent == [[0, 1, 1], [1, 1, 1]]


def test_the_mock_runs_as_a_process_and_dies_of_its_fault(hub: EngineHub, token: str) -> None:
    environment = os.environ | {
        "F2P_BRIDGE_URL": hub.url,
        "F2P_BRIDGE_TOKEN": token,
        "F2P_ENGINE_INSTANCE": "child",
        "F2P_MOCK_FAULTS": "crash_after@3",
    }
    process = subprocess.Popen([sys.executable, "-m", "engine_bridge.engines.mock_remote"], env=environment)
    try:
        engine = hub.accept("child", timeout_s=60.0)
        vector = engine.describe("tiny").default_vector()
        request = RenderRequest(request_id=1, character="tiny", vector=vector, resolution=32)
        received = []
        with pytest.raises(EngineLostError):
            received.extend(engine.stream([request] * 10))
        assert process.wait(10.0) == 3
        assert len(received) <= 3  # a dying process may take with it what it had sent last
    finally:
        process.kill()
        process.wait()


def test_the_mock_says_which_variable_it_misses(capfd: pytest.CaptureFixture[str]) -> None:
    from engine_bridge.engines.mock_remote.__main__ import main

    assert main([], {}) == 2
    assert "F2P_BRIDGE_URL: not set" in capfd.readouterr().err


def test_a_wrong_hello_meant_to_happen_once_is_right_in_the_next_process(tmp_path: Path) -> None:
    hello = Hello(token="t", engine="mock", build="1", instance="i", schemas=(load_schema("tiny"),))
    fault = (parse_fault("wrong_schema!"),)
    said = [next(iter(FaultyWire(fault, memory=tmp_path).outgoing(hello))) for _ in range(2)]
    assert said[0] != hello
    assert said[1] == hello
