"""How two frames differ.

What counts as the same picture is not decided here but by the pool, see :mod:`engine_bridge.conformance.repeatability`;
here is what can be seen of a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Frame, Picture
from engine_bridge.remote.pool import canary_pictures

#: A pixel has changed when a channel differs by more than this many of 255 levels.
VISIBLE_LEVELS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Difference(canary_pictures.Difference):
    """The pool's figures, and ``pixels``: how many of the picture can be seen to have changed."""

    pixels: int = 0

    @property
    def nothing(self) -> bool:
        """True when both frames are the same, byte for byte."""
        return self.maximum == 0 and self.mask_pixels == 0


def compare(first: Frame, second: Frame) -> Difference:
    """The difference of two frames of one size."""
    apart = canary_pictures.compare(first, second)
    visible = level_differences(first.picture, second.picture) > VISIBLE_LEVELS
    return Difference(
        maximum=apart.maximum,
        mean=apart.mean,
        mask_pixels=apart.mask_pixels,
        pixels=int(np.count_nonzero(visible)),
    )


def level_differences(first: Picture, second: Picture) -> npt.NDArray[np.uint8]:
    """Per pixel (H, W), the largest difference of its channels in levels."""
    between: npt.NDArray[np.uint8] = np.maximum(first, second) - np.minimum(first, second)
    largest: npt.NDArray[np.uint8] = between.max(axis=2)
    return largest
