"""Whether an engine tells the truth, found out while it works: it is asked things whose answer is known already.

*Canaries* are vectors drawn from the schema's fingerprint. *Repeatability* is measured with them before the first real
frame: how much the pictures of one canary differ among themselves is the engine's noise floor, zero for an exact one.
The first pictures are kept, and every later one must equal them within the noise floor: an engine whose look drifts,
that answers late, or that another engine disagrees with, is caught there. Which canary is next is drawn at random, so
that no lateness can keep step with them. *Freshness* (``freshness.py``): a picture that was already shown
for quite another vector is late. *Plausibility*: a mask must have a face and follow its picture's edges.

A canary proves the frames before it; stamps (``stamps.py``) prove each frame by itself. An engine without stamps draws
a random part of its frames once more, in another order, which finds lateness but not always a single swap.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.pool.canary_pictures import CanaryPictures, Difference, FirstPicture, compare
from engine_bridge.remote.pool.freshness import RecentFrames
from engine_bridge.remote.pool.plausibility import check_plausible
from engine_bridge.scene import STUDIO
from engine_bridge.schema import ParameterSchema, Vector

NUM_CANARIES: Final = 3
#: Requests with these ids are the bridge's own; a caller's are replaced by positions from 0.
FIRST_REPEAT_ID: Final = 2**29
FIRST_CANARY_ID: Final = 2**30

#: One frame in so many of an engine without stamps is drawn a second time.
_SAMPLED: Final = 8
#: How often each canary is drawn to measure the noise: a rare flicker must have a chance to show.
_NUM_ROUNDS: Final = 4
#: An engine that differs from itself by more than this is of no use: mean of 255 levels, fraction of the mask's pixels.
_WORST_MEAN, _WORST_MASK = 1.0, 0.01
#: Noise goes both ways. When more than this part of it goes one way, the look drifts: automatic exposure, say.
_ONE_WAY, _VISIBLE_DRIFT = 0.5, 0.05
#: The noise floor is the largest of few differences seen; a fair one may be this much larger.
_ALLOWANCE: Final = 2.0
#: A canary that is a little off is asked for again: a flicker passes, another look does not.
_NUM_LOOKS: Final = 3

RenderOne = Callable[[RenderRequest], Frame]


def canary_vectors(schema: ParameterSchema) -> tuple[Vector, ...]:
    """Random faces, the same wherever the schema is the same."""
    draw = _generator(f"canary/{schema.fingerprint}")
    return tuple(schema.harden(draw.random(schema.vector_size, np.float32)) for _ in range(NUM_CANARIES))


class Truth:
    """The checks of one engine at one character and resolution. Begin with :meth:`warm_up` and :meth:`settle`.

    ``build`` and ``pictures`` are common to all engines of a run, ``seed`` is this one's own: it decides the order of
    the canaries and what is drawn twice. Everything raises FrameRejectedError.
    """

    def __init__(
        self, schema: ParameterSchema, resolution: int, build: str, pictures: CanaryPictures, *, seed: int = 0
    ) -> None:
        self._schema, self._resolution, self._pictures = schema, resolution, pictures
        self._key = (build, schema.fingerprint, resolution)
        self._vectors = canary_vectors(schema)
        self._draw = _generator(f"order/{schema.fingerprint}/{resolution}/{seed}")
        self._last_number = 0
        self._rounds = itertools.count()
        self._recent = RecentFrames(schema)
        self._doubts: dict[int, list[Difference]] = {}  # canary -> how far it was off, each time in a row
        self.noise = Difference()

    @property
    def is_in_doubt(self) -> bool:
        """Whether a canary was a little off and has to be looked at again: :meth:`next_canary` will be that one."""
        return bool(self._doubts)

    def warm_up(self, render: RenderOne, most_frames: int) -> int:
        """Throw frames away until two equal ones follow each other, at most so many; how many it were."""
        before = render(self._canary(0))
        for count in range(2, most_frames + 1):
            after = render(self._canary(0))
            if compare(before, after) == Difference():
                return count
            before = after
        return most_frames  # a noisy engine: how noisy, settle finds out

    def settle(self, render: RenderOne) -> None:
        """Measure the noise floor; then compare with what the other engines, or this one before, drew."""
        order = np.concatenate([self._draw.permutation(NUM_CANARIES) for _ in range(_NUM_ROUNDS)])
        asked = [self._canary(int(number)) for number in order]
        shown = [render(canary) for canary in asked]
        series = [[shown[place] for place in np.flatnonzero(order == number)] for number in range(NUM_CANARIES)]
        for earlier, later in itertools.chain.from_iterable(map(itertools.pairwise, series)):
            self._learn(compare(earlier, later))
        self._refuse_drift(series)
        for frame, canary in zip(shown, asked, strict=True):
            self.check_canary(frame, canary)
        while self.is_in_doubt:
            canary = self.next_canary()
            self.check_canary(render(canary), canary)

    def next_canary(self) -> RenderRequest:
        """One in doubt, or any but the one before: a frame that is late by one canary shows another face."""
        step = 1 + int(self._draw.integers(NUM_CANARIES - 1))
        self._last_number = next(iter(self._doubts), (self._last_number + step) % NUM_CANARIES)
        return self._canary(self._last_number)

    def check_canary(self, frame: Frame, canary: RenderRequest) -> None:
        """Compare with the first pictures of this canary; :attr:`is_in_doubt` when it is a little off."""
        self.check(frame, canary)
        number = _number(canary)
        for first in self._pictures.first((*self._key, number), frame, self.noise):
            difference = compare(frame, first)
            if not difference.within(self.noise.worst(first.noise).times(_ALLOWANCE)):
                self._doubt(number, difference, first)
                return
            self._learn(difference)
        for flicker in self._doubts.pop(number, ()):
            self._learn(flicker)

    def check_repeat(self, repeat: Frame, first: Frame) -> None:
        """Two frames of one request."""
        difference = compare(repeat, first)
        if not difference.within(self.noise.times(_ALLOWANCE)):
            raise FrameRejectedError(
                f"request {first.request_id}: drawn again in another order it differs by {difference}; this engine's "
                f"repeatability: {self.noise}. Pictures come late or are swapped, and it has no stamps to tell which"
            )

    def sample(self, positions: Sequence[int]) -> list[int]:
        """Some of these in another order: one in eight, and one at least."""
        return [positions[place] for place in self._draw.permutation(len(positions))[: -(-len(positions) // _SAMPLED)]]

    def check(self, frame: Frame, request: RenderRequest) -> None:
        """The frame must be plausible, and no late one."""
        if request.scene == STUDIO:
            check_plausible(frame)
        self._recent.check(frame, _ALLOWANCE * self.noise.mean)

    def _canary(self, number: int) -> RenderRequest:
        """No two have the same id: several may be out at one time."""
        return RenderRequest(
            request_id=FIRST_CANARY_ID + next(self._rounds) * NUM_CANARIES + number,
            character=self._schema.character,
            vector=self._vectors[number],
            resolution=self._resolution,
        )

    def _doubt(self, number: int, difference: Difference, first: FirstPicture) -> None:
        """A few pixels may flicker; a picture that is quite another, or off again and again, is not true."""
        self._doubts.setdefault(number, []).append(difference)
        if self._is_bearable(difference) and len(self._doubts[number]) < _NUM_LOOKS:
            return
        way_out = (
            f"; that picture is {first.file}, made when the dataset was begun: give the engine another build whenever "
            "it draws differently, or render into another folder"
            if first.file
            else ""
        )
        raise FrameRejectedError(
            f"canary {number} differs from its first picture by {difference}; "
            f"this engine's repeatability: {self.noise}{way_out}"
        )

    def _learn(self, difference: Difference) -> None:
        """The noise floor is the largest difference ever seen between two pictures that are both true."""
        self.noise = self.noise.worst(difference)
        if not self._is_bearable(self.noise):
            raise FrameRejectedError(
                f"the engine draws the same vector differently, by {self.noise}: motion, temporal effects, "
                "or pictures that come late"
            )

    def _is_bearable(self, difference: Difference) -> bool:
        return difference.mean <= _WORST_MEAN and difference.mask_pixels <= _WORST_MASK * self._resolution**2

    def _refuse_drift(self, series: Sequence[Sequence[Frame]]) -> None:
        drifts = [np.subtract(frames[-1].picture, frames[0].picture, dtype=np.int16).mean() for frames in series]
        drift = float(max(drifts, key=abs))
        if abs(drift) > max(_VISIBLE_DRIFT, _ONE_WAY * self.noise.mean):
            raise FrameRejectedError(f"the engine's look drifts, by {drift:+.2f} levels over {_NUM_ROUNDS} canaries")


def _generator(name: str) -> np.random.Generator:
    key = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _number(canary: RenderRequest) -> int:
    return (canary.request_id - FIRST_CANARY_ID) % NUM_CANARIES
