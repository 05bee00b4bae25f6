"""From visibility to lists of shading samples, and from the shaded samples of edge pixels to the picture and its mask.

A pixel inside a surface has one sample, an edge pixel one per distinct triangle that it sees.

H W  picture      E  edge pixels
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy import float32 as f32

from engine_bridge.mock.compiler import inlined, kernel
from engine_bridge.mock.keys import triangle_of
from engine_bridge.mock.raster import SAMPLE_X, SAMPLE_Y
from engine_bridge.mock.surfaces import Shader, Surface

_EYE_SHADER, _EYE = np.uint8(Shader.EYE), np.uint8(Surface.EYE)
_BACKGROUND = np.uint8(0)
_HALF, _QUARTER = f32(0.5), f32(0.25)
#: Distance to the lid of an eye's rim, where none is measured.
_LID_AT_EDGE = f32(0.3)

#: Linear brightness that the tone table ends at, and its length.
TONE_RANGE: Final = 1.5
TONE_STEPS: Final = 8192
_STEPS_PER_UNIT = f32((TONE_STEPS - 1) / TONE_RANGE)


@kernel
def list_samples(keys, is_edge, mesh, lid_reach, samples):
    """List the pixels inside a surface. ``lid_reach`` is the width of the upper lid's shadow in pixels."""
    side = is_edge.shape[0]
    samples.counts[:] = 0
    for y in range(side):
        for x in range(side):
            t = triangle_of(keys[y, x])
            if t < 0 or is_edge[y, x]:
                continue
            shader = mesh.shader[t]
            if shader == _EYE_SHADER:
                samples.lid[samples.counts[shader]] = lid_distance(x, y, keys, mesh.surface, lid_reach)
            append(samples, shader, t, f32(x) + _HALF, f32(y) + _HALF, y * side + x, True)


@kernel
def list_edge_samples(keys, num_edges, edges, edge_keys, mesh, lid_reach, background, samples, colors):
    """List the distinct triangles of the edge pixels, weigh them, and fill in the background."""
    side = background.shape[0]
    samples.counts[:] = 0
    for edge in range(num_edges):
        y, x = edges.places[edge] // side, edges.places[edge] % side
        for s in range(4):
            t, row, weight = triangle_of(edge_keys[edge, s]), 4 * edge + s, common_weight(edge_keys, edge, s)
            colors.weight[row], colors.part[row] = weight, _BACKGROUND
            if t < 0 and weight > 0:
                for channel in range(3):
                    colors.color[row, channel] = background[y, x, channel]
            alone, shader = weight == 4, mesh.shader[max(t, 0)]
            right, down = _HALF if alone else SAMPLE_X[s], _HALF if alone else SAMPLE_Y[s]
            if shader == _EYE_SHADER:
                lid = lid_distance(x, y, keys, mesh.surface, lid_reach) if alone else _LID_AT_EDGE
                samples.lid[samples.counts[shader]] = lid
            append(samples, shader, t, f32(x) + right, f32(y) + down, row, (t >= 0) & (weight > 0))


@kernel
def common_weight(edge_keys, edge, s):
    """How many of a pixel's four samples see what sample ``s`` sees; 0 if an earlier one sees it, too."""
    weight, repeated, t = 0, False, triangle_of(edge_keys[edge, s])
    for other in range(4):
        same = triangle_of(edge_keys[edge, other]) == t
        weight += same
        repeated |= same & (other < s)
    return 0 if repeated else weight


@inlined
def append(samples, shader, t, x, y, target, counts):
    """Write a sample to the end of its shader's list. One that does not count is overwritten: cheaper than a branch."""
    place = samples.counts[shader]
    samples.tri[shader, place], samples.target[shader, place] = t, target
    samples.x[shader, place], samples.y[shader, place] = x, y
    samples.counts[shader] = place + counts


@kernel
def lid_distance(x, y, keys, surface, reach):
    """How far above an eye pixel the upper lid begins: 0 right there, 1 at ``reach`` pixels or more."""
    for step in range(1, int(reach) + 1):
        if y < step:
            break
        t = triangle_of(keys[y - step, x])
        if t >= 0 and surface[t] != _EYE:
            return f32(min(1.0, (step - 0.5) / reach))
    return f32(1.0)


@lru_cache(maxsize=64)
def tone_table(exposure: float, gamma: float) -> npt.NDArray[np.uint8]:
    """uint8 sRGB of a linear brightness of 0 .. TONE_RANGE; brightness beyond 0.8 rolls off softly."""
    linear = np.linspace(0.0, TONE_RANGE, TONE_STEPS) * exposure
    rolled = np.where(linear < 0.8, linear, 0.8 + 0.2 * (1.0 - np.exp(-(linear - 0.8) / 0.2)))
    srgb = np.where(rolled < 0.0031308, 12.92 * rolled, 1.055 * np.maximum(rolled, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255.0 * np.clip(srgb, 0.0, 1.0) ** gamma), np.uint8)


@kernel
def develop_edges(num_edges, places, colors, lashes, lash_color, paper):
    """Average the samples of every edge pixel, lay the lashes over them and write uint8 sRGB and the majority part."""
    for edge in range(num_edges):
        place = places[edge]
        red, green, blue, part, votes = f32(0.0), f32(0.0), f32(0.0), _BACKGROUND, 0
        for row in range(4 * edge, 4 * edge + 4):
            weight = colors.weight[row]
            share = f32(weight) * _QUARTER
            red += share * colors.color[row, 0]
            green += share * colors.color[row, 1]
            blue += share * colors.color[row, 2]
            if weight > votes:
                votes, part = weight, colors.part[row]
        cover = lashes[place]
        paper.picture[place, 0] = paper.tone[tone_step(red + cover * (lash_color[0] - red))]
        paper.picture[place, 1] = paper.tone[tone_step(green + cover * (lash_color[1] - green))]
        paper.picture[place, 2] = paper.tone[tone_step(blue + cover * (lash_color[2] - blue))]
        paper.mask[place] = part


@inlined
def tone_step(linear):
    """The entry of the tone table for a brightness."""
    return np.uint32(np.int32(min(max(linear * _STEPS_PER_UNIT, f32(0.0)), f32(TONE_STEPS - 1))))


@kernel
def expose(linear, tone, picture):
    """Write ``picture`` uint8 sRGB of an array (H, W, 3) of linear light."""
    for y in range(linear.shape[0]):
        for x in range(linear.shape[1]):
            for channel in range(3):
                picture[y, x, channel] = tone[tone_step(linear[y, x, channel])]
