"""Where the kit draws its lines: the slowest frame, and the noise that still counts as the same picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from itertools import count
from time import sleep
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine_bridge.conformance import Subject, Trial
from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame
from engine_bridge.remote.pool.canary_pictures import CanaryPictures
from engine_bridge.remote.pool.truth import Truth

#: Capabilities of an engine that needs half a second for a frame at most.
PATIENT = SimpleNamespace(
    minimum_px=16, maximum_px=512, max_batch=8, stamp=False, read_back_tolerance=1e-3, longest_frame_s=0.5
)


def faulty(spoil: Callable[[Frame], Frame]) -> Any:
    return lambda engine, requests: [spoil(frame) for frame in engine.render(requests)]


def test_one_slow_frame_among_many_is_found(with_fault, attempt):
    numbers = count(1)

    def stumble(frame: Frame) -> Frame:
        sleep(0.6 * (next(numbers) % 12 == 0))
        return frame

    finding = attempt(with_fault(faulty(stumble), capabilities=PATIENT), "pace")
    assert finding.failed
    assert finding.evidence.figures["slowest_frame_s"] > 0.6


def test_first_frames_at_a_size_are_nobodys_pace(with_fault, attempt):
    seen: set[int] = set()

    def compile_once(frame: Frame) -> Frame:
        sleep(0.6 * (len(frame.mask) not in seen))
        seen.add(len(frame.mask))
        return frame

    engine = with_fault(faulty(compile_once), capabilities=PATIENT)
    assert not attempt(engine, "pace").failed


def test_a_restart_does_not_hide_a_slow_frame(with_fault, mock):
    numbers = count(1)

    def stumble(frame: Frame) -> Frame:
        sleep(0.6 * (next(numbers) == 5))
        return frame

    engine = with_fault(faulty(stumble), capabilities=PATIENT)
    trial = Trial(Subject(engine=engine, restart=lambda: mock), "tiny")
    trial.warm_up()
    trial.render([trial.shot()] * 4, batch=1)
    trial.restart(lambda: mock)
    assert trial.slowest_frame_s > 0.6


@pytest.mark.parametrize(("levels", "passes"), [(1, True), (24, False)])
def test_the_kit_tolerates_the_noise_that_a_pool_tolerates(with_fault, attempt, mock, levels, passes):
    """A flicker all over the picture: of one level a pool works with it, of many it sends the engine away."""
    random = np.random.default_rng(3)

    def flicker(picture: Any) -> Any:
        shift = random.integers(0, 2, picture.shape) * levels
        return np.clip(picture.astype(int) + shift, 0, 255).astype(np.uint8)

    engine = with_fault(faulty(lambda frame: replace(frame, picture=flicker(frame.picture))))
    assert attempt(engine, "repeats").failed is not passes
    schema = mock.describe("tiny")
    truth = Truth(schema, 256, "b", CanaryPictures())
    with nullcontext() if passes else pytest.raises(FrameRejectedError):
        truth.settle(lambda request: engine.render([request])[0])
