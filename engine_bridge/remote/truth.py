"""Whether an engine tells the truth, found out while it works: it is asked things whose answer is known already.

*Repeatability* is measured before the first real frame: canaries A, B, A, B; how much the two A and the two B differ is
the engine's noise floor, zero for an exact one. *Canaries* are vectors drawn from the schema's fingerprint. Their first
pictures are kept, and every later one must equal them within the noise floor: an engine whose look drifts, that
answers late, or that another instance disagrees with, is caught there. *Freshness*: a picture or mask that was already
shown for quite another vector is late. *Plausibility*: a mask must have a face and follow its picture's edges.

A canary proves the frames before it; stamps (``stamps.py``) prove each frame by itself. Engines should have both.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.plausibility import check_plausible
from engine_bridge.remote.references import Difference, References, compare
from engine_bridge.scene import STUDIO
from engine_bridge.schema import ParameterSchema, Vector

NUM_CANARIES: Final = 3
#: Requests with these ids are the bridge's own; a caller's are replaced by positions from 0.
FIRST_CANARY_ID: Final = 2**30

#: An engine that differs from itself by more than this is of no use: mean of 255 levels, fraction of the mask's pixels.
_WORST_MEAN, _WORST_MASK = 1.0, 0.01
#: Noise goes both ways. When more than this part of it goes one way, the look drifts: automatic exposure, say.
_ONE_WAY, _VISIBLE_DRIFT = 0.5, 0.05
#: The noise floor is the largest of few differences seen; a fair one may be this much larger.
_ALLOWANCE: Final = 2.0
_NUM_RECENT: Final = 4
#: Faces are other faces when half of their sliders are this far apart; a few may well change nothing that shows.
_MOVED: Final = 0.05
_SMALLEST_MASK_PX: Final = 64  # below, masks of different faces can be equal

RenderOne = Callable[[RenderRequest], Frame]


def canary_vectors(schema: ParameterSchema) -> tuple[Vector, ...]:
    """Random faces, the same wherever the schema is the same."""
    key = np.frombuffer(hashlib.sha256(f"canary/{schema.fingerprint}".encode()).digest()[:16], np.uint64)
    draw = np.random.Generator(np.random.Philox(key=key))
    return tuple(schema.harden(draw.random(schema.vector_size, np.float32)) for _ in range(NUM_CANARIES))


class Truth:
    """The checks of one instance at one character and resolution. Begin with :meth:`warm_up` and :meth:`settle`.

    ``build`` and ``references`` are common to all instances of a run; everything raises FrameRejectedError.
    """

    def __init__(self, schema: ParameterSchema, resolution: int, build: str, references: References) -> None:
        self._schema, self._references = schema, references
        self._key = (build, schema.fingerprint, resolution)
        self._vectors = canary_vectors(schema)
        self._resolution = resolution
        self._turns = itertools.cycle(range(NUM_CANARIES))
        self._rounds = itertools.count()
        self._recent: deque[Frame] = deque(maxlen=_NUM_RECENT)
        self.noise = Difference()

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
        """Measure the noise floor; then compare with what the other instances, or this one before, drew."""
        asked = [self._canary(number) for number in (0, 1, 0, 1, *range(2, NUM_CANARIES))]
        shown = [render(canary) for canary in asked]
        self.noise = compare(shown[0], shown[2]).worst(compare(shown[1], shown[3]))
        self._refuse_noise()
        self._refuse_drift(shown)
        for frame, canary in zip(shown, asked, strict=True):
            self.check_canary(frame, canary)

    def next_canary(self) -> RenderRequest:
        """The canaries take turns, so that a frame which is late by one shows another face."""
        return self._canary(next(self._turns))

    def check_canary(self, frame: Frame, canary: RenderRequest) -> None:
        """Compare with the first picture there ever was of this canary."""
        self.check(frame, canary)
        number = _number(canary)
        difference = compare(frame, self._references.first((*self._key, number), frame))
        if not difference.within(self.noise.times(_ALLOWANCE)):
            raise FrameRejectedError(
                f"canary {number} differs from its first picture by {difference}; "
                f"this engine's repeatability: {self.noise}"
            )

    def check(self, frame: Frame, request: RenderRequest) -> None:
        """The frame must be plausible, and no late one."""
        if request.scene == STUDIO:
            check_plausible(frame)
        for earlier in self._recent:
            if self._is_other_face(frame.vector, earlier.vector):
                self._refuse_repetition(frame, earlier)
        self._recent.append(frame)

    def _canary(self, number: int) -> RenderRequest:
        """No two have the same id: several may be out at one time."""
        return RenderRequest(
            request_id=FIRST_CANARY_ID + next(self._rounds) * NUM_CANARIES + number,
            character=self._schema.character,
            vector=self._vectors[number],
            resolution=self._resolution,
        )

    def _is_other_face(self, one: Vector, other: Vector) -> bool:
        sliders = slice(self._schema.num_continuous)
        return bool(np.mean(np.abs(one[sliders] - other[sliders]) > _MOVED) >= 0.5)

    def _refuse_repetition(self, frame: Frame, earlier: Frame) -> None:
        if self._is_repeated(frame.picture, earlier.picture):
            raise FrameRejectedError(f"request {frame.request_id}: the picture of an earlier request came again: late?")
        if frame.mask.shape[0] >= _SMALLEST_MASK_PX and np.array_equal(frame.mask, earlier.mask):
            raise FrameRejectedError(f"request {frame.request_id}: the mask of an earlier request came again: late?")

    def _is_repeated(self, picture: np.ndarray, earlier: np.ndarray) -> bool:
        """Equal, or as near as this engine comes to itself; a sample of the pixels decides most cases."""
        if picture.shape != earlier.shape:
            return False
        step = max(1, picture.shape[0] // 32)
        for stride in (step, 1):
            sample, before = picture[::stride, ::stride], earlier[::stride, ::stride]
            if np.abs(sample.astype(np.int16) - before).mean() > _ALLOWANCE * self.noise.mean:
                return False
        return True

    def _refuse_drift(self, shown: list[Frame]) -> None:
        drifts = [np.subtract(shown[i + 2].picture, shown[i].picture, dtype=np.int16).mean() for i in (0, 1)]
        drift = float(max(drifts, key=abs))
        if abs(drift) > max(_VISIBLE_DRIFT, _ONE_WAY * self.noise.mean):
            raise FrameRejectedError(f"the engine's look drifts, by {drift:+.2f} levels from one canary to the next")

    def _refuse_noise(self) -> None:
        pixels = self._resolution**2
        if self.noise.mean > _WORST_MEAN or self.noise.mask_pixels > _WORST_MASK * pixels:
            raise FrameRejectedError(
                f"the engine draws the same vector differently, by {self.noise}: motion, temporal effects, "
                "or pictures that come late"
            )


def _number(canary: RenderRequest) -> int:
    return (canary.request_id - FIRST_CANARY_ID) % NUM_CANARIES
