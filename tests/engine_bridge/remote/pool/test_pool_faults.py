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
from engine_bridge.remote.faults import FAULTS
from engine_bridge.remote.pool import EnginePool

Faces = Callable[[int], list[RenderRequest]]
AssertTrue = Callable[[Sequence[Frame], int], None]
OpenPool = Callable[..., EnginePool]

#: Frames 1 to 7 are the warm-up and the first canaries. ``!`` happens once, however often the engine starts again.
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
    "crash_before@10": EngineLostError,  # the same requests, three times
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
    pool = threaded_pool(faults, adapter={"start_timeout_s": 1.0} if faults in NEVER_HEARD else None)
    with pytest.raises(REFUSED[faults]):
        pool.render(faces(40))


def test_another_schema_is_told_to_the_caller_who_refuses_it(threaded_pool: OpenPool, engine: MockEngine) -> None:
    """A shard is not begun when the fingerprint is not the plan's."""
    assert threaded_pool("wrong_schema").describe("tiny").fingerprint != engine.describe("tiny").fingerprint


def test_every_fault_has_its_row() -> None:
    rows = {fault.partition("@")[0].partition("=")[0] for row in RECOVERED | REFUSED for fault in row.split(",")}
    elsewhere = {"memory", "wrong_schema"}  # test_an_engine_that_grows_is_recycled, and above
    assert {fault.rstrip("!") for fault in rows} == FAULTS.keys() - elsewhere
