"""Coarse depth: what lies behind everything seen in its part of the picture needs no drawing.

H W  picture      T  tiles along a side
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import Final

import numpy as np

from engine_bridge.mock.compiler import kernel

#: Side of a tile in pixels.
TILE: Final = 8


@kernel
def find_farthest(depth, line, farthest):
    """Fill ``farthest`` (T, T) with the smallest inverse distance in each tile of ``depth`` (H, W).

    Tiles reach a pixel into their neighbours, for a triangle may be seen between two pixels' centres; ``line`` (W,) is
    scratch.
    """
    side = depth.shape[0]
    for tile_y in range(farthest.shape[0]):
        line[:] = np.float32(1e9)
        for y in range(max(0, tile_y * TILE - 1), min(side, (tile_y + 1) * TILE + 1)):
            for x in range(side):
                line[x] = min(line[x], depth[y, x])
        for tile_x in range(farthest.shape[1]):
            least = np.float32(1e9)
            for x in range(max(0, tile_x * TILE - 1), min(side, (tile_x + 1) * TILE + 1)):
                least = min(least, line[x])
            farthest[tile_y, tile_x] = least


@kernel
def is_hidden(nearest, left, right, top, bottom, farthest):
    """Whether a triangle in these pixels, ``nearest`` being its largest inverse distance, lies behind all of them."""
    for tile_y in range(top // TILE, bottom // TILE + 1):
        for tile_x in range(left // TILE, right // TILE + 1):
            if nearest >= farthest[tile_y, tile_x]:
                return False
    return True
