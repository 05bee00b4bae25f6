"""Paints brows, lipstick and beard onto the shared skin texture."""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from engine_bridge.mock.assets import BRIGHTEST, Bytes, Head, load_makeup
from engine_bridge.mock.compiler import kernel
from engine_bridge.scene import Rgb

#: Channels of a texel.
COLOR_AND_GLOSS: Final = (0, 1, 2, 4)
COVERAGE: Final = 3
PART: Final = 5


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One coat of colour.

    kind, style   the mask in the wardrobe
    color         linear albedo divided by the skin tone that the texture is a factor of
    opacity       how much of what lies under it the mask replaces
    gloss         the coat's own gloss, replacing the skin's
    """

    kind: str
    style: str
    color: Rgb
    opacity: float
    gloss: float


class SkinPainter:
    """Owns one head's skin texture and repaints only what changed.

    texture (S, S, 8)   colour, coverage of the candidate part, gloss, candidate part, nothing, nothing
    """

    def __init__(self, head: Head) -> None:
        self._bare = pack(fill_gaps(head.skin))
        self._painted: list[tuple[slice, slice]] = []
        self.texture = self._bare.copy()

    def paint(self, layers: list[Layer]) -> Bytes:
        """The texture wearing these layers, the last one on top. Valid until the next call."""
        for window in self._painted:
            self.texture[window] = self._bare[window]
        self._painted = []
        for layer in layers:
            coverage, window = _mask_window(layer.kind, layer.style)
            if coverage.size:
                self._coat(coverage, window, layer)
        return self.texture

    def _coat(self, coverage: Bytes, window: tuple[slice, slice], layer: Layer) -> None:
        stored = 255.0 * np.sqrt(np.clip(np.array(layer.color) / BRIGHTEST, 0.0, 1.0))
        coat = np.array([*stored, 255.0 * layer.gloss], np.float32)
        is_part = np.uint8(layer.kind == "brow")
        blend(self.texture[window], coverage, coat, np.float32(layer.opacity / 255.0), is_part)
        self._painted.append(window)


def fill_gaps(skin: Bytes) -> Bytes:
    """The texture with the colour and gloss of its islands carried two texels beyond their rims.

    A sample at a seam mixes in texels outside; black ones would dot the seam.
    """
    filled = skin.copy()
    for _ in range(2):
        empty = ~filled[..., :3].any(-1)
        for step, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            beside = np.roll(filled[..., :4], step, axis)
            reached = empty & beside[..., :3].any(-1)
            filled[reached, :4] = beside[reached]
            empty &= ~reached
    return filled


def pack(skin: Bytes) -> Bytes:
    """Texels (S, S, 6) of the asset as eight bytes each, the first four of which are interpolated."""
    packed = np.zeros((*skin.shape[:2], 8), np.uint8)
    packed[..., [*COLOR_AND_GLOSS, COVERAGE, PART]] = skin
    return packed


@kernel
def blend(texture, coverage, coat, opacity, is_part):
    """Mix ``coat`` (4,) into colour and gloss by coverage * opacity; a part's coverage is stored as well."""
    for row in range(coverage.shape[0]):
        for column in range(coverage.shape[1]):
            covered = coverage[row, column]
            if covered == 0:
                continue
            share = covered * opacity
            for k, channel in enumerate(COLOR_AND_GLOSS):
                under = texture[row, column, channel]
                texture[row, column, channel] = np.uint8(under + share * (coat[k] - under) + np.float32(0.5))
            if is_part:
                texture[row, column, COVERAGE] = covered


@lru_cache(maxsize=256)
def _mask_window(kind: str, style: str) -> tuple[Bytes, tuple[slice, slice]]:
    """The mask's coverage inside its bounding box, and the box; empty when the style has none."""
    mask = load_makeup(kind, style)
    if mask is None:
        return np.zeros((0, 0), np.uint8), (slice(0), slice(0))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return np.ascontiguousarray(mask[window]), window
