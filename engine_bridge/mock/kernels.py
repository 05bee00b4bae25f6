"""What the compiled kernels hand to each other: named tuples of arrays, which numba understands.

H W  picture      N  vertices      M  triangles      E  edge pixels      K  samples
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine_bridge.mock.assets import Bytes, Floats, Ints


class Mesh(NamedTuple):
    """points (N, 3) picture x, y and inverse distance; tris (M, 3); surface (M,); attributes (N, 10), see body.py."""

    points: Floats
    tris: Ints
    surface: Bytes
    attributes: Floats


class Lighting(NamedTuple):
    """light (8, 3) and palette (6, 3), see shading.py."""

    light: Floats
    palette: Floats


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
