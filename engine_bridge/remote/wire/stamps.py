"""Stamps: proof that a picture belongs to its request (docs/protocol.md, section 7).

A stamp is a square of 4 x 4 pixels in the top left corner that the engine draws together with the frame. Its colour
tells the request's id modulo 512, its part in the mask the id modulo 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Mask, Picture
from engine_bridge.parts import NUM_PARTS

STAMP_PX: Final = 4
TOLERANCE: Final = 15
_STEP: Final = 32  # 8 levels per channel

_SQUARE: Final = (slice(0, STAMP_PX), slice(0, STAMP_PX))
_BESIDE: Final = (slice(0, STAMP_PX), slice(STAMP_PX, 2 * STAMP_PX))


@dataclass(frozen=True)
class Stamp:
    """The stamp of one request."""

    request_id: int

    @property
    def color(self) -> tuple[int, int, int]:
        """Red, green, blue of 255."""
        n = self.request_id % 512
        red, green, blue = (_STEP * level + _STEP // 2 for level in (n % 8, n // 8 % 8, n // 64))
        return red, green, blue

    @property
    def part(self) -> int:
        """The part id in the mask."""
        return self.request_id % NUM_PARTS


@runtime_checkable
class DrawsStamps(Protocol):
    """What an engine adds to its bridge when it can draw the stamp itself, as part of the frame."""

    def set_stamp(self, stamp: Stamp | None) -> None:
        """Draw this stamp from the next frame on; None draws none."""


def paint_stamp(picture: Picture, mask: Mask, stamp: Stamp) -> None:
    """Paint the stamp in place, for engines that are a renderer and nothing else."""
    picture[_SQUARE] = stamp.color
    mask[_SQUARE] = stamp.part


def check_stamp(picture: Picture, mask: Mask, stamp: Stamp) -> None:
    """Raises FrameRejectedError when picture or mask show another stamp, or none."""
    distance = np.abs(picture[_SQUARE].astype(np.int16) - np.array(stamp.color, np.int16))
    if distance.max() > TOLERANCE:
        raise FrameRejectedError(
            f"request {stamp.request_id}: the picture shows {_read_color(picture)}, expected the stamp "
            f"{stamp.request_id % 512}; the engine captured another frame's picture"
        )
    if np.any(mask[_SQUARE] != stamp.part):
        raise FrameRejectedError(
            f"request {stamp.request_id}: the mask shows part {mask[0, 0]} where its stamp is part {stamp.part}; "
            "the engine captured another frame's mask"
        )


def remove_stamp(picture: Picture, mask: Mask) -> None:
    """Replace the stamp in place by the pixels to its right."""
    picture[_SQUARE] = picture[_BESIDE]
    mask[_SQUARE] = mask[_BESIDE]


def _read_color(picture: Picture) -> str:
    """Which stamp the corner shows, in words."""
    corner = picture[_SQUARE].reshape(-1, 3)
    if np.ptp(corner.astype(np.int16), axis=0).max() > 2 * TOLERANCE:
        return "no stamp"
    red, green, blue = (int(level) for level in np.median(corner, axis=0) // _STEP)
    return f"the stamp {red + 8 * green + 64 * blue}"
