"""Visibility keys: inverse distance and triangle in one number, so that the larger of two keys is what is seen.

A key is an int64: the bits of the inverse distance (float32, not negative, hence ordered like an integer) above the
triangle's number, counted down: of two triangles at the same distance the first is seen. One maximum without a branch
replaces a depth test, and many are taken at once.
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.mock.compiler import inlined, kernel

Keys = npt.NDArray[np.int64]

_LAST = np.int64(2**31 - 2)
_LOW_BITS, _HALF_BITS = np.int64(2**31 - 1), np.int64(32)
#: The key that sees triangle -1, which is none, at an infinite distance.
EMPTY: Final = np.int64(_LAST + 1)

#: Pixels of a row that are drawn at once. Shorter loops are not computed side by side but unrolled by the compiler.
RUN: Final = 24


def empty_keys(side: int) -> Keys:
    """Keys (H, W + RUN) of a picture: what is drawn at once may begin at the last pixel of a row."""
    return np.full((side, side + RUN), EMPTY, np.int64)


@inlined
def key_of(inverse, t):
    """The key of triangle ``t`` at an inverse distance."""
    return (np.int64(np.float32(inverse).view(np.int32)) << _HALF_BITS) | (_LAST - np.int64(t))


@inlined
def inverse_of(key):
    """The inverse distance of a key."""
    return np.int32(key >> _HALF_BITS).view(np.float32)


@inlined
def triangle_of(key):
    """The triangle of a key, or -1."""
    return np.int32(_LAST - (key & _LOW_BITS))


@kernel
def read_keys(keys, depth, ids):
    """Fill ``depth`` (H, W) float32 inverse distance and ``ids`` (H, W) int32 triangle or -1."""
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            depth[y, x], ids[y, x] = inverse_of(keys[y, x]), triangle_of(keys[y, x])
