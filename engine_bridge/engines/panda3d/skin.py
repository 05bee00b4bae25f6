"""The skin's two textures: colour with makeup, and the parts that it carries.

Both are kept the way Panda3D stores them: blue before green before red, the bottom row first. Only the windows that
makeup touched are repainted.

S  side of the textures
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine_bridge.engines.panda3d.colors import Colors, levels, srgb_from_linear
from engine_bridge.mock.assets import BRIGHTEST, Bytes, Floats, Head, load_head, load_makeup
from engine_bridge.mock.makeup import Layer, fill_gaps
from engine_bridge.parts import Part

#: Part ids are drawn as this many levels each, so that no rounding on the way can mix two of them up.
LEVELS_PER_PART = 24


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A makeup mask inside its bounding box: how much it covers, (H, W) in [0, 1]."""

    share: Floats
    window: tuple[slice, slice]


class SkinPainter:
    """Owns one head's colour texture (S, S, 3)."""

    def __init__(self, head: Head) -> None:
        self._map = np.ascontiguousarray(fill_gaps(head.skin)[::-1, :, 2::-1])
        self._tone: Colors | None = None
        self._bare = np.zeros_like(self._map)
        self._painted: list[tuple[slice, slice]] = []
        self.texture = np.zeros_like(self._map)

    def paint(self, tone: Colors, layers: Sequence[Layer]) -> Bytes:
        """The skin of linear albedo ``tone`` wearing ``layers``, the last one on top. Valid until the next call."""
        self._bleach(tone)
        for layer in layers:
            coverage = load_coverage(layer.kind, layer.style)
            if coverage is not None:
                color = 255.0 * srgb_from_linear(np.array(layer.color) * tone)[::-1]
                _coat(self.texture[coverage.window], coverage.share * np.float32(layer.opacity), color)
                self._painted.append(coverage.window)
        return self.texture

    def _bleach(self, tone: Colors) -> None:
        """Make the texture bare skin of this tone."""
        if self._tone is None or (tone != self._tone).any():
            fractions = BRIGHTEST * (np.arange(256) / 255.0) ** 2
            for channel, albedo in enumerate(tone[::-1]):
                self._bare[..., channel] = levels(srgb_from_linear(fractions * albedo))[self._map[..., channel]]
            self._tone, self._painted = tone.copy(), [(slice(None), slice(None))]
        for window in self._painted:
            self.texture[window] = self._bare[window]
        self._painted = []


def _coat(texture: Bytes, share: Floats, color: Colors) -> None:
    under = texture.astype(np.float32)
    under += share[..., None] * (color.astype(np.float32) - under) + np.float32(0.5)
    texture[...] = under


@lru_cache(maxsize=256)
def load_coverage(kind: str, style: str) -> Coverage | None:
    """A makeup mask, or None for a style that covers nothing."""
    mask = load_makeup(kind, style)
    if mask is None:
        return None
    flipped = mask[::-1]
    rows, columns = np.flatnonzero(flipped.any(1)), np.flatnonzero(flipped.any(0))
    window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return Coverage(share=flipped[window].astype(np.float32) / np.float32(255.0), window=window)


@lru_cache(maxsize=64)
def part_texture(head_name: str, eyebrow_style: str) -> Bytes:
    """(S, S) levels of the parts that the skin carries with this style of brows."""
    head = load_head(head_name)
    covered = head.skin[::-1, :, 4].copy()
    coverage = load_coverage("brow", eyebrow_style)
    if coverage is not None:
        brow = np.round(255.0 * coverage.share).astype(np.uint8)
        covered[coverage.window] = np.where(brow > 0, brow, covered[coverage.window])
    parts = np.where(covered > 127, head.skin[::-1, :, 5], np.uint8(Part.FACE_SKIN))
    return np.asarray(parts * LEVELS_PER_PART, np.uint8)
