"""Runs the shading functions over lists of samples, block by block.

A block's intermediate values lie in flat arrays, row after row of BLOCK numbers, so that the compiler can prove that
rows do not overlap and computes many samples at once; what has to be looked up is fetched in loops of its own.

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
from engine_bridge.mock.compiler import inlined, kernel
from engine_bridge.mock.kernels import Scratch
from engine_bridge.mock.samples import tone_step
from engine_bridge.mock.shading import CLOTH, SKIN_TONE, VIEW, lit, shade_eye, shade_hair, shade_skin, strand_noise
from engine_bridge.mock.surfaces import Shader, Surface

BLOCK: Final = 256
#: Rows of floats: the attributes in the order of their columns, then what is looked up.
NX, NY, NZ, U, V, OCCLUSION, RED, GREEN, BLUE, ZONE, GLOSS, FINE = (row * BLOCK for row in range(12))
#: Rows of packed texels: the one at the sample and its neighbours, and the second half of the first.
HERE, BESIDE, UNDER, ACROSS, GLOSS_AND_PART = (row * BLOCK for row in range(5))

_FACE_LIST, _BODY_LIST, _EYE_LIST, _HAIR_LIST = (int(shader) for shader in Shader)
_ZERO, _HALF, _ONE = f32(0.0), f32(0.5), f32(1.0)
_SKIN = np.uint8(Surface.SKIN)
_MOUTH_GLOSS, _BARE_GLOSS = f32(0.8), f32(0.42)
_BACKGROUND, _FACE, _LEFT_EYE, _RIGHT_EYE, _INNER_MOUTH, _HAIR = (np.uint8(part) for part in (0, 1, 4, 5, 8, 10))
#: One over the width of the collar's soft edge, in units of the zone.
_COLLAR = f32(1.0 / 0.024)
_TEXEL, _FRACTION, _MOST = f32(np.sqrt(BRIGHTEST) / 255.0), f32(1.0 / 255.0), f32(127.5)


def empty_scratch() -> Scratch:
    """Buffers for one block."""
    return Scratch(
        rows=np.zeros(12 * BLOCK, np.float32), words=np.zeros(5 * BLOCK, np.uint32), part=np.zeros(BLOCK, np.uint8)
    )


@kernel
def shade(samples, mesh, materials, lighting, scratch, out):
    """Shade all lists of ``samples`` and hand the results to ``out``."""
    shade_face_samples(samples, mesh, materials.texels, lighting, scratch, out)
    shade_body_samples(samples, mesh, materials.skin, lighting, scratch, out)
    shade_eye_samples(samples, mesh, materials.eye_pixel, lighting, scratch, out)
    shade_hair_samples(samples, mesh, materials.strands, materials.streaks, lighting, scratch, out)


@kernel
def shade_face_samples(samples, mesh, texels, lighting, scratch, out):
    """Skin inside the texture; ``texels`` (S, S, 2) are its texels' bytes, four to a number."""
    count, rows = samples.counts[_FACE_LIST], scratch.rows
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, _FACE_LIST, begin, size, 6, mesh, rows)
        fetch_texels(size, texels, scratch)
        mix_texels(size, lighting.palette, scratch)
        shade_skin_rows(size, lighting, rows)
        write(samples, _FACE_LIST, begin, size, scratch, out)


@kernel
def shade_body_samples(samples, mesh, skin, lighting, scratch, out):
    """Neck, clothes, the face's rim and the inside of the mouth."""
    count, rows = samples.counts[_BODY_LIST], scratch.rows
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, _BODY_LIST, begin, size, 10, mesh, rows)
        look_up_skin(samples, begin, size, mesh, skin, lighting.palette, scratch)
        shade_skin_rows(size, lighting, rows)
        write(samples, _BODY_LIST, begin, size, scratch, out)


@inlined
def interpolate(samples, shader, begin, count, columns, mesh, rows):
    """Fill the first ``columns`` rows with the vertex attributes at some samples; normals become unit vectors."""
    plane, tris, attributes = mesh.plane, mesh.tris, mesh.attributes
    for i in range(count):
        t = samples.tri[shader, begin + i]
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x, y = samples.x[shader, begin + i] - plane[t, 0], samples.y[shader, begin + i] - plane[t, 1]
        w1 = min(_ONE, max(_ZERO, x * plane[t, 2] + y * plane[t, 3]))
        w2 = min(_ONE, max(_ZERO, x * plane[t, 4] + y * plane[t, 5]))
        w0 = _ONE - w1 - w2
        for k in range(columns):
            rows[k * BLOCK + i] = w0 * attributes[a, k] + w1 * attributes[b, k] + w2 * attributes[c, k]
    normalize(count, NX, NY, NZ, rows)


@kernel
def normalize(count, x_row, y_row, z_row, rows):
    """Make three rows unit vectors."""
    for i in range(count):
        x, y, z = rows[x_row + i], rows[y_row + i], rows[z_row + i]
        length = _ONE / np.sqrt(x * x + y * y + z * z + f32(1e-12))
        rows[x_row + i], rows[y_row + i], rows[z_row + i] = x * length, y * length, z * length


@kernel
def fetch_texels(count, texels, scratch):
    """Fill the rows of packed texels, and leave in U and V how far the samples lie from the first ones."""
    rows, words = scratch.rows, scratch.words
    for i in range(count):
        u, v = rows[U + i], rows[V + i]
        x, y = np.uint32(np.int32(u)), np.uint32(np.int32(v))
        rows[U + i], rows[V + i] = u - f32(np.int32(x)), v - f32(np.int32(y))
        right, down = np.uint32(x + np.uint32(1)), np.uint32(y + np.uint32(1))
        words[HERE + i], words[BESIDE + i] = texels[y, x, 0], texels[y, right, 0]
        words[UNDER + i], words[ACROSS + i] = texels[down, x, 0], texels[down, right, 0]
        words[GLOSS_AND_PART + i] = texels[y, x, 1]


@kernel
def mix_texels(count, palette, scratch):
    """Fill the rows RED .. BLUE with linear albedo, GLOSS, and the parts."""
    rows, words = scratch.rows, scratch.words
    for i in range(count):
        r = _TEXEL * mixed_channel(words, rows, i, 0)
        g = _TEXEL * mixed_channel(words, rows, i, 1)
        b = _TEXEL * mixed_channel(words, rows, i, 2)
        rows[RED + i] = r * r * palette[SKIN_TONE][0]
        rows[GREEN + i] = g * g * palette[SKIN_TONE][1]
        rows[BLUE + i] = b * b * palette[SKIN_TONE][2]
        rows[GLOSS + i] = _FRACTION * channel_of(words[GLOSS_AND_PART + i], 0)
        rows[ZONE + i] = mixed_channel(words, rows, i, 3)
    for i in range(count):
        candidate = np.uint8((words[GLOSS_AND_PART + i] >> np.uint32(8)) & np.uint32(255))
        scratch.part[i] = candidate if rows[ZONE + i] > _MOST else _FACE


@inlined
def mixed_channel(words, rows, i, channel):
    """One channel interpolated between a sample's four texels."""
    here, beside = channel_of(words[HERE + i], channel), channel_of(words[BESIDE + i], channel)
    under, across = channel_of(words[UNDER + i], channel), channel_of(words[ACROSS + i], channel)
    upper, lower = here + rows[U + i] * (beside - here), under + rows[U + i] * (across - under)
    return upper + rows[V + i] * (lower - upper)


@inlined
def channel_of(word, channel):
    """One byte of a packed texel."""
    return f32(np.int32((word >> np.uint32(8 * channel)) & np.uint32(255)))


@kernel
def look_up_skin(samples, begin, count, mesh, skin, palette, scratch):
    """Replace the rows RED .. BLUE by linear albedo, fill GLOSS, and decide the parts."""
    rows, last = scratch.rows, f32(skin.shape[0] - 1)
    for i in range(count):
        r, g, b = rows[RED + i], rows[GREEN + i], rows[BLUE + i]
        if mesh.surface[samples.tri[_BODY_LIST, begin + i]] != _SKIN:
            rows[RED + i], rows[GREEN + i], rows[BLUE + i] = r * r, g * g, b * b
            rows[GLOSS + i], scratch.part[i] = _MOUTH_GLOSS, _INNER_MOUTH
            continue
        u, v, zone, gloss = rows[U + i], rows[V + i], rows[ZONE + i], _BARE_GLOSS
        part = _FACE if zone > _HALF else _BACKGROUND
        if _ZERO <= u < last and _ZERO <= v < last:
            x, y = int(u), int(v)
            right, below = u - f32(x), v - f32(y)
            r = _TEXEL * texel(skin, x, y, 0, right, below)
            g = _TEXEL * texel(skin, x, y, 1, right, below)
            b = _TEXEL * texel(skin, x, y, 2, right, below)
            gloss = _FRACTION * f32(skin[y, x, 4])
            if part == _FACE and texel(skin, x, y, 3, right, below) > _MOST:
                part = skin[y, x, 5]
        scratch.part[i] = part
        bare = min(_ONE, max(_ZERO, (zone + _HALF) * _COLLAR + _HALF))  # 0 under the clothes
        rows[RED + i] = palette[CLOTH][0] + bare * (r * r * palette[SKIN_TONE][0] - palette[CLOTH][0])
        rows[GREEN + i] = palette[CLOTH][1] + bare * (g * g * palette[SKIN_TONE][1] - palette[CLOTH][1])
        rows[BLUE + i] = palette[CLOTH][2] + bare * (b * b * palette[SKIN_TONE][2] - palette[CLOTH][2])
        rows[GLOSS + i] = bare * gloss


@kernel
def texel(skin, x, y, channel, right, below):
    """One channel of the texture, interpolated between (x, y) and its neighbours to the right and below."""
    here, beside = f32(skin[y, x, channel]), f32(skin[y, x + 1, channel])
    under, across = f32(skin[y + 1, x, channel]), f32(skin[y + 1, x + 1, channel])
    upper, lower = here + right * (beside - here), under + right * (across - under)
    return upper + below * (lower - upper)


@kernel
def shade_skin_rows(count, lighting, rows):
    """Light on the albedo in RED .. BLUE."""
    for i in range(count):
        rows[RED + i], rows[GREEN + i], rows[BLUE + i] = shade_skin(
            rows[NX + i],
            rows[NY + i],
            rows[NZ + i],
            rows[RED + i],
            rows[GREEN + i],
            rows[BLUE + i],
            rows[GLOSS + i],
            rows[OCCLUSION + i],
            lighting.light,
        )


@kernel
def shade_hair_samples(samples, mesh, strands, detail, lighting, scratch, out):
    """Hair; ``strands`` is the noise table of strand_noise, ``detail`` in [0, 1] the strength of the finest streaks."""
    count, rows = samples.counts[_HAIR_LIST], scratch.rows
    scratch.part[:] = _HAIR
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, _HAIR_LIST, begin, size, 9, mesh, rows)
        normalize(size, RED, GREEN, BLUE, rows)
        for i in range(size):
            across, along = rows[U + i], rows[V + i]
            rows[GLOSS + i] = strand_noise(across * f32(3.1) + along * f32(2.3), strands)
            rows[FINE + i] = strand_noise(across * f32(19.0) + along * f32(5.0), strands) * detail
        for i in range(size):
            nx, ny, nz = rows[NX + i], rows[NY + i], rows[NZ + i]
            toward = _ONE if lit(nx, ny, nz, lighting.light[VIEW]) > _ZERO else -_ONE
            rows[RED + i], rows[GREEN + i], rows[BLUE + i] = shade_hair(
                nx * toward,
                ny * toward,
                nz * toward,
                rows[RED + i],
                rows[GREEN + i],
                rows[BLUE + i],
                rows[V + i],
                rows[GLOSS + i],
                rows[FINE + i],
                rows[OCCLUSION + i],
                lighting.light,
                lighting.palette,
            )
        write(samples, _HAIR_LIST, begin, size, scratch, out)


@kernel
def shade_eye_samples(samples, mesh, soft, lighting, scratch, out):
    """Eyeballs; ``soft`` is a pixel's size on the unit eyeball."""
    count, rows = samples.counts[_EYE_LIST], scratch.rows
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        interpolate(samples, _EYE_LIST, begin, size, 10, mesh, rows)
        normalize(size, RED, GREEN, BLUE, rows)
        for i in range(size):
            rows[RED + i], rows[GREEN + i], rows[BLUE + i] = shade_eye(
                rows[NX + i],
                rows[NY + i],
                rows[NZ + i],
                rows[RED + i],
                rows[GREEN + i],
                samples.lid[begin + i],
                soft,
                lighting.light,
                lighting.palette,
            )
            scratch.part[i] = _LEFT_EYE if rows[ZONE + i] > _ZERO else _RIGHT_EYE
        write(samples, _EYE_LIST, begin, size, scratch, out)


@kernel
def write(samples, shader, begin, count, scratch, out):
    """Hand the rows RED .. BLUE and the parts to the finished picture or to the samples of edge pixels."""
    rows, part = scratch.rows, scratch.part
    if out.finished:
        for i in range(count):
            target = samples.target[shader, begin + i]
            out.paper.picture[target, 0] = out.paper.tone[tone_step(rows[RED + i])]
            out.paper.picture[target, 1] = out.paper.tone[tone_step(rows[GREEN + i])]
            out.paper.picture[target, 2] = out.paper.tone[tone_step(rows[BLUE + i])]
            out.paper.mask[target] = part[i]
        return
    for i in range(count):
        target = samples.target[shader, begin + i]
        out.colors.color[target, 0] = rows[RED + i]
        out.colors.color[target, 1] = rows[GREEN + i]
        out.colors.color[target, 2] = rows[BLUE + i]
        out.colors.part[target] = part[i]
