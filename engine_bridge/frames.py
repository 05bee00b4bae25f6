"""A request to an engine, and the frame that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import FrameRejectedError, InputError
from engine_bridge.parts import NUM_PARTS
from engine_bridge.scene import STUDIO, Scene
from engine_bridge.schema import Vector

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]

MINIMUM_RESOLUTION, MAXIMUM_RESOLUTION = 16, 4096


@dataclass(frozen=True, kw_only=True)
class RenderRequest:
    """One picture to render: the character's vector, float32 (V,), at ``resolution`` squared pixels."""

    request_id: int
    character: str
    vector: Vector
    resolution: int = 512
    scene: Scene = STUDIO

    def __post_init__(self) -> None:
        if not MINIMUM_RESOLUTION <= self.resolution <= MAXIMUM_RESOLUTION:
            raise InputError(
                f"resolution: {self.resolution} lies outside [{MINIMUM_RESOLUTION}, {MAXIMUM_RESOLUTION}] pixels"
            )


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What an engine answers.

    picture   (H, W, 3) uint8 sRGB
    mask      (H, W) uint8 part ids, from the same visibility pass as the picture
    vector    (V,) float32, what the engine *applied*, read back from it: this is what shards store
    frame_id  the engine's own counter, strictly increasing within one engine process
    """

    request_id: int
    frame_id: int
    vector: Vector
    picture: Picture
    mask: Mask


#: What single precision loses on the way through an engine's units and back, as a share of a slider's range.
_ROUNDING: Final = 1e-5


def settle_vector(applied: Vector, asked: Vector) -> Vector:
    """The applied vector (V,) inside [0, 1], where a value that differs by rounding only is the one asked for.

    With the last digits of a read-back, an engine that is asked again draws an edge elsewhere, and the vector would not
    give its own picture any more.
    """
    return np.clip(np.where(np.abs(applied - asked) <= _ROUNDING, asked, applied), 0.0, 1.0)


def check_frame(frame: Frame, request: RenderRequest) -> Frame:
    """The frame itself, or FrameRejectedError when it cannot be the answer to the request."""
    side = request.resolution
    if frame.request_id != request.request_id:
        raise FrameRejectedError(f"frame answers request {frame.request_id}, expected {request.request_id}")
    if frame.picture.shape != (side, side, 3) or frame.picture.dtype != np.uint8:
        raise FrameRejectedError(
            f"request {request.request_id}: picture is {frame.picture.dtype} {frame.picture.shape}, "
            f"expected uint8 ({side}, {side}, 3)"
        )
    if frame.mask.shape != (side, side) or frame.mask.dtype != np.uint8 or frame.mask.max() >= NUM_PARTS:
        raise FrameRejectedError(f"request {request.request_id}: the mask is not a mask of part ids 0..{NUM_PARTS - 1}")
    if _is_one_colour(frame.picture):
        raise FrameRejectedError(f"request {request.request_id}: the picture is one constant colour")
    if frame.vector.shape != request.vector.shape:
        raise FrameRejectedError(f"request {request.request_id}: the engine applied a vector of another length")
    return frame


def _is_one_colour(picture: Picture) -> bool:
    """Whether every pixel is like the one before it."""
    values = picture.reshape(-1)
    return np.array_equal(values[3:], values[:-3])
