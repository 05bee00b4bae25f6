"""The visibility pass: which triangle each sample of the picture sees.

Every pixel is sampled at its centre; pixels at an edge (another surface or a depth step beside them) are sampled
four more times on a rotated grid, so silhouettes are anti-aliased at the price of the edges alone.

H W  picture      N  vertices      M  triangles      E  edge pixels
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

import numpy as np
from numba import njit

from engine_bridge.mock.surfaces import Surface

#: Offsets of the four samples of an edge pixel from its corner (rotated grid).
SAMPLE_X = np.array([0.375, 0.875, 0.125, 0.625], np.float32)
SAMPLE_Y = np.array([0.125, 0.375, 0.625, 0.875], np.float32)

NOTHING = -1
_HAIR = int(Surface.HAIR)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_OVERLAP, _TINY, _FAR = np.float32(1e-3), np.float32(1e-20), np.float32(1e9)


@njit(cache=True, error_model="numpy")
def project(positions, matrix, scale, side, shift_x, shift_y, out):
    """Write (N, 3): picture x, y in pixels and the inverse distance to the camera.

    ``matrix`` (3, 4) takes model space to camera space (looking along -z from the origin); ``scale`` is in pixels.
    """
    for v in range(positions.shape[0]):
        x, y, z = positions[v, 0], positions[v, 1], positions[v, 2]
        camera_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
        camera_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
        camera_z = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        inverse = np.float32(1.0) / np.maximum(-camera_z, np.float32(0.5))
        out[v, 0] = side * (_HALF + shift_x) + camera_x * scale * inverse
        out[v, 1] = side * (_HALF + shift_y) - camera_y * scale * inverse
        out[v, 2] = inverse


@njit(cache=True, error_model="numpy")
def bound(weight, step_x, step_y):
    """Where along a row ``weight + run * step_x`` changes its sign, as lower and upper bounds of ``run``.

    Returns the lower bound in the first row and its change per row, then the upper ones; the bound that the sign of
    ``step_x`` rules out lies at infinity. Neighbours overlap a little, so that rounding leaves no cracks between them.
    """
    step = step_x if step_x != 0.0 else _TINY
    inverse = _ONE / step
    start, change = -weight * inverse, -step_y * inverse
    if step > 0.0:
        return start - _OVERLAP, change, _FAR, _ZERO
    return -_FAR, _ZERO, start + _OVERLAP, change


@njit(cache=True, error_model="numpy")
def rasterize(points, tris, two_sided, side, depth, ids):
    """Fill ``depth`` (H, W) float32 inverse distance and ``ids`` (H, W) int32 with the nearest triangle or NOTHING."""
    depth[:] = np.float32(0.0)
    ids[:] = NOTHING
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, x2, y2 = points[b, 0] - x0, points[b, 1] - y0, points[c, 0] - x0, points[c, 1] - y0
        area = x1 * y2 - x2 * y1
        if area == 0.0 or (area > 0.0 and not two_sided[t]):
            continue
        left = max(0, int(np.ceil(x0 + min(x1, x2, _ZERO) - _HALF)))
        right = min(side - 1, int(np.floor(x0 + max(x1, x2, _ZERO) - _HALF)))
        top = max(0, int(np.ceil(y0 + min(y1, y2, _ZERO) - _HALF)))
        bottom = min(side - 1, int(np.floor(y0 + max(y1, y2, _ZERO) - _HALF)))
        if left > right or top > bottom:
            continue
        inverse = _ONE / area
        step_x1, step_y1, step_x2, step_y2 = y2 * inverse, -x2 * inverse, -y1 * inverse, x1 * inverse
        dz1, dz2 = points[b, 2] - z0, points[c, 2] - z0
        from_x, from_y = np.float32(left) + _HALF - x0, np.float32(top) + _HALF - y0
        w1, w2 = from_x * step_x1 + from_y * step_y1, from_x * step_x2 + from_y * step_y2
        low0, low_step0, high0, high_step0 = bound(_ONE - w1 - w2, -step_x1 - step_x2, -step_y1 - step_y2)
        low1, low_step1, high1, high_step1 = bound(w1, step_x1, step_y1)
        low2, low_step2, high2, high_step2 = bound(w2, step_x2, step_y2)
        z_start, z_right = z0 + w1 * dz1 + w2 * dz2, step_x1 * dz1 + step_x2 * dz2
        z_down, last = step_y1 * dz1 + step_y2 * dz2, np.float32(right - left)
        for y in range(top, bottom + 1):
            row = np.float32(y - top)
            low = max(_ZERO, low0 + row * low_step0, low1 + row * low_step1, low2 + row * low_step2)
            high = min(last, high0 + row * high_step0, high1 + row * high_step1, high2 + row * high_step2)
            if low > high:
                continue
            z = z_start + row * z_down
            for run in range(int(np.ceil(low)), int(high) + 1):
                here = z + np.float32(run) * z_right
                if here > depth[y, left + run]:
                    depth[y, left + run] = here
                    ids[y, left + run] = t


@njit(cache=True, error_model="numpy")
def differ(t, other, surface, apart):
    """Whether an edge runs between two triangles. Steps within the hair are left alone: its streaks drown them."""
    if t < 0 or other < 0 or surface[t] != surface[other]:
        return True
    return apart and surface[t] != _HAIR


@njit(cache=True, error_model="numpy")
def find_edges(depth, ids, surface, side, depth_step, is_edge, first, places):
    """List the edge pixels: ``places`` (H * W,) gets y * W + x of each, in order. Returns how many there are, E.

    ``first`` (H * W + 1,) gets the number of edge pixels before each pixel; ``is_edge`` (H, W) bool is scratch.
    A jump of ``depth_step`` in distance between neighbours is an edge.
    """
    is_edge[:] = False
    for y in range(side):
        for x in range(side):
            t, near = ids[y, x], depth[y, x]
            jump = depth_step * near * near
            if x + 1 < side:
                other = ids[y, x + 1]
                if t != other and differ(t, other, surface, abs(near - depth[y, x + 1]) > jump):
                    is_edge[y, x] = is_edge[y, x + 1] = True
            if y + 1 < side:
                other = ids[y + 1, x]
                if t != other and differ(t, other, surface, abs(near - depth[y + 1, x]) > jump):
                    is_edge[y, x] = is_edge[y + 1, x] = True
    count = 0
    flat = is_edge.ravel()
    for place in range(side * side):
        first[place] = count
        if flat[place]:
            places[count] = place
            count += 1
    first[side * side] = count
    return count


@njit(cache=True, error_model="numpy")
def rasterize_edges(points, tris, two_sided, side, first, places, sample_x, sample_y, depth, ids):
    """The same visibility at four samples of each edge pixel: ``depth`` and ``ids`` are (E, 4)."""
    depth[:] = np.float32(0.0)
    ids[:] = NOTHING
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, x2, y2 = points[b, 0] - x0, points[b, 1] - y0, points[c, 0] - x0, points[c, 1] - y0
        area = x1 * y2 - x2 * y1
        if area == 0.0 or (area > 0.0 and not two_sided[t]):
            continue
        left, right = max(0, int(x0 + min(x1, x2, _ZERO))), min(side - 1, int(x0 + max(x1, x2, _ZERO)))
        top, bottom = max(0, int(y0 + min(y1, y2, _ZERO))), min(side - 1, int(y0 + max(y1, y2, _ZERO)))
        if left > right:
            continue
        inverse = _ONE / area
        step_x1, step_y1, step_x2, step_y2 = y2 * inverse, -x2 * inverse, -y1 * inverse, x1 * inverse
        dz1, dz2 = points[b, 2] - z0, points[c, 2] - z0
        step_x0, step_y0 = -step_x1 - step_x2, -step_y1 - step_y2
        w1 = (np.float32(left) - x0) * step_x1 + (np.float32(top) - y0) * step_y1
        w2 = (np.float32(left) - x0) * step_x2 + (np.float32(top) - y0) * step_y2
        w0 = _ONE - w1 - w2 + max(step_x0, _ZERO) + max(step_y0, _ZERO)
        low0, low_step0, high0, high_step0 = bound(w0, step_x0, step_y0)
        w1_most = w1 + max(step_x1, _ZERO) + max(step_y1, _ZERO)
        low1, low_step1, high1, high_step1 = bound(w1_most, step_x1, step_y1)
        w2_most = w2 + max(step_x2, _ZERO) + max(step_y2, _ZERO)
        low2, low_step2, high2, high_step2 = bound(w2_most, step_x2, step_y2)
        last = np.float32(right - left)
        for y in range(top, bottom + 1):
            row, start = np.float32(y - top), y * side
            if first[start + left] == first[start + right + 1]:
                continue
            low = max(_ZERO, low0 + row * low_step0, low1 + row * low_step1, low2 + row * low_step2)
            high = min(last, high0 + row * high_step0, high1 + row * high_step1, high2 + row * high_step2)
            if low > high:
                continue
            for edge in range(first[start + left + int(np.ceil(low))], first[start + left + int(high) + 1]):
                x = places[edge] - start
                for s in range(4):
                    from_x, from_y = np.float32(x) + sample_x[s] - x0, np.float32(y) + sample_y[s] - y0
                    w1 = from_x * step_x1 + from_y * step_y1
                    w2 = from_x * step_x2 + from_y * step_y2
                    if w1 >= 0.0 and w2 >= 0.0 and w1 + w2 <= 1.0:
                        z = z0 + w1 * dz1 + w2 * dz2
                        if z > depth[edge, s]:
                            depth[edge, s] = z
                            ids[edge, s] = t
