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
from numpy import float32 as f32

from engine_bridge.mock.assets import BRIGHTEST
from engine_bridge.mock.compiler import kernel
from engine_bridge.mock.samples import EYE_LIST, HAIR_LIST, SKIN_LIST
from engine_bridge.mock.shading import CLOTH, SKIN_TONE, VIEW, lit, shade_eye, shade_hair, shade_skin, strand_noise
from engine_bridge.mock.surfaces import Surface

BLOCK: Final = 256
NX, NY, NZ, U, V, OCCLUSION, ZONE, RED, GREEN, BLUE, GLOSS, FINE = (row * BLOCK for row in range(12))
SCRATCH_SIZE: Final = 12 * BLOCK

_ZERO, _HALF, _ONE = f32(0.0), f32(0.5), f32(1.0)
_SKIN = np.uint8(Surface.SKIN)
_MOUTH_GLOSS, _BARE_GLOSS = f32(0.8), f32(0.42)
_BACKGROUND, _FACE, _LEFT_EYE, _RIGHT_EYE, _INNER_MOUTH, _HAIR = (np.uint8(part) for part in (0, 1, 4, 5, 8, 10))
#: One over the width of the collar's soft edge, in units of the zone.
_COLLAR = f32(1.0 / 0.024)
_TEXEL, _FRACTION, _MOST = f32(np.sqrt(BRIGHTEST) / 255.0), f32(1.0 / 255.0), f32(127.5)


@kernel
def interpolate(samples, order, begin, count, mesh, scratch):
    """Fill the rows NX .. BLUE with the vertex attributes at the samples order[begin : begin + count]."""
    plane, attributes = mesh.plane, mesh.attributes
    for i in range(count):
        sample = order[begin + i]
        t = samples.tri[sample]
        a, b, c = mesh.tris[t, 0], mesh.tris[t, 1], mesh.tris[t, 2]
        x, y = samples.place[sample, 0] - plane[t, 0], samples.place[sample, 1] - plane[t, 1]
        w1 = min(_ONE, max(_ZERO, x * plane[t, 2] + y * plane[t, 3]))
        w2 = min(_ONE, max(_ZERO, x * plane[t, 4] + y * plane[t, 5]))
        w0 = _ONE - w1 - w2
        for k in range(10):
            scratch[k * BLOCK + i] = w0 * attributes[a, k] + w1 * attributes[b, k] + w2 * attributes[c, k]
    normalize(count, NX, NY, NZ, scratch)


@kernel
def normalize(count, x_row, y_row, z_row, scratch):
    """Make three rows unit vectors."""
    for i in range(count):
        x, y, z = scratch[x_row + i], scratch[y_row + i], scratch[z_row + i]
        length = f32(1.0) / np.sqrt(x * x + y * y + z * z + f32(1e-12))
        scratch[x_row + i], scratch[y_row + i], scratch[z_row + i] = x * length, y * length, z * length


@kernel
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


@kernel
def look_up_skin(samples, order, begin, count, mesh, skin, palette, scratch):
    """Replace the rows RED .. BLUE by linear albedo, fill GLOSS, and decide the parts."""
    last = f32(skin.shape[0] - 1)
    for i in range(count):
        sample = order[begin + i]
        r, g, b = scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i]
        if mesh.surface[samples.tri[sample]] != _SKIN:
            scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i] = r * r, g * g, b * b
            scratch[GLOSS + i], samples.part[sample] = _MOUTH_GLOSS, _INNER_MOUTH
            continue
        u, v, zone, gloss = scratch[U + i], scratch[V + i], scratch[ZONE + i], _BARE_GLOSS
        part = _FACE if zone > _HALF else _BACKGROUND
        if _ZERO <= u < last and _ZERO <= v < last:
            x, y = int(u), int(v)
            right, below = u - f32(x), v - f32(y)
            r = _TEXEL * texel(skin, x, y, 0, right, below)
            g = _TEXEL * texel(skin, x, y, 1, right, below)
            b = _TEXEL * texel(skin, x, y, 2, right, below)
            gloss = _FRACTION * f32(skin[y, x, 3])
            if part == _FACE and texel(skin, x, y, 4, right, below) > _MOST:
                part = skin[y, x, 5]
        samples.part[sample] = part
        bare = min(_ONE, max(_ZERO, (zone + _HALF) * _COLLAR + _HALF))  # 0 under the clothes
        scratch[RED + i] = palette[CLOTH][0] + bare * (r * r * palette[SKIN_TONE][0] - palette[CLOTH][0])
        scratch[GREEN + i] = palette[CLOTH][1] + bare * (g * g * palette[SKIN_TONE][1] - palette[CLOTH][1])
        scratch[BLUE + i] = palette[CLOTH][2] + bare * (b * b * palette[SKIN_TONE][2] - palette[CLOTH][2])
        scratch[GLOSS + i] = bare * gloss


@kernel
def texel(skin, x, y, channel, right, below):
    """One channel of the texture, interpolated between (x, y) and its neighbours to the right and below."""
    here, beside = f32(skin[y, x, channel]), f32(skin[y, x + 1, channel])
    under, across = f32(skin[y + 1, x, channel]), f32(skin[y + 1, x + 1, channel])
    upper, lower = here + right * (beside - here), under + right * (across - under)
    return upper + below * (lower - upper)


@kernel
def shade_hair_samples(samples, mesh, strands, detail, lighting, scratch):
    """Hair; ``strands`` is the noise table of strand_noise, ``detail`` in [0, 1] the strength of the finest streaks."""
    order, count = samples.order[HAIR_LIST], samples.counts[HAIR_LIST]
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, order, begin, size, mesh, scratch)
        normalize(size, RED, GREEN, BLUE, scratch)
        for i in range(size):
            across, along = scratch[U + i], scratch[V + i]
            scratch[GLOSS + i] = strand_noise(across * f32(3.1) + along * f32(2.3), strands)
            scratch[FINE + i] = strand_noise(across * f32(19.0) + along * f32(5.0), strands) * detail
            samples.part[order[begin + i]] = _HAIR
        for i in range(size):
            nx, ny, nz = scratch[NX + i], scratch[NY + i], scratch[NZ + i]
            toward = f32(1.0) if lit(nx, ny, nz, lighting.light[VIEW]) > f32(0.0) else -f32(1.0)
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


@kernel
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
            samples.part[sample] = _LEFT_EYE if scratch[ZONE + i] > f32(0.0) else _RIGHT_EYE
        scatter(samples, order, begin, size, scratch)


@kernel
def scatter(samples, order, begin, count, scratch):
    """Write the rows RED .. BLUE to the samples' colours."""
    for i in range(count):
        sample = order[begin + i]
        samples.color[sample, 0] = scratch[RED + i]
        samples.color[sample, 1] = scratch[GREEN + i]
        samples.color[sample, 2] = scratch[BLUE + i]
