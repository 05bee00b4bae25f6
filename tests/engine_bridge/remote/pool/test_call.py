from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from engine_bridge.errors import EngineLostError, FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.call import Call
from engine_bridge.remote.record import Ledger
from engine_bridge.remote.references import References
from engine_bridge.remote.round import Round
from engine_bridge.remote.truth import Truth

Faces = Callable[[int], list[RenderRequest]]
LOST = EngineLostError("it is gone")


@pytest.fixture
def call(faces: Faces) -> Call:
    return Call(faces(6), attempts=2)


def take(call: Call, count: int) -> list[RenderRequest]:
    taken = [call.take() for _ in range(count)]
    return [request for request in taken if request is not None]


def drawn(engine: MockEngine, requests: Sequence[RenderRequest]) -> dict[int, Frame]:
    return {frame.request_id: frame for frame in engine.render(requests)}


def test_a_request_is_named_by_its_position_and_taken_once(call: Call) -> None:
    assert [request.request_id for request in take(call, 9)] == [0, 1, 2, 3, 4, 5]


def test_what_an_engine_lost_is_next(call: Call) -> None:
    take(call, 3)
    call.give_back([0, 1, 2], LOST)
    assert [request.request_id for request in take(call, 6)] == [0, 1, 2, 3, 4, 5]


def test_what_is_proven_is_not_rendered_again_though_it_be_given_back(call: Call, engine: MockEngine) -> None:
    call.prove(drawn(engine, take(call, 2)))
    call.give_back([0, 1], LOST)
    assert [request.request_id for request in take(call, 9)] == [2, 3, 4, 5]


def test_a_frame_is_accepted_once(call: Call, engine: MockEngine) -> None:
    requests = take(call, 2)
    first = drawn(engine, requests)
    assert call.prove(first) == 2
    assert call.prove(drawn(engine, requests)) == 0
    call.prove(drawn(engine, take(call, 4)))
    assert call.result()[0] is first[0]


def test_it_is_over_when_every_frame_is_proven(call: Call, engine: MockEngine) -> None:
    call.prove(drawn(engine, take(call, 5)))
    assert not call.wait(0.0)
    call.prove(drawn(engine, take(call, 1)))
    assert call.wait(0.0)
    assert [frame.request_id for frame in call.result()] == [0, 1, 2, 3, 4, 5]


def test_a_request_that_engines_die_of_ends_the_call(call: Call) -> None:
    for _ in range(2):
        assert not call.is_over
        call.give_back([request.request_id for request in take(call, 1)], LOST)
    with pytest.raises(EngineLostError, match="it is gone"):
        call.result()


def test_the_first_error_counts(call: Call) -> None:
    call.fail(FrameRejectedError("black"))
    call.fail(LOST)
    assert take(call, 1) == []
    with pytest.raises(FrameRejectedError, match="black"):
        call.result()


class TestRound:
    """Frames reach the call only when a canary that was asked for after them is right."""

    @pytest.fixture
    def ledger(self) -> Ledger:
        return Ledger()

    @pytest.fixture
    def round_(self, call: Call, engine: MockEngine, ledger: Ledger) -> Round:
        truth = Truth(engine.describe("tiny"), 64, "build", References())
        truth.settle(lambda request: engine.render([request])[0])
        return Round(call, truth, ledger, canary_every=4)

    def test_a_canary_follows_every_so_many_and_the_last(self, round_: Round) -> None:
        kinds = ["canary" if request.request_id > 5 else "face" for request in round_.requests(9)]
        assert kinds == ["face"] * 4 + ["canary"] + ["face"] * 2 + ["canary"]

    def test_nothing_is_proven_before_its_canary(self, round_: Round, call: Call, engine: MockEngine) -> None:
        frames = engine.render(list(round_.requests(9)))
        for frame in frames[:4]:
            round_.take(frame)
        assert round_.unproven == [0, 1, 2, 3, 4, 5]
        round_.take(frames[4])
        assert round_.unproven == [4, 5]

    def test_a_canary_proves_what_was_asked_for_before_it_only(
        self, round_: Round, call: Call, engine: MockEngine
    ) -> None:
        frames = engine.render(list(round_.requests(9)))
        for frame in (*frames[:4], frames[5], frames[4]):
            round_.take(frame)
        assert round_.unproven == [4, 5]
        assert round_.num_held == 1

    def test_a_wrong_canary_proves_nothing(self, round_: Round, engine: MockEngine, ledger: Ledger) -> None:
        frames = engine.render(list(round_.requests(4)))
        for frame in frames[:4]:
            round_.take(frame)
        frames[4].picture[0, 0] += 1
        with pytest.raises(FrameRejectedError, match="canary"):
            round_.take(frames[4])
        assert len(round_.unproven) == 4
        assert ledger.record("mock", "build", {}).canary_failures == 1
