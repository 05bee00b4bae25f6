"""How two frames differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Frame, Picture

#: A pixel has changed when a channel differs by more than this many of 255 levels.
VISIBLE_LEVELS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Largest and mean difference of the pictures in levels of 255, and how many pixels changed in picture and mask."""

    largest: int
    mean: float
    pixels: int
    mask_pixels: int

    @property
    def nothing(self) -> bool:
        """True when both frames are the same, byte for byte."""
        return self.largest == 0 and self.mask_pixels == 0


@dataclass(frozen=True, kw_only=True)
class Repeatability:
    """How far an engine's pictures of one vector lie apart: the largest of several differences."""

    largest: int
    mean: float
    mask_pixels: int

    @classmethod
    def of(cls, differences: Sequence[Difference]) -> Repeatability:
        return cls(
            largest=max(difference.largest for difference in differences),
            mean=max(difference.mean for difference in differences),
            mask_pixels=max(difference.mask_pixels for difference in differences),
        )

    def covers(self, difference: Difference) -> bool:
        """True when the difference is no larger than twice the engine's own noise, as far as that is tolerated."""
        return (
            difference.largest <= 2 * min(self.largest, TOLERATED.largest)
            and difference.mean <= 2 * min(self.mean, TOLERATED.mean)
            and difference.mask_pixels <= 2 * min(self.mask_pixels, TOLERATED.mask_pixels)
        )

    @property
    def tolerated(self) -> bool:
        """True for noise that an engine may have."""
        return (
            self.largest <= TOLERATED.largest
            and self.mean <= TOLERATED.mean
            and self.mask_pixels <= TOLERATED.mask_pixels
        )

    def to_dict(self) -> dict[str, float]:
        """Plain JSON types."""
        return asdict(self)


#: The noisiest engine that still counts as repeating itself: reordered sums on a GPU, a flickering edge.
TOLERATED: Final = Repeatability(largest=24, mean=0.25, mask_pixels=64)


def compare(first: Frame, second: Frame) -> Difference:
    """The difference of two frames of one size."""
    levels = level_differences(first.picture, second.picture)
    return Difference(
        largest=int(levels.max()),
        mean=float(levels.mean()),
        pixels=int(np.count_nonzero(levels > VISIBLE_LEVELS)),
        mask_pixels=int(np.count_nonzero(first.mask != second.mask)),
    )


def level_differences(first: Picture, second: Picture) -> npt.NDArray[np.uint8]:
    """Per pixel (H, W), the largest difference of its channels in levels."""
    between: npt.NDArray[np.uint8] = np.maximum(first, second) - np.minimum(first, second)
    largest: npt.NDArray[np.uint8] = between.max(axis=2)
    return largest
