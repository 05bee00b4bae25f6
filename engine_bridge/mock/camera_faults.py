"""What happens to the finished picture: an occluder in front, a blurred lens, a noisy sensor."""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from numpy import float32 as f32

from engine_bridge.mock.compiler import kernel
from engine_bridge.parts import Part
from engine_bridge.scene import Occluder, Scene

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

#: The stream of the scene's seed that sensor noise is drawn from.
NOISE_STREAM: Final = 2
#: Noise takes one of this many values, each as likely as the next.
NOISE_LEVELS: Final = 4096


def add_occluder(occluder: Occluder, picture: Bytes, mask: Bytes) -> None:
    """Draw an opaque ellipse with an anti-aliased rim; what it hides is background in the mask."""
    side = len(mask)
    rows, columns = (_window(center, occluder, side) for center in (occluder.center_y, occluder.center_x))
    share = _ellipse_coverage(occluder, rows, columns, side)
    color = 255.0 * np.asarray(occluder.color, np.float32)
    hidden = picture[rows, columns]
    mixed = hidden + share[..., None] * (color - hidden)
    picture[rows, columns] = np.round(np.clip(mixed, 0.0, 255.0)).astype(np.uint8)
    mask[rows, columns][share > 0.5] = Part.BACKGROUND


def _window(center: float, occluder: Occluder, side: int) -> slice:
    """The rows or columns that the ellipse and its soft rim can touch."""
    reach = 0.5 * max(occluder.width, occluder.height) * side + 2.0
    first, last = math.floor(center * side - reach), math.ceil(center * side + reach)
    return slice(min(max(first, 0), side), min(max(last, 0), side))


def _ellipse_coverage(occluder: Occluder, rows: slice, columns: slice, side: int) -> Floats:
    place = (np.arange(side, dtype=np.float32) + 0.5) / side
    right = place[None, columns] - np.float32(occluder.center_x)
    below = place[rows, None] - np.float32(occluder.center_y)
    turn = math.radians(occluder.angle_deg)
    along = (right * math.cos(turn) + below * math.sin(turn)) / max(occluder.width / 2, 1e-6)
    beside = (below * math.cos(turn) - right * math.sin(turn)) / max(occluder.height / 2, 1e-6)
    radius = np.sqrt(along**2 + beside**2)
    pixel = 2.0 / (side * max(min(occluder.width, occluder.height), 1e-6))
    return np.clip((1.0 - radius) / pixel + 0.5, 0.0, 1.0).astype(np.float32)


def add_blur_and_noise(scene: Scene, picture: Bytes) -> None:
    """Blur with a Gaussian lens, then add Gaussian sensor noise, in place."""
    values = picture.astype(np.float32)
    if scene.blur_sigma > 0.0:
        values = _blur(values, scene.blur_sigma * len(picture))
    levels = (np.float32(255.0 * scene.noise_sigma) * _normal_levels()).astype(np.float32)
    finish(values.ravel(), _random_indices(scene, picture.size), levels, picture.reshape(-1))


def _blur(values: Floats, sigma_px: float) -> Floats:
    """Gaussian of 3 sigma's reach with mirrored borders."""
    size = 2 * min(math.ceil(3.0 * sigma_px), len(values) - 1) + 1
    blurred = cv2.GaussianBlur(values, (size, size), max(sigma_px, 1e-3), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.float32)


def _random_indices(scene: Scene, count: int) -> npt.NDArray[np.uint16]:
    """Random 16-bit numbers, four out of every word of the generator."""
    words = np.random.Philox(key=(scene.seed, NOISE_STREAM)).random_raw(-(-count // 4))
    return np.asarray(words, "<u8").view("<u2")[:count]


@lru_cache(maxsize=1)
def _normal_levels() -> npt.NDArray[np.float64]:
    """NOISE_LEVELS values of the standard normal distribution: the middle of each of its equal shares."""
    return np.array([NormalDist().inv_cdf((level + 0.5) / NOISE_LEVELS) for level in range(NOISE_LEVELS)])


@kernel
def finish(values, indices, levels, picture):
    """Write ``picture`` uint8: values (K,) plus a level of noise each, rounded."""
    for k in range(values.shape[0]):
        noisy = values[k] + levels[indices[k] & (NOISE_LEVELS - 1)]
        picture[k] = np.uint8(min(max(noisy, f32(0.0)), f32(255.0)) + f32(0.5))
