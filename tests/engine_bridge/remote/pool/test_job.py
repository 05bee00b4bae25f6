from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from engine_bridge.errors import EngineLostError, FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.pool.canary_pictures import CanaryPictures
from engine_bridge.remote.pool.job import Job
from engine_bridge.remote.pool.proving import Proving
from engine_bridge.remote.pool.record import Ledger
from engine_bridge.remote.pool.truth import Truth

Faces = Callable[[int], list[RenderRequest]]
LOST = EngineLostError("it is gone")


@pytest.fixture
def job(faces: Faces) -> Job:
    return Job(faces(6), attempts=2)


def take(job: Job, count: int) -> list[RenderRequest]:
    taken = [job.take() for _ in range(count)]
    return [request for request in taken if request is not None]


def drawn(engine: MockEngine, requests: Sequence[RenderRequest]) -> dict[int, Frame]:
    return {frame.request_id: frame for frame in engine.render(requests)}


def test_a_request_is_named_by_its_position_and_taken_once(job: Job) -> None:
    assert [request.request_id for request in take(job, 9)] == [0, 1, 2, 3, 4, 5]


def test_what_an_engine_lost_is_next(job: Job) -> None:
    take(job, 3)
    job.give_back([0, 1, 2])
    assert [request.request_id for request in take(job, 6)] == [0, 1, 2, 3, 4, 5]


def test_what_is_proven_is_not_rendered_again_though_it_be_given_back(job: Job, engine: MockEngine) -> None:
    job.prove(drawn(engine, take(job, 2)))
    job.give_back([0, 1])
    assert [request.request_id for request in take(job, 9)] == [2, 3, 4, 5]


def test_a_frame_is_accepted_once(job: Job, engine: MockEngine) -> None:
    requests = take(job, 2)
    first = drawn(engine, requests)
    assert job.prove(first) == 2
    assert job.prove(drawn(engine, requests)) == 0
    job.prove(drawn(engine, take(job, 4)))
    assert job.result()[0] is first[0]


def test_it_is_over_when_every_frame_is_proven(job: Job, engine: MockEngine) -> None:
    job.prove(drawn(engine, take(job, 5)))
    assert not job.wait(0.0)
    job.prove(drawn(engine, take(job, 1)))
    assert job.wait(0.0)
    assert [frame.request_id for frame in job.result()] == [0, 1, 2, 3, 4, 5]


def test_a_request_that_engines_die_of_ends_the_job(job: Job) -> None:
    for _ in range(2):
        assert not job.is_over
        (request,) = take(job, 1)
        job.blame([request.request_id], LOST)
        job.give_back([request.request_id])
    with pytest.raises(EngineLostError, match="it is gone"):
        job.result()


def test_the_first_error_counts(job: Job) -> None:
    job.fail(FrameRejectedError("black"))
    job.fail(LOST)
    assert take(job, 1) == []
    with pytest.raises(FrameRejectedError, match="black"):
        job.result()


class TestProving:
    """Frames reach the job only when a canary that was asked for after them is right."""

    @pytest.fixture
    def ledger(self) -> Ledger:
        return Ledger()

    @pytest.fixture
    def proving(self, job: Job, engine: MockEngine, ledger: Ledger) -> Proving:
        truth = Truth(engine.describe("tiny"), 64, "build", CanaryPictures())
        truth.settle(lambda request: engine.render([request])[0])
        return Proving(job, truth, ledger, canary_every=4)

    def test_a_canary_follows_every_so_many_and_the_last(self, proving: Proving) -> None:
        kinds = ["canary" if request.request_id > 5 else "face" for request in proving.requests(9)]
        assert kinds == ["face"] * 4 + ["canary"] + ["face"] * 2 + ["canary"]

    def test_nothing_is_proven_before_its_canary(self, proving: Proving, job: Job, engine: MockEngine) -> None:
        frames = engine.render(list(proving.requests(9)))
        for frame in frames[:4]:
            proving.take(frame)
        assert proving.unproven == [0, 1, 2, 3, 4, 5]
        proving.take(frames[4])
        assert proving.unproven == [4, 5]

    def test_a_canary_proves_what_was_asked_for_before_it_only(
        self, proving: Proving, job: Job, engine: MockEngine
    ) -> None:
        frames = engine.render(list(proving.requests(9)))
        for frame in (*frames[:4], frames[5], frames[4]):
            proving.take(frame)
        assert proving.unproven == [4, 5]
        assert proving.num_held == 1

    def test_a_wrong_canary_proves_nothing(self, proving: Proving, engine: MockEngine, ledger: Ledger) -> None:
        frames = engine.render(list(proving.requests(4)))
        for frame in frames[:4]:
            proving.take(frame)
        frames[4].picture[:] //= 2
        with pytest.raises(FrameRejectedError, match="canary"):
            proving.take(frames[4])
        assert len(proving.unproven) == 4
        assert ledger.record("mock", "build", {}).canary_failures == 1

    def test_a_canary_in_doubt_proves_nothing_until_it_is_right(self, proving: Proving, engine: MockEngine) -> None:
        frames = engine.render(list(proving.requests(4)))
        frames[4].picture[0, 0] ^= 1
        for frame in frames:
            proving.take(frame)
        assert proving.unproven == [0, 1, 2, 3]
        for frame in engine.render(list(proving.checks())):
            proving.take(frame)
        assert proving.unproven == []

    def test_only_the_oldest_request_that_is_out_is_suspected(self, proving: Proving, engine: MockEngine) -> None:
        frames = engine.render(list(proving.requests(4)))
        proving.take(frames[0])
        assert proving.suspects == [1]
        for frame in frames[1:4]:
            proving.take(frame)
        assert proving.suspects == [0]

    def test_a_passing_refusal_leaves_what_came_before_it(self, proving: Proving, job: Job, engine: MockEngine) -> None:
        requests = list(proving.requests(4))
        for frame in engine.render(requests[:2]):
            proving.take(frame)
        assert proving.recall([2]) == ([2, 3], [2])
        assert (proving.unproven, proving.num_held) == ([0, 1], 2)
        for frame in engine.render(list(proving.checks())):
            proving.take(frame)
        assert proving.unproven == []

    def test_a_check_that_is_refused_is_blamed_on_what_it_was_to_prove(
        self, proving: Proving, engine: MockEngine
    ) -> None:
        requests = list(proving.requests(4))
        for frame in engine.render(requests[:4]):
            proving.take(frame)
        assert proving.recall([requests[4].request_id]) == ([], [0])


class TestProvingWithoutStamps:
    """Some frames are drawn once more, in whatever order they come back."""

    @pytest.fixture
    def proving(self, job: Job, engine: MockEngine) -> Proving:
        truth = Truth(engine.describe("tiny"), 64, "build", CanaryPictures())
        truth.settle(lambda request: engine.render([request])[0])
        return Proving(job, truth, Ledger(), canary_every=4, stamped=False)

    def test_checks_come_when_all_is_there(self, proving: Proving, engine: MockEngine) -> None:
        requests = list(proving.requests(6))
        assert [request.request_id for request in requests] == [0, 1, 2, 3, 4, 5]
        for frame in engine.render(requests):
            proving.take(frame)
        repeat, canary = engine.render(list(proving.checks()))
        proving.take(canary)
        assert proving.num_held == 6
        proving.take(repeat)
        assert proving.num_held == 0

    def test_a_repeat_that_differs_is_refused(self, proving: Proving, engine: MockEngine) -> None:
        for frame in engine.render(list(proving.requests(6))):
            proving.take(frame)
        repeat, _ = engine.render(list(proving.checks()))
        repeat.picture[0, 0] ^= 1
        with pytest.raises(FrameRejectedError, match="drawn again in another order"):
            proving.take(repeat)
