"""The table of faults: whatever an engine does wrong, a wrong frame is never returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from engine_bridge.errors import (
    EngineBuildChangedError,
    EngineLostError,
    EngineUnavailableError,
    FrameRejectedError,
)
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.engine_end.faults import FAULTS
from engine_bridge.remote.pool.pool import EnginePool

Faces = Callable[[int], list[RenderRequest]]
AssertTrue = Callable[[Sequence[Frame], int], None]
OpenPool = Callable[..., EnginePool]

#: Frames 1 to 14 are the warm-up and the first canaries. ``!`` happens once, however often the engine starts again.
RECOVERED = {
    "crash_before@20!": 1,
    "crash_after@20!": 1,
    "crash_before@3!": 1,  # while it warms up
    "hang=30@20!": 1,
    "goodbye@20!": 1,
    "lost@20!": 1,
    "slow=0.02": 0,
}
REFUSED = {
    "late@20+": FrameRejectedError,
    "late=2@20+": FrameRejectedError,
    "late@20": FrameRejectedError,
    "late_mask@20+": FrameRejectedError,
    "duplicate@20": FrameRejectedError,
    "swap@20": FrameRejectedError,
    "swap_ids@20": FrameRejectedError,
    "black@20": FrameRejectedError,
    "constant@20": FrameRejectedError,
    "wrong_size@20": FrameRejectedError,
    "truncated@20": FrameRejectedError,
    "garbled@20": FrameRejectedError,
    "mask_is_picture@20": FrameRejectedError,
    "read_back@20": FrameRejectedError,
    "drift": FrameRejectedError,
    "drift=0.1": FrameRejectedError,
    "no_stamp,late": FrameRejectedError,
    "no_stamp,late=2": FrameRejectedError,
    "no_stamp,late@20+": FrameRejectedError,
    "no_stamp,late_mask@20+": FrameRejectedError,
    "no_stamp,duplicate@20": FrameRejectedError,
    "no_stamp,black@20": FrameRejectedError,
    "no_stamp,mask_is_picture@20": FrameRejectedError,
    "no_stamp,drift": FrameRejectedError,
    "no_stamp,swap@21+": FrameRejectedError,
    "no_stamp,swap_ids@20+": FrameRejectedError,
    "no_stamp,late=5@20+": FrameRejectedError,
    "crash_before@17": EngineLostError,  # the same requests, three times
    "crash_after@3": EngineUnavailableError,
    "wrong_protocol": EngineUnavailableError,
    "wrong_token": EngineUnavailableError,
    "mute": EngineUnavailableError,
    "new_build,crash_after@20!": EngineBuildChangedError,
}
#: Nothing but waiting tells that these will not come; a process would have ended.
NEVER_HEARD = ("mute", "wrong_protocol", "wrong_token")


@pytest.mark.parametrize("faults", RECOVERED)
def test_a_fault_of_the_moment_costs_nothing_but_a_restart(
    faults: str, threaded_pool: OpenPool, faces: Faces, assert_true: AssertTrue
) -> None:
    pool = threaded_pool(faults)
    assert_true(pool.render(faces(40)), 40)
    assert len(pool.record.restarts) == RECOVERED[faults]


@pytest.mark.parametrize("faults", REFUSED)
def test_an_untruth_or_a_hopeless_engine_is_an_error_and_returns_nothing(
    faults: str, threaded_pool: OpenPool, faces: Faces
) -> None:
    pool = threaded_pool(
        faults, adapter={"stamps": "optional"} | ({"start_timeout_s": 1.0} if faults in NEVER_HEARD else {})
    )
    with pytest.raises(REFUSED[faults]):
        pool.render(faces(40))


def test_an_engine_without_stamps_is_refused_by_default(threaded_pool: OpenPool, faces: Faces) -> None:
    with pytest.raises(EngineUnavailableError, match=r'does not stamp its frames.* stamps = "optional"'):
        threaded_pool("no_stamp").render(faces(1))


def test_an_engine_without_stamps_draws_some_frames_twice_and_the_record_says_so(
    threaded_pool: OpenPool, faces: Faces, assert_true: AssertTrue
) -> None:
    pool = threaded_pool("no_stamp", adapter={"stamps": "optional"})
    assert_true(pool.render(faces(40)), 40)
    record = pool.record.to_dict()
    assert (record["stamped"], record["repeats"], record["frames"]) == (False, 5, 40)
    assert threaded_pool().record.to_dict()["stamped"] is True


def render_one_by_one(pool: EnginePool, requests: Sequence[RenderRequest], shown: list[Frame]) -> None:
    for request in requests:
        shown.extend(pool.render([request]))


def test_lateness_cannot_keep_step_with_the_checks(
    threaded_pool: OpenPool, faces: Faces, true_frames: list[Frame]
) -> None:
    pool = threaded_pool("no_stamp,late=6@20+", adapter={"stamps": "optional"})
    shown: list[Frame] = []
    with pytest.raises(FrameRejectedError):
        render_one_by_one(pool, faces(40), shown)
    for frame, truth in zip(shown, true_frames, strict=False):
        assert (frame.picture == truth.picture).all()


def test_another_schema_is_told_to_the_caller_who_refuses_it(threaded_pool: OpenPool, engine: MockEngine) -> None:
    """A shard is not begun when the fingerprint is not the plan's."""
    assert threaded_pool("wrong_schema").describe("tiny").fingerprint != engine.describe("tiny").fingerprint


def test_every_fault_has_its_row() -> None:
    rows = {fault.partition("@")[0].partition("=")[0] for row in RECOVERED | REFUSED for fault in row.split(",")}
    elsewhere = {"memory", "wrong_schema"}  # test_an_engine_that_grows_is_recycled, and above
    assert {fault.rstrip("!") for fault in rows} == FAULTS.keys() - elsewhere
