"""Finds the pixels that several surfaces share: they are sampled more than once."""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

import numpy as np

from engine_bridge.mock.compiler import kernel
from engine_bridge.mock.surfaces import Surface

_HAIR = np.uint8(Surface.HAIR)
_NO_SURFACE = np.uint8(255)


@kernel
def find_edges(depth, ids, surface, depth_step, edges):
    """List the edge pixels in ``edges``, row by row. Returns how many there are, E.

    A jump of ``depth_step`` in distance between neighbours is an edge, but steps within the hair are left alone: its
    streaks drown them.
    """
    side = ids.shape[0]
    kinds, is_edge, step = edges.kinds, edges.is_edge, edges.step
    for y in range(side):
        look_up_kinds(ids[y], surface, kinds[y])
        mark_steps(depth[y, :-1], depth[y, 1:], ids[y, :-1], ids[y, 1:], kinds[y, :-1], kinds[y, 1:], depth_step, step)
        is_edge[y, 0], is_edge[y, -1] = step[0], step[side - 2]
        for x in range(1, side - 1):
            is_edge[y, x] = step[x - 1] | step[x]
        if y > 0:
            mark_steps(depth[y - 1], depth[y], ids[y - 1], ids[y], kinds[y - 1], kinds[y], depth_step, step)
            for x in range(side):
                is_edge[y - 1, x] |= step[x]
                is_edge[y, x] |= step[x]
    return list_edges(is_edge.ravel(), edges.first, edges.places)


@kernel
def look_up_kinds(ids, surface, kinds):
    """The surface under each pixel of a row."""
    for x in range(ids.shape[0]):
        t = ids[x]
        kinds[x] = surface[t] if t >= 0 else _NO_SURFACE


@kernel
def mark_steps(near, other, t, other_t, kind, other_kind, depth_step, out):
    """Whether an edge runs between the pixels of two rows. No branches, so that many pixels are compared at once."""
    for x in range(near.shape[0]):
        jump = abs(near[x] - other[x]) > depth_step * near[x] * near[x]
        apart = jump & (t[x] != other_t[x]) & (kind[x] != _HAIR)
        out[x] = apart | (kind[x] != other_kind[x])


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
