"""Finds the pixels that several surfaces share: they are sampled more than once."""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

import numpy as np

from engine_bridge.mock.compiler import inlined, kernel
from engine_bridge.mock.keys import inverse_of, triangle_of
from engine_bridge.mock.surfaces import Surface

_HAIR = np.uint8(Surface.HAIR)
_NO_SURFACE = np.uint8(255)
_NO_LASH = np.float32(0.0)


@kernel
def find_edges(keys, surface, lashes, depth_step, edges):
    """List the edge pixels in ``edges``, row by row. Returns how many there are, E.

    A jump of ``depth_step`` in distance between neighbours is an edge, but steps within the hair are left alone: its
    streaks drown them. A lash covers only some of its pixel, which makes it an edge as well.
    """
    side, stride = lashes.shape[0], np.uintp(keys.shape[1])
    keys, kinds, lashes, is_edge = keys.ravel(), edges.kinds.ravel(), lashes.ravel(), edges.is_edge.ravel()
    across, above, below = edges.steps[0], edges.steps[1], edges.steps[2]
    across[:], above[:], below[:] = 0, 0, 0
    look_up_kinds(keys, surface, np.uintp(0), stride, kinds)
    for y in range(side):
        start = np.uintp(y) * stride
        mark_steps(keys, kinds, start, np.uintp(1), np.uintp(side - 1), depth_step, across)
        if y + 1 < side:
            look_up_kinds(keys, surface, start + stride, stride, kinds)
            mark_steps(keys, kinds, start, stride, np.uintp(side), depth_step, below)
        else:
            below[:] = 0
        mark_pixels(lashes, np.uintp(y * side), np.uintp(side), across, above, below, is_edge)
        above, below = below, above
    return list_edges(is_edge, edges.first, edges.places)


@inlined
def look_up_kinds(keys, surface, start, count, kinds):
    """The surface under some pixels."""
    for i in range(count):
        t = triangle_of(keys[start + i])
        kinds[start + i] = surface[t] if t >= 0 else _NO_SURFACE


@inlined
def mark_steps(keys, kinds, start, step, count, depth_step, out):
    """Mark in ``out`` from its second place on where an edge runs between a pixel and the one ``step`` further on.

    No branches, so that many pixels are compared at once.
    """
    for i in range(count):
        key, other = keys[start + i], keys[start + i + step]
        kind, other_kind = kinds[start + i], kinds[start + i + step]
        inverse = inverse_of(key)
        jump = abs(inverse - inverse_of(other)) > depth_step * inverse * inverse
        apart = jump & (triangle_of(key) != triangle_of(other)) & (kind != _HAIR)
        out[i + np.uintp(1)] = apart | (kind != other_kind)


@inlined
def mark_pixels(lashes, start, count, across, above, below, is_edge):
    """Mark the pixels of a row that a lash covers or an edge runs along."""
    for i in range(count):
        j = i + np.uintp(1)
        is_edge[start + i] = (lashes[start + i] > _NO_LASH) | across[i] | across[j] | above[j] | below[j]


@kernel
def list_edges(is_edge, first, places):
    """Number the marked places."""
    count = 0
    for place in range(is_edge.shape[0]):
        first[place] = count
        places[count] = place
        count += is_edge[place]
    first[is_edge.shape[0]] = count
    return count
