"""From visibility to a list of shading samples, and from shaded samples to the picture and its mask.

A pixel inside a surface has one sample, an edge pixel one per distinct triangle that it sees, one after the other.

H W  picture      E  edge pixels      K  samples
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
from engine_bridge.mock.raster import SAMPLE_X, SAMPLE_Y
from engine_bridge.mock.surfaces import Surface

SKIN_LIST, EYE_LIST, HAIR_LIST = range(3)
_EYE, _HAIR = np.uint8(Surface.EYE), np.uint8(Surface.HAIR)
_NO_SURFACE, _BACKGROUND = np.uint8(255), np.uint8(0)
#: Distance to the lid of an eye's rim, where none is measured.
_LID_AT_EDGE = f32(0.3)

#: Linear brightness that the tone table ends at, and its length.
TONE_RANGE: Final = 1.5
TONE_STEPS: Final = 8192
_STEPS_PER_UNIT = f32((TONE_STEPS - 1) / TONE_RANGE)


@kernel
def list_samples(ids, first_edge, edge_ids, surface, lid_reach, samples):
    """Fill everything but ``color`` and ``part`` of ``samples``. Returns K.

    ``lid_reach`` is the width of the upper lid's shadow in pixels.
    """
    side = ids.shape[0]
    sample = 0
    for y in range(side):
        for x in range(side):
            edge = first_edge[y * side + x]
            t = ids[y, x]
            if first_edge[y * side + x + 1] > edge:
                for s in range(4):
                    share, repeated = 0, False
                    for other in range(4):
                        if edge_ids[edge, other] == edge_ids[edge, s]:
                            share += 1
                            repeated = repeated or other < s
                    if not repeated:
                        samples.tri[sample], samples.weight[sample] = edge_ids[edge, s], share
                        samples.place[sample, 0], samples.place[sample, 1] = f32(x) + SAMPLE_X[s], f32(y) + SAMPLE_Y[s]
                        samples.lid[sample] = _LID_AT_EDGE
                        sample += 1
            elif t >= 0:
                samples.tri[sample], samples.weight[sample] = t, 4
                samples.place[sample, 0], samples.place[sample, 1] = f32(x) + f32(0.5), f32(y) + f32(0.5)
                if surface[t] == _EYE:
                    samples.lid[sample] = lid_distance(x, y, ids, surface, lid_reach)
                sample += 1
    order_samples(sample, surface, samples.tri, samples.order, samples.counts)
    return sample


@kernel
def order_samples(num_samples, surface, tri, order, counts):
    """Append every sample to the list of its triangle's shader. The lists' ends are overwritten, not branched for."""
    num_skin, num_eye, num_hair = 0, 0, 0
    for sample in range(num_samples):
        t = tri[sample]
        kind = surface[t] if t >= 0 else _NO_SURFACE
        order[SKIN_LIST, num_skin] = order[EYE_LIST, num_eye] = order[HAIR_LIST, num_hair] = sample
        is_eye, is_hair = kind == _EYE, kind == _HAIR
        num_eye += is_eye
        num_hair += is_hair
        num_skin += not (is_eye or is_hair or t < 0)
    counts[SKIN_LIST], counts[EYE_LIST], counts[HAIR_LIST] = num_skin, num_eye, num_hair


@kernel
def lid_distance(x, y, ids, surface, reach):
    """How far above an eye pixel the upper lid begins: 0 right there, 1 at ``reach`` pixels or more."""
    for step in range(1, int(reach) + 1):
        if y < step:
            break
        t = ids[y - step, x]
        if t >= 0 and surface[t] != _EYE:
            return min(1.0, (step - 0.5) / reach)
    return 1.0


@lru_cache(maxsize=64)
def tone_table(exposure: float, gamma: float) -> npt.NDArray[np.uint8]:
    """uint8 sRGB of a linear brightness of 0 .. TONE_RANGE; brightness beyond 0.8 rolls off softly."""
    linear = np.linspace(0.0, TONE_RANGE, TONE_STEPS) * exposure
    rolled = np.where(linear < 0.8, linear, 0.8 + 0.2 * (1.0 - np.exp(-(linear - 0.8) / 0.2)))
    srgb = np.where(rolled < 0.0031308, 12.92 * rolled, 1.055 * np.maximum(rolled, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255.0 * np.clip(srgb, 0.0, 1.0) ** gamma), np.uint8)


@kernel
def develop(num_samples, samples, lash, lash_color, background, tone, picture, mask):
    """Average the samples of every pixel, lay the lashes over them and write uint8 sRGB and the majority part.

    Pixels without a sample are left as they are.
    """
    sample = 0
    while sample < num_samples:
        x, y = int(samples.place[sample, 0]), int(samples.place[sample, 1])
        red, green, blue, part, votes, missing = f32(0.0), f32(0.0), f32(0.0), _BACKGROUND, 0, 4
        while missing > 0:
            weight = int(samples.weight[sample])
            share = f32(weight) * f32(0.25)
            is_background = samples.tri[sample] < 0
            if is_background:
                red += share * background[y, x, 0]
                green += share * background[y, x, 1]
                blue += share * background[y, x, 2]
            else:
                red += share * samples.color[sample, 0]
                green += share * samples.color[sample, 1]
                blue += share * samples.color[sample, 2]
            if weight > votes:
                votes, part = weight, (_BACKGROUND if is_background else samples.part[sample])
            missing -= weight
            sample += 1
        cover = lash[y, x]
        picture[y, x, 0] = tone[tone_step(red + cover * (lash_color[0] - red))]
        picture[y, x, 1] = tone[tone_step(green + cover * (lash_color[1] - green))]
        picture[y, x, 2] = tone[tone_step(blue + cover * (lash_color[2] - blue))]
        mask[y, x] = part


@inlined
def tone_step(linear):
    """The entry of the tone table for a brightness."""
    return int(min(max(linear * _STEPS_PER_UNIT, f32(0.0)), f32(TONE_STEPS - 1)))


@kernel
def expose(linear, tone, picture):
    """Write ``picture`` uint8 sRGB of an array (H, W, 3) of linear light."""
    for y in range(linear.shape[0]):
        for x in range(linear.shape[1]):
            for channel in range(3):
                picture[y, x, channel] = tone[tone_step(linear[y, x, channel])]
