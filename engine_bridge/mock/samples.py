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
from numba import njit

from engine_bridge.mock.raster import SAMPLE_X, SAMPLE_Y

SKIN_LIST, EYE_LIST, HAIR_LIST = range(3)
_EYE, _HAIR, _BACKGROUND = 1, 5, 0

#: Linear brightness that the tone table ends at, and its length.
TONE_RANGE: Final = 1.5
TONE_STEPS: Final = 8192


@njit(cache=True, error_model="numpy")
def list_samples(ids, first_edge, edge_ids, surface, lid_reach, samples):
    """Fill everything but ``color`` and ``part`` of ``samples``. Returns K.

    ``lid_reach`` is the width of the upper lid's shadow in pixels.
    """
    side = ids.shape[0]
    sample = 0
    samples.counts[:] = 0
    for y in range(side):
        for x in range(side):
            edge = first_edge[y * side + x]
            if first_edge[y * side + x + 1] > edge:
                for s in range(4):
                    share, repeated = 0, False
                    for other in range(4):
                        if edge_ids[edge, other] == edge_ids[edge, s]:
                            share += 1
                            repeated = repeated or other < s
                    if not repeated:
                        x_here, y_here = x + SAMPLE_X[s], y + SAMPLE_Y[s]
                        enlist(samples, sample, edge_ids[edge, s], x_here, y_here, share, 0.3, surface)
                        sample += 1
            elif ids[y, x] >= 0:
                t, lid = ids[y, x], 1.0
                if surface[t] == _EYE:
                    lid = lid_distance(x, y, ids, surface, lid_reach)
                enlist(samples, sample, t, x + 0.5, y + 0.5, 4, lid, surface)
                sample += 1
    return sample


@njit(cache=True, error_model="numpy")
def enlist(samples, sample, t, x, y, weight, lid, surface):
    """Write one sample and append it to the list of its triangle's shader."""
    samples.tri[sample], samples.weight[sample], samples.lid[sample] = t, weight, lid
    samples.place[sample, 0], samples.place[sample, 1] = x, y
    if t >= 0:
        kind = surface[t]
        shader = HAIR_LIST if kind == _HAIR else (EYE_LIST if kind == _EYE else SKIN_LIST)
        samples.order[shader, samples.counts[shader]] = sample
        samples.counts[shader] += 1


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def develop(num_samples, samples, lash, lash_color, background, tone, picture, mask):
    """Average the samples of every pixel, lay the lashes over them and write uint8 sRGB and the majority part.

    Pixels without a sample are left as they are.
    """
    scale = (TONE_STEPS - 1) / TONE_RANGE
    sample = 0
    while sample < num_samples:
        x, y = int(samples.place[sample, 0]), int(samples.place[sample, 1])
        red, green, blue, here, votes, missing = 0.0, 0.0, 0.0, _BACKGROUND, 0, 4
        while missing > 0:
            share = samples.weight[sample] * 0.25
            is_background = samples.tri[sample] < 0
            if is_background:
                red += share * background[y, x, 0]
                green += share * background[y, x, 1]
                blue += share * background[y, x, 2]
            else:
                red += share * samples.color[sample, 0]
                green += share * samples.color[sample, 1]
                blue += share * samples.color[sample, 2]
            if samples.weight[sample] > votes:
                votes = samples.weight[sample]
                here = _BACKGROUND if is_background else samples.part[sample]
            missing -= samples.weight[sample]
            sample += 1
        cover = lash[y, x]
        red += cover * (lash_color[0] - red)
        green += cover * (lash_color[1] - green)
        blue += cover * (lash_color[2] - blue)
        picture[y, x, 0] = tone[int(min(max(red * scale, 0.0), TONE_STEPS - 1.0))]
        picture[y, x, 1] = tone[int(min(max(green * scale, 0.0), TONE_STEPS - 1.0))]
        picture[y, x, 2] = tone[int(min(max(blue * scale, 0.0), TONE_STEPS - 1.0))]
        mask[y, x] = here


def expose(linear: npt.NDArray[np.float32], tone: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """uint8 sRGB of an array of linear light."""
    steps = np.clip(linear * np.float32((TONE_STEPS - 1) / TONE_RANGE), 0.0, TONE_STEPS - 1.0)
    return np.asarray(tone[steps.astype(np.int32)])
