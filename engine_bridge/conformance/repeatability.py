"""Whether an engine repeats itself, found out by the very checks that a pool makes before it trusts an engine.

So that the kit never passes what a pool refuses, or the other way round, there is one tolerance for equal pictures: the
pool's, in :mod:`engine_bridge.remote.pool.truth`.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame
from engine_bridge.remote.pool.canary_pictures import Difference
from engine_bridge.remote.pool.truth import RenderOne, Truth


class Repeatability:
    """An engine's noise floor, or why a pool would send the engine away (``complaint``)."""

    def __init__(self, truth: Truth, complaint: str | None) -> None:
        self._truth, self.complaint = truth, complaint

    @classmethod
    def measure(cls, truth: Truth, render: RenderOne, most_warm_up_frames: int) -> Self:
        """Ask as a pool does. What the engine loses or times out on is raised."""
        try:
            truth.warm_up(render, most_warm_up_frames)
            truth.settle(render)
        except FrameRejectedError as error:
            return cls(truth, str(error))
        return cls(truth, None)

    @property
    def noise(self) -> Difference:
        """The largest difference between pictures of one vector."""
        return self._truth.noise

    def covers(self, first: Frame, second: Frame) -> bool:
        """True when a pool takes both for pictures of one vector; without a noise floor they must be equal."""
        if self.complaint is not None:
            return np.array_equal(first.picture, second.picture) and np.array_equal(first.mask, second.mask)
        try:
            self._truth.check_repeat(second, first)
        except FrameRejectedError:
            return False
        return True
