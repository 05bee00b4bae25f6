"""What the compiled kernels hand to each other: named tuples of arrays, which numba understands.

H W  picture      N  vertices      M  triangles      E  edge pixels      K  samples
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine_bridge.mock.assets import Bytes, Floats, Ints
from engine_bridge.mock.tiles import TILE

#: A small table of float32, row by row.
Rows = tuple[tuple[np.float32, ...], ...]


class Mesh(NamedTuple):
    """plane (M, 10), see Planes; tris (M, 3); surface (M,); attributes (N, 10), see body.py."""

    plane: Floats
    tris: Ints
    surface: Bytes
    attributes: Floats


class Lighting(NamedTuple):
    """light (8, 3) and palette (6, 3), see shading.py."""

    light: Rows
    palette: Rows


class Planes(NamedTuple):
    """The triangles that face the camera, prepared for drawing.

    drawn  (M,) their numbers in drawing order; the rest is garbage
    plane  (M, 10) first corner x, y; steps of the second corner's weight along x and y; of the third's; inverse
           distance at the first corner, its steps along x and y, and its largest value
    box    (M, 4) left, right, top, bottom
    """

    drawn: Ints
    plane: Floats
    box: Floats


def empty_planes(count: int) -> Planes:
    """Buffers for ``count`` triangles."""
    return Planes(
        drawn=np.zeros(count, np.int32), plane=np.zeros((count, 10), np.float32), box=np.zeros((count, 4), np.float32)
    )


class Tiles(NamedTuple):
    """Coarse depth: farthest (T, T) smallest inverse distance of every tile; line (W,) is scratch."""

    farthest: Floats
    line: Floats


def empty_tiles(side: int) -> Tiles:
    """Buffers for a picture of ``side`` pixels squared."""
    count = -(-side // TILE)
    return Tiles(farthest=np.zeros((count, count), np.float32), line=np.zeros(side, np.float32))


class Edges(NamedTuple):
    """The pixels that are sampled more than once.

    first    (H * W + 1,) how many come before each pixel
    places   (H * W + 1,) y * W + x of each
    kinds, is_edge (H, W), step (W,)   scratch of find_edges: surfaces, and marks
    """

    first: Ints
    places: Ints
    kinds: Bytes
    is_edge: Bytes
    step: Bytes


def empty_edges(side: int) -> Edges:
    """Buffers for a picture of ``side`` pixels squared."""
    return Edges(
        first=np.zeros(side * side + 1, np.int32),
        places=np.zeros(side * side + 1, np.int32),
        kinds=np.zeros((side, side), np.uint8),
        is_edge=np.zeros((side, side), np.uint8),
        step=np.zeros(side, np.uint8),
    )


class Samples(NamedTuple):
    """K places of the picture to shade.

    tri     (K,) triangle, or -1 for the background
    place   (K, 2) picture position
    weight  (K,) quarters of its pixel
    lid     (K,) distance to the upper lid in [0, 1], for eyes
    order   (3, K) the samples of each of the three lists; ``counts`` (3,) their lengths
    color   (K, 3) linear; part (K,) part id: filled by the shaders
    """

    tri: Ints
    place: Floats
    weight: Bytes
    lid: Floats
    order: Ints
    counts: Ints
    color: Floats
    part: Bytes


def empty_samples(capacity: int) -> Samples:
    """Buffers for ``capacity`` samples."""
    return Samples(
        tri=np.zeros(capacity, np.int32),
        place=np.zeros((capacity, 2), np.float32),
        weight=np.zeros(capacity, np.uint8),
        lid=np.zeros(capacity, np.float32),
        order=np.zeros((3, capacity), np.int32),
        counts=np.zeros(3, np.int32),
        color=np.zeros((capacity, 3), np.float32),
        part=np.zeros(capacity, np.uint8),
    )
