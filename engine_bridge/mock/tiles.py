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
from engine_bridge.mock.keys import inverse_of

#: Side of a tile in pixels.
TILE: Final = 8


@kernel
def find_farthest(keys, line, farthest):
    """Fill ``farthest`` (T, T) with the smallest inverse distance in each tile of the picture.

    Tiles reach a pixel into their neighbours, for a triangle may be seen between two pixels' centres; ``line`` (W,) is
    scratch.
    """
    side = line.shape[0]
    for tile_y in range(farthest.shape[0]):
        line[:] = np.float32(1e9)
        for y in range(max(0, tile_y * TILE - 1), min(side, (tile_y + 1) * TILE + 1)):
            for x in range(side):
                line[x] = min(line[x], inverse_of(keys[y, x]))
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


@kernel
def hide_without_edges(first, side, farthest):
    """Let tiles without an edge pixel hide everything; ``first`` (H * W + 1,) is that of ``Edges``."""
    for tile_y in range(farthest.shape[0]):
        for tile_x in range(farthest.shape[1]):
            left, right = tile_x * TILE, min(side, (tile_x + 1) * TILE)
            count = 0
            for y in range(tile_y * TILE, min(side, (tile_y + 1) * TILE)):
                count += first[y * side + right] - first[y * side + left]
            if count == 0:
                farthest[tile_y, tile_x] = np.float32(1e9)
