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
import numpy.typing as npt

from engine_bridge.mock.assets import Floats, Ints
from engine_bridge.mock.compiler import inlined, kernel
from engine_bridge.mock.kernels import empty_planes, empty_tiles
from engine_bridge.mock.keys import EMPTY, RUN, empty_keys, key_of, read_keys, triangle_of
from engine_bridge.mock.tiles import TILE, find_farthest, hide_without_edges, is_hidden

#: Offsets of the four samples of an edge pixel from its corner (rotated grid).
SAMPLE_X = np.array([0.375, 0.875, 0.125, 0.625], np.float32)
SAMPLE_Y = np.array([0.125, 0.375, 0.625, 0.875], np.float32)

NOTHING = -1
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_OVERLAP, _TINY, _FAR = np.float32(1e-3), np.float32(1e-20), np.float32(1e9)

#: Triangles between two looks at what they hide.
_RENEWAL = 2048


@kernel
def project(positions, matrix, scale, side, shift_x, shift_y, out):
    """Write (N, 3): picture x, y in pixels and the inverse distance to the camera.

    ``matrix`` (3, 4) takes model space to camera space (looking along -z from the origin); ``scale`` is in pixels.
    """
    center_x, center_y = np.float32(side) * (_HALF + shift_x), np.float32(side) * (_HALF + shift_y)
    for v in range(positions.shape[0]):
        x, y, z = positions[v, 0], positions[v, 1], positions[v, 2]
        camera_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
        camera_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
        camera_z = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        inverse = _ONE / np.maximum(-camera_z, _HALF)
        out[v, 0] = center_x + camera_x * scale * inverse
        out[v, 1] = center_y - camera_y * scale * inverse
        out[v, 2] = inverse


@kernel
def set_up(points, tris, two_sided, side, planes):
    """Prepare the triangles that face the camera inside the picture; fills ``planes``. Returns how many there are."""
    count = 0
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, x2, y2 = points[b, 0] - x0, points[b, 1] - y0, points[c, 0] - x0, points[c, 1] - y0
        area = x1 * y2 - x2 * y1
        if abs(area) < _TINY or (area > _ZERO and not two_sided[t]):
            continue
        left, right = x0 + min(x1, x2, _ZERO), x0 + max(x1, x2, _ZERO)
        top, bottom = y0 + min(y1, y2, _ZERO), y0 + max(y1, y2, _ZERO)
        if right < _ZERO or bottom < _ZERO or left >= side or top >= side:
            continue
        dz1, dz2, inverse = points[b, 2] - z0, points[c, 2] - z0, _ONE / area
        step_x1, step_y1, step_x2, step_y2 = y2 * inverse, -x2 * inverse, -y1 * inverse, x1 * inverse
        plane, box = planes.plane[t], planes.box[t]
        plane[0], plane[1], plane[2], plane[3], plane[4], plane[5] = x0, y0, step_x1, step_y1, step_x2, step_y2
        plane[6], plane[7], plane[8] = z0, step_x1 * dz1 + step_x2 * dz2, step_y1 * dz1 + step_y2 * dz2
        plane[9] = z0 + max(dz1, dz2, _ZERO)
        box[0], box[1], box[2], box[3] = left, right, top, bottom
        planes.drawn[count] = t
        count += 1
    return count


@inlined
def bound(weight, step_x, step_y):
    """Where along a row ``weight + run * step_x`` changes its sign, as lower and upper bounds of ``run``.

    Returns the lower bound in the first row and its change per row, then the upper ones; the bound that the sign of
    ``step_x`` rules out lies at infinity. Neighbours overlap a little, so that rounding leaves no cracks between them.
    """
    step = step_x if step_x != _ZERO else _TINY
    inverse = _ONE / step
    start, change = -weight * inverse, -step_y * inverse
    rising = step > _ZERO
    low, high = start - _OVERLAP if rising else -_FAR, _FAR if rising else start + _OVERLAP
    return low, change if rising else _ZERO, high, _ZERO if rising else change


@kernel
def rasterize(planes, count, num_covering, tiles, keys):
    """Draw the triangles into ``keys``, see empty_keys. ``count`` is set_up's.

    The first ``num_covering`` of the mesh hardly hide each other; what they hide of the others need not be drawn.
    """
    keys[:] = EMPTY
    tiles.farthest[:] = _ZERO
    flat, stride, side, num_others = keys.ravel(), np.uintp(keys.shape[1]), tiles.line.shape[0], 0
    for k in range(count):
        t = planes.drawn[k]
        if t >= num_covering:
            if num_others % _RENEWAL == 0:
                find_farthest(keys, tiles.line, tiles.farthest)
            num_others += 1
        plane, box = planes.plane[t], planes.box[t]
        left, right = max(0, int(np.ceil(box[0] - _HALF))), min(side - 1, int(np.floor(box[1] - _HALF)))
        top, bottom = max(0, int(np.ceil(box[2] - _HALF))), min(side - 1, int(np.floor(box[3] - _HALF)))
        if left > right or top > bottom or is_hidden(plane[9], left, right, top, bottom, tiles.farthest):
            continue
        from_x, from_y = np.float32(left) + _HALF - plane[0], np.float32(top) + _HALF - plane[1]
        step_x1, step_y1, step_x2, step_y2 = plane[2], plane[3], plane[4], plane[5]
        z_right, z_down = plane[7], plane[8]
        z_start, last = plane[6] + from_x * z_right + from_y * z_down, np.float32(right - left)
        w1, w2 = from_x * step_x1 + from_y * step_y1, from_x * step_x2 + from_y * step_y2
        low0, low_step0, high0, high_step0 = bound(_ONE - w1 - w2, -step_x1 - step_x2, -step_y1 - step_y2)
        low1, low_step1, high1, high_step1 = bound(w1, step_x1, step_y1)
        low2, low_step2, high2, high_step2 = bound(w2, step_x2, step_y2)
        for y in range(top, bottom + 1):
            row = np.float32(y - top)
            low = max(_ZERO, low0 + row * low_step0, low1 + row * low_step1, low2 + row * low_step2)
            high = min(last, high0 + row * high_step0, high1 + row * high_step1, high2 + row * high_step2)
            z = z_start + row * z_down
            first = np.ceil(min(low, last))
            start = np.uintp(y) * stride + np.uintp(left)
            while True:
                draw_run(flat, start + np.uintp(first), first, low, high, z, z_right, t)
                first += np.float32(RUN)
                if first > high:
                    break


@inlined
def draw_run(keys, start, first, low, high, z, z_right, t):
    """Draw RUN pixels of a row from ``start`` on as far as they lie between ``low`` and ``high``."""
    for i in range(RUN):
        run = first + np.float32(i)
        key = key_of(z + run * z_right, t)
        inside = (run >= low) & (run <= high)
        keys[start + np.uintp(i)] = max(keys[start + np.uintp(i)], key if inside else EMPTY)


def rasterize_mesh(points: Floats, tris: Ints, two_sided: npt.NDArray[np.bool_], depth: Floats, ids: Ints) -> None:
    """One picture of projected ``points`` (N, 3) with buffers of its own.

    Fills ``depth`` (H, W) float32 inverse distance and ``ids`` (H, W) int32 with the nearest triangle or NOTHING.
    """
    planes, keys, side = empty_planes(len(tris)), empty_keys(len(depth)), len(depth)
    count = set_up(points, tris, two_sided, side, planes)
    rasterize(planes, count, 0, empty_tiles(side), keys)
    read_keys(keys, depth, ids)


@kernel
def rasterize_edges(planes, count, tiles, edges, seen, keys):
    """The same visibility at four samples of each edge pixel: fills ``keys`` (E, 4).

    ``tiles`` are of the finished picture, ``seen`` its keys.
    """
    side, first, places = tiles.line.shape[0], edges.first, edges.places
    start_edges(tiles, seen, places, keys)
    hide_without_edges(first, side, tiles.farthest)
    for k in range(count):
        t = planes.drawn[k]
        plane, box = planes.plane[t], planes.box[t]
        left, right = max(0, int(box[0])), min(side - 1, int(box[1]))
        top, bottom = max(0, int(box[2])), min(side - 1, int(box[3]))
        if is_hidden(plane[9], left, right, top, bottom, tiles.farthest):
            continue
        x0, y0, z0 = plane[0], plane[1], plane[6]
        step_x1, step_y1, step_x2, step_y2 = plane[2], plane[3], plane[4], plane[5]
        z_right, z_down = plane[7], plane[8]
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
                from_x, from_y = np.float32(places[edge] - start) - x0, np.float32(y) - y0
                for s in range(4):
                    x_s, y_s = from_x + SAMPLE_X[s], from_y + SAMPLE_Y[s]
                    w1 = x_s * step_x1 + y_s * step_y1
                    w2 = x_s * step_x2 + y_s * step_y2
                    key = key_of(z0 + x_s * z_right + y_s * z_down, t)
                    inside = min(w1, w2, _ONE - w1 - w2) >= _ZERO
                    keys[edge, s] = max(keys[edge, s], key if inside else EMPTY)


@kernel
def start_edges(tiles, seen, places, keys):
    """Samples see nothing yet, or their pixel's triangle where no background is near.

    What is hidden from every pixel's centre is not drawn, so a sample between two surfaces may stay as it is here.
    """
    side = tiles.line.shape[0]
    for edge in range(keys.shape[0]):
        y, x = places[edge] // side, places[edge] % side
        t = triangle_of(seen[y, x]) if tiles.farthest[y // TILE, x // TILE] > _ZERO else NOTHING
        for s in range(4):
            keys[edge, s] = key_of(_ZERO, t)
