"""What happens to the finished picture: an occluder in front, a blurred lens, a noisy sensor."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.parts import Part
from engine_bridge.scene import Occluder, Scene

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

#: The stream of the scene's seed that sensor noise is drawn from.
NOISE_STREAM: Final = 2


def add_occluder(occluder: Occluder, picture: Bytes, mask: Bytes) -> None:
    """Draw an opaque ellipse with an anti-aliased rim; what it hides is background in the mask."""
    side = len(mask)
    share = _ellipse_coverage(occluder, side)
    color = 255.0 * np.asarray(occluder.color, np.float32)
    mixed = picture + share[..., None] * (color - picture)
    picture[:] = np.round(np.clip(mixed, 0.0, 255.0)).astype(np.uint8)
    mask[share > 0.5] = Part.BACKGROUND


def _ellipse_coverage(occluder: Occluder, side: int) -> Floats:
    place = (np.arange(side, dtype=np.float32) + 0.5) / side
    right, below = place[None, :] - np.float32(occluder.center_x), place[:, None] - np.float32(occluder.center_y)
    turn = math.radians(occluder.angle_deg)
    along = (right * math.cos(turn) + below * math.sin(turn)) / max(occluder.width / 2, 1e-6)
    beside = (below * math.cos(turn) - right * math.sin(turn)) / max(occluder.height / 2, 1e-6)
    radius = np.sqrt(along**2 + beside**2)
    pixel = 2.0 / (side * max(min(occluder.width, occluder.height), 1e-6))
    return np.clip((1.0 - radius) / pixel + 0.5, 0.0, 1.0).astype(np.float32)


def add_blur_and_noise(scene: Scene, picture: Bytes) -> None:
    """Blur with a Gaussian lens, then add Gaussian sensor noise, in place."""
    side = len(picture)
    values = picture.astype(np.float32)
    if scene.blur_sigma > 0.0:
        values = _blur(values, scene.blur_sigma * side)
    if scene.noise_sigma > 0.0:
        random = np.random.Generator(np.random.Philox(key=(scene.seed, NOISE_STREAM)))
        noise = random.standard_normal(values.shape, np.float32)
        values += np.float32(255.0 * scene.noise_sigma) * noise
    picture[:] = np.round(np.clip(values, 0.0, 255.0)).astype(np.uint8)


def _blur(values: Floats, sigma_px: float) -> Floats:
    """Separable Gaussian with mirrored borders."""
    radius = min(math.ceil(3.0 * sigma_px), len(values) - 1)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(sigma_px, 1e-3)) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        padding = [(radius, radius) if each == axis else (0, 0) for each in range(3)]
        padded = np.pad(values, padding, mode="reflect")
        length = values.shape[axis]
        values = np.zeros_like(values)
        for offset, weight in enumerate(kernel):
            values += weight * np.take(padded, range(offset, offset + length), axis)
    return values
