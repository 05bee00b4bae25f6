"""The kit beneath the bridge: a real engine's end of the protocol, spoken to by hand."""

from __future__ import annotations

import threading

import pytest

from engine_bridge.conformance import Subject, Verdict
from engine_bridge.conformance.subjects import open_visitor
from engine_bridge.conformance.wire import KitEndpoint
from engine_bridge.errors import EngineTimeoutError
from engine_bridge.remote.engine_end.client import serve
from engine_bridge.remote.wire.messages import Capabilities, ErrorReply, FrameReply

INSTANCE = "the-only-one"


@pytest.fixture(scope="module")
def subject(mock):
    endpoint = KitEndpoint()
    dial = {"url": endpoint.hub.url, "token": endpoint.token, "instance": INSTANCE, "characters": ["tiny"]}
    engine = threading.Thread(
        target=serve,
        args=(mock,),
        kwargs=dial | {"capabilities": Capabilities(stamp=True, maximum_px=256)},
        daemon=True,
    )
    engine.start()
    with open_visitor(endpoint) as subject:
        yield subject
    engine.join(10.0)
    assert not engine.is_alive(), "the engine was sent home and stayed"


@pytest.mark.parametrize(
    "name", ["nonsense", "wrong-orders", "silence", "reconnects", "stamps", "ids", "wrong-vectors"]
)
def test_an_engine_over_the_wire(name, subject, attempt):
    evidence = attempt(subject.engine, name, subject=subject).evidence
    assert evidence.verdict is Verdict.PASSED, evidence.reason


def test_a_raw_session_asks_and_is_answered(subject):
    with subject.wire.session() as session:
        assert session.hello.instance == INSTANCE
        honest = session.order("tiny", [session.schema("tiny").default_vector()], resolution=64)
        assert isinstance(session.ask(honest, timeout_s=20.0), FrameReply)
        assert isinstance(session.ask("nonsense", timeout_s=20.0), ErrorReply)
    subject.engine = subject.wire.engine()


def test_an_engine_that_does_not_come_is_not_waited_for_for_ever():
    endpoint = KitEndpoint()
    with pytest.raises(EngineTimeoutError), open_visitor(endpoint, timeout_s=0.1):
        pass


def test_a_subject_in_this_process_has_no_wire(mock):
    assert Subject(engine=mock).wire is None
