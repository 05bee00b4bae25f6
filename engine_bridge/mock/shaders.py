"""Runs the shading functions over lists of samples, block by block.

A block's intermediate values lie in one flat ``scratch`` array, row after row of BLOCK numbers, so that the compiler
can prove that rows do not overlap and computes the light of several samples at once.

S  side of the skin texture
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from engine_bridge.mock.assets import BRIGHTEST
from engine_bridge.mock.samples import EYE_LIST, HAIR_LIST, SKIN_LIST
from engine_bridge.mock.shading import CLOTH, SKIN_TONE, VIEW, lit, shade_eye, shade_hair, shade_skin, strand_noise

BLOCK: Final = 256
NX, NY, NZ, U, V, OCCLUSION, ZONE, RED, GREEN, BLUE, GLOSS, FINE = (row * BLOCK for row in range(12))
SCRATCH_SIZE: Final = 12 * BLOCK

_SKIN, _MOUTH_GLOSS, _BARE_GLOSS = 0, 0.8, 0.42
_BACKGROUND, _FACE, _LEFT_EYE, _RIGHT_EYE, _INNER_MOUTH, _HAIR = 0, 1, 4, 5, 8, 10
#: Width of the collar's soft edge, in units of the zone.
_COLLAR: Final = 0.12
_TEXEL: Final = float(np.sqrt(BRIGHTEST) / 255.0)


@njit(cache=True, error_model="numpy")
def interpolate(samples, order, begin, count, mesh, scratch):
    """Fill the rows NX .. BLUE with the vertex attributes at the samples order[begin : begin + count]."""
    points, attributes = mesh.points, mesh.attributes
    for i in range(count):
        sample = order[begin + i]
        t = samples.tri[sample]
        a, b, c = mesh.tris[t, 0], mesh.tris[t, 1], mesh.tris[t, 2]
        x0, y0 = points[a, 0], points[a, 1]
        x1, y1, x2, y2 = points[b, 0] - x0, points[b, 1] - y0, points[c, 0] - x0, points[c, 1] - y0
        x, y = samples.place[sample, 0] - x0, samples.place[sample, 1] - y0
        inverse = np.float32(1.0) / (x1 * y2 - x2 * y1)
        w1 = min(np.float32(1.0), max(np.float32(0.0), (x * y2 - x2 * y) * inverse))
        w2 = min(np.float32(1.0), max(np.float32(0.0), (x1 * y - x * y1) * inverse))
        w0 = np.float32(1.0) - w1 - w2
        for k in range(10):
            scratch[k * BLOCK + i] = w0 * attributes[a, k] + w1 * attributes[b, k] + w2 * attributes[c, k]
    normalize(count, NX, NY, NZ, scratch)


@njit(cache=True, error_model="numpy")
def normalize(count, x_row, y_row, z_row, scratch):
    """Make three rows unit vectors."""
    for i in range(count):
        x, y, z = scratch[x_row + i], scratch[y_row + i], scratch[z_row + i]
        length = 1.0 / np.sqrt(x * x + y * y + z * z + 1e-12)
        scratch[x_row + i], scratch[y_row + i], scratch[z_row + i] = x * length, y * length, z * length


@njit(cache=True, error_model="numpy")
def shade_skin_samples(samples, mesh, skin, lighting, scratch):
    """Skin, clothes and the inside of the mouth."""
    order, count = samples.order[SKIN_LIST], samples.counts[SKIN_LIST]
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, order, begin, size, mesh, scratch)
        look_up_skin(samples, order, begin, size, mesh, skin, lighting.palette, scratch)
        for i in range(size):
            scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i] = shade_skin(
                scratch[NX + i],
                scratch[NY + i],
                scratch[NZ + i],
                scratch[RED + i],
                scratch[GREEN + i],
                scratch[BLUE + i],
                scratch[GLOSS + i],
                scratch[OCCLUSION + i],
                lighting.light,
            )
        scatter(samples, order, begin, size, scratch)


@njit(cache=True, error_model="numpy")
def look_up_skin(samples, order, begin, count, mesh, skin, palette, scratch):
    """Replace the rows RED .. BLUE by linear albedo, fill GLOSS, and decide the parts."""
    size = skin.shape[0]
    for i in range(count):
        sample = order[begin + i]
        r, g, b = scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i]
        if mesh.surface[samples.tri[sample]] != _SKIN:
            scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i] = r * r, g * g, b * b
            scratch[GLOSS + i], samples.part[sample] = _MOUTH_GLOSS, _INNER_MOUTH
            continue
        u, v, zone, gloss = scratch[U + i], scratch[V + i], scratch[ZONE + i], _BARE_GLOSS
        samples.part[sample] = _FACE if zone > 0.5 else _BACKGROUND
        if 0.0 <= u < size - 1.0 and 0.0 <= v < size - 1.0:
            x, y = int(u), int(v)
            right, below = u - x, v - y
            w00, w01 = (1.0 - right) * (1.0 - below), right * (1.0 - below)
            w10, w11 = (1.0 - right) * below, right * below
            r = w00 * skin[y, x, 0] + w01 * skin[y, x + 1, 0] + w10 * skin[y + 1, x, 0] + w11 * skin[y + 1, x + 1, 0]
            g = w00 * skin[y, x, 1] + w01 * skin[y, x + 1, 1] + w10 * skin[y + 1, x, 1] + w11 * skin[y + 1, x + 1, 1]
            b = w00 * skin[y, x, 2] + w01 * skin[y, x + 1, 2] + w10 * skin[y + 1, x, 2] + w11 * skin[y + 1, x + 1, 2]
            r, g, b, gloss = r * _TEXEL, g * _TEXEL, b * _TEXEL, skin[y, x, 3] / 255.0
            cover = w00 * skin[y, x, 4] + w01 * skin[y, x + 1, 4]
            cover += w10 * skin[y + 1, x, 4] + w11 * skin[y + 1, x + 1, 4]
            if cover > 127.5 and zone > 0.5:
                samples.part[sample] = skin[y, x, 5]
        bare = min(1.0, max(0.0, (zone + 0.5) / _COLLAR + 0.5))  # 0 under the clothes
        scratch[RED + i] = palette[CLOTH, 0] + bare * (r * r * palette[SKIN_TONE, 0] - palette[CLOTH, 0])
        scratch[GREEN + i] = palette[CLOTH, 1] + bare * (g * g * palette[SKIN_TONE, 1] - palette[CLOTH, 1])
        scratch[BLUE + i] = palette[CLOTH, 2] + bare * (b * b * palette[SKIN_TONE, 2] - palette[CLOTH, 2])
        scratch[GLOSS + i] = bare * gloss


@njit(cache=True, error_model="numpy")
def shade_hair_samples(samples, mesh, strands, detail, lighting, scratch):
    """Hair; ``strands`` is the noise table of strand_noise, ``detail`` in [0, 1] the strength of the finest streaks."""
    order, count = samples.order[HAIR_LIST], samples.counts[HAIR_LIST]
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, order, begin, size, mesh, scratch)
        normalize(size, RED, GREEN, BLUE, scratch)
        for i in range(size):
            across, along = scratch[U + i], scratch[V + i]
            scratch[GLOSS + i] = strand_noise(across * 3.1 + along * 2.3, strands)
            scratch[FINE + i] = strand_noise(across * 19.0 + along * 5.0, strands) * detail
            samples.part[order[begin + i]] = _HAIR
        for i in range(size):
            nx, ny, nz = scratch[NX + i], scratch[NY + i], scratch[NZ + i]
            toward = 1.0 if lit(nx, ny, nz, lighting.light, VIEW) > 0.0 else -1.0
            scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i] = shade_hair(
                nx * toward,
                ny * toward,
                nz * toward,
                scratch[RED + i],
                scratch[GREEN + i],
                scratch[BLUE + i],
                scratch[V + i],
                scratch[GLOSS + i],
                scratch[FINE + i],
                scratch[OCCLUSION + i],
                lighting.light,
                lighting.palette,
            )
        scatter(samples, order, begin, size, scratch)


@njit(cache=True, error_model="numpy")
def shade_eye_samples(samples, mesh, soft, lighting, scratch):
    """Eyeballs; ``soft`` is a pixel's size on the unit eyeball."""
    order, count = samples.order[EYE_LIST], samples.counts[EYE_LIST]
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, order, begin, size, mesh, scratch)
        normalize(size, RED, GREEN, BLUE, scratch)
        for i in range(size):
            sample = order[begin + i]
            scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i] = shade_eye(
                scratch[NX + i],
                scratch[NY + i],
                scratch[NZ + i],
                scratch[RED + i],
                scratch[GREEN + i],
                samples.lid[sample],
                soft,
                lighting.light,
                lighting.palette,
            )
            samples.part[sample] = _LEFT_EYE if scratch[ZONE + i] > 0.0 else _RIGHT_EYE
        scatter(samples, order, begin, size, scratch)


@njit(cache=True, error_model="numpy")
def scatter(samples, order, begin, count, scratch):
    """Write the rows RED .. BLUE to the samples' colours."""
    for i in range(count):
        sample = order[begin + i]
        samples.color[sample, 0] = scratch[RED + i]
        samples.color[sample, 1] = scratch[GREEN + i]
        samples.color[sample, 2] = scratch[BLUE + i]
