"""What the compiled kernels hand to each other: named tuples of arrays, which numba understands.

H W  picture      N  vertices      M  triangles      E  edge pixels      L  lists      K  samples
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine_bridge.mock.assets import Bytes, Floats, Indices, Ints
from engine_bridge.mock.keys import RUN
from engine_bridge.mock.tiles import TILE

#: A small table of float32, row by row.
Rows = tuple[tuple[np.float32, ...], ...]


class Mesh(NamedTuple):
    """plane (M, 10), see Planes; tris (M, 3); surface and shader (M,), see body.py; attributes (N, 10), see body.py."""

    plane: Floats
    tris: Indices
    surface: Bytes
    shader: Bytes
    attributes: Floats


class Lighting(NamedTuple):
    """light (8, 3) and palette (6, 3), see shading.py."""

    light: Rows
    palette: Rows


class Materials(NamedTuple):
    """What the shaders look up.

    skin       (S, S, 8) texture, see SkinPainter; texels (S, S, 2) are the same bytes, four to a number
    strands    the noise table of strand_noise; streaks in [0, 1] is the strength of the finest ones
    eye_pixel  a pixel's size on the unit eyeball
    """

    skin: Bytes
    texels: Indices
    strands: Floats
    streaks: np.float32
    eye_pixel: np.float32


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
    is_edge  (H, W) whether each pixel is one of them
    kinds (H, W + RUN), steps (3, W + 1)   scratch of find_edges: surfaces; edges beside, above and below a row's pixels
    """

    first: Ints
    places: Ints
    is_edge: Bytes
    kinds: Bytes
    steps: Bytes


def empty_edges(side: int) -> Edges:
    """Buffers for a picture of ``side`` pixels squared."""
    return Edges(
        first=np.zeros(side * side + 1, np.int32),
        places=np.zeros(side * side + 1, np.int32),
        is_edge=np.zeros((side, side), np.uint8),
        kinds=np.zeros((side, side + RUN), np.uint8),
        steps=np.zeros((3, side + 1), np.uint8),
    )


class Samples(NamedTuple):
    """Places of the picture to shade: one list per shader.

    tri     (L, K) triangle
    x, y    (L, K) picture position
    target  (L, K) where the result goes: a pixel's y * W + x, or a row of ``EdgeColors``
    lid     (K,) distance to the upper lid in [0, 1], of the list of eyes
    counts  (L,) lengths of the lists
    """

    tri: Indices
    x: Floats
    y: Floats
    target: Indices
    lid: Floats
    counts: Ints


def empty_samples(num_lists: int, capacity: int) -> Samples:
    """Buffers for ``capacity`` samples in each list."""
    shape = num_lists, capacity
    return Samples(
        tri=np.zeros(shape, np.uint32),
        x=np.zeros(shape, np.float32),
        y=np.zeros(shape, np.float32),
        target=np.zeros(shape, np.uint32),
        lid=np.zeros(capacity, np.float32),
        counts=np.zeros(num_lists, np.int32),
    )


class EdgeColors(NamedTuple):
    """The four samples of every edge pixel: linear color (4 E, 3), part (4 E,), weight (4 E,) in quarters of a pixel.

    A triangle that several samples of a pixel see is shaded once, with their common weight; the others weigh nothing.
    """

    color: Floats
    part: Bytes
    weight: Bytes


def empty_edge_colors(capacity: int) -> EdgeColors:
    """Buffers for ``capacity`` edge pixels."""
    return EdgeColors(
        color=np.zeros((4 * capacity, 3), np.float32),
        part=np.zeros(4 * capacity, np.uint8),
        weight=np.zeros(4 * capacity, np.uint8),
    )


class Paper(NamedTuple):
    """Where finished pixels go: picture (H * W, 3), mask (H * W,), and the tone table that finishes them."""

    picture: Bytes
    mask: Bytes
    tone: Bytes


class Output(NamedTuple):
    """Where shaded samples go: to the paper when they are ``finished`` pixels, else to ``colors``."""

    finished: bool
    paper: Paper
    colors: EdgeColors


class Scratch(NamedTuple):
    """One block of samples: rows of floats, of packed texels, and the parts; see shaders.py."""

    rows: Floats
    words: Indices
    part: Bytes
