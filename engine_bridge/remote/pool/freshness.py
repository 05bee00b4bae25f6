"""Whether a picture was already shown for quite another face: then it comes late."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Final

import numpy as np

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, Picture
from engine_bridge.schema import ParameterSchema, Vector

#: So many frames back an equal picture is recognised, and one that is equal but for noise.
_NUM_EQUAL, _NUM_NEAR = 64, 4
#: Faces are other faces when half of their sliders are this far apart; a few may well change nothing that shows.
_MOVED: Final = 0.05
_SMALLEST_MASK_PX: Final = 64  # below, masks of different faces can be equal


class RecentFrames:
    """The frames that one engine drew last, at one size."""

    def __init__(self, schema: ParameterSchema) -> None:
        self._sliders = slice(schema.num_continuous)
        self._near: deque[Frame] = deque(maxlen=_NUM_NEAR)
        self._vectors: deque[Vector] = deque(maxlen=_NUM_EQUAL)
        self._digests: deque[tuple[bytes, bytes | None]] = deque(maxlen=_NUM_EQUAL)

    def check(self, frame: Frame, alike: float) -> None:
        """Remember the frame. Raises FrameRejectedError when its picture or mask is that of quite another face.

        Pictures that differ by less than ``alike`` levels on average are one picture to this engine.
        """
        digests = _digest(frame.picture), _digest(frame.mask) if len(frame.mask) >= _SMALLEST_MASK_PX else None
        for vector, (picture, mask) in zip(self._vectors, self._digests, strict=True):
            if digests[0] == picture and self._is_other_face(frame.vector, vector):
                raise _late(frame, "picture")
            if mask is not None and digests[1] == mask and self._is_other_face(frame.vector, vector):
                raise _late(frame, "mask")
        for earlier in self._near:
            if self._is_other_face(frame.vector, earlier.vector) and _are_alike(frame.picture, earlier.picture, alike):
                raise _late(frame, "picture")
        self._near.append(frame)
        self._vectors.append(frame.vector)
        self._digests.append(digests)

    def _is_other_face(self, one: Vector, other: Vector) -> bool:
        return bool(np.mean(np.abs(one[self._sliders] - other[self._sliders]) > _MOVED) >= 0.5)


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16).digest()


def _are_alike(picture: Picture, earlier: Picture, alike: float) -> bool:
    """Equal, or as near as this engine comes to itself; a sample of the pixels decides most cases."""
    if picture.shape != earlier.shape:
        return False
    step = max(1, picture.shape[0] // 32)
    for stride in (step, 1):
        sample, before = picture[::stride, ::stride], earlier[::stride, ::stride]
        if np.abs(sample.astype(np.int16) - before).mean() > alike:
            return False
    return True


def _late(frame: Frame, what: str) -> FrameRejectedError:
    return FrameRejectedError(f"request {frame.request_id}: the {what} of an earlier request came again: late?")
