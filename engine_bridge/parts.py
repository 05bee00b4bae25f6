"""The eleven part ids of a mask: the classes of the Helen face parsing set, in its order.

Left and right are the person's own: the left eye is on the right-hand side of a frontal picture.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from engine_bridge.frames import Mask, Picture


class Part(IntEnum):
    """Part id of one mask pixel (uint8)."""

    BACKGROUND = 0
    FACE_SKIN = 1
    LEFT_BROW = 2
    RIGHT_BROW = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    NOSE = 6
    UPPER_LIP = 7
    INNER_MOUTH = 8
    LOWER_LIP = 9
    HAIR = 10


NUM_PARTS: Final = len(Part)
#: Mask value of what nothing is known about, on photos: neither trained on nor judged. Engines never say it.
NOT_JUDGED: Final = 255

#: RGB of each part id, for pictures of masks.
PART_COLORS: Final[tuple[tuple[int, int, int], ...]] = (
    (28, 30, 38),
    (236, 188, 160),
    (122, 78, 196),
    (168, 118, 232),
    (46, 134, 222),
    (84, 184, 240),
    (244, 150, 92),
    (220, 56, 84),
    (120, 16, 40),
    (255, 110, 130),
    (94, 64, 44),
)


def paint_mask(mask: Mask) -> Picture:
    """A mask (H, W) of part ids in the parts' colours (H, W, 3)."""
    return np.array(PART_COLORS, np.uint8)[mask]
