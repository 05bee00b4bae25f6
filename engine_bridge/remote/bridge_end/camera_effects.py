"""What the bridge does to a remote engine's frame so that it looks like a photo.

The engine draws head, pose, light and a plain background; clutter behind the head, exposure, occluder, blur and noise
happen here, in the order and with the meaning that they have in the mock engine, drawn from the scene's seed alone.

H W  picture
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Mask, Picture
from engine_bridge.mock.background import draw_background, linear_from_srgb
from engine_bridge.mock.camera_faults import add_blur_and_noise, add_occluder
from engine_bridge.mock.samples import TONE_RANGE, tone_table
from engine_bridge.parts import Part
from engine_bridge.scene import Scene

Floats = npt.NDArray[np.float32]

#: Levels by which a pixel of the plain background may differ from the scene's background colour.
PLAIN_TOLERANCE: Final = 3
#: With less than this share of such pixels in the background, the engine is taken to draw another background.
PLAIN_SHARE: Final = 0.05
#: Standard deviation of the soft edge between the head and the clutter behind it, in pixels.
EDGE_SIGMA_PX: Final = 0.6


def photograph(picture: Picture, mask: Mask, scene: Scene) -> tuple[Picture, Mask]:
    """The frame as the scene's camera would have taken it.

    ``picture`` (H, W, 3) uint8 sRGB and ``mask`` (H, W) are left alone. Only the scene's BRIDGE_SCENE_FIELDS are
    applied, and a scene without any returns the very arrays it was given.
    """
    if scene.background_clutter > 0.0:
        picture = _expose(_clutter_behind(picture, mask, scene), scene)
    elif scene.exposure != 1.0 or scene.gamma != 1.0:
        picture = np.asarray(cv2.LUT(picture, _exposure_levels(scene.exposure, scene.gamma)))
    if scene.occluder is not None:
        picture, mask = picture.copy(), mask.copy()
        add_occluder(scene.occluder, picture, mask)
    if scene.blur_sigma > 0.0 or scene.noise_sigma > 0.0:
        picture = picture.copy()
        add_blur_and_noise(scene, picture)
    return picture, mask


def _clutter_behind(picture: Picture, mask: Mask, scene: Scene) -> Floats:
    """The picture in linear light with the plain background exchanged for clutter.

    An edge pixel keeps what it shows of the head: only the background's share of it changes.
    """
    clutter = np.empty(picture.shape, np.float32)
    draw_background(scene, clutter)
    plain = linear_from_srgb(scene.background_color).astype(np.float32)
    share = _background_share(picture, mask, scene)[..., None]
    shown = np.asarray(cv2.LUT(picture, _linear_levels()), np.float32)
    return np.asarray(np.maximum(shown + share * (clutter - plain), 0.0), np.float32)


def _background_share(picture: Picture, mask: Mask, scene: Scene) -> Floats:
    """How much of each pixel (H, W) is plain background, in [0, 1]. Clothes are background in the mask, but stay."""
    behind = mask == Part.BACKGROUND
    color = np.round(255.0 * np.asarray(scene.background_color))
    low, high = color - PLAIN_TOLERANCE, color + PLAIN_TOLERANCE
    plain = behind & (cv2.inRange(picture, tuple(low.tolist()), tuple(high.tolist())) > 0)
    if plain.sum() < PLAIN_SHARE * behind.sum():
        plain = behind
    return np.asarray(cv2.GaussianBlur(plain.astype(np.float32), (5, 5), EDGE_SIGMA_PX), np.float32)


def _expose(linear: Floats, scene: Scene) -> Picture:
    """Linear light (H, W, 3) -> uint8 sRGB."""
    tone = tone_table(scene.exposure, scene.gamma)
    steps = np.minimum(linear * np.float32((len(tone) - 1) / TONE_RANGE), np.float32(len(tone) - 1))
    return np.asarray(tone[steps.astype(np.int32)], np.uint8)


@lru_cache(maxsize=64)
def _exposure_levels(exposure: float, gamma: float) -> npt.NDArray[np.uint8]:
    """What becomes of each of the 256 levels."""
    tone = tone_table(exposure, gamma)
    steps = np.round(_linear_levels() * np.float32((len(tone) - 1) / TONE_RANGE)).astype(np.int32)
    return tone[np.minimum(steps, len(tone) - 1)]


@lru_cache(maxsize=1)
def _linear_levels() -> Floats:
    """Linear light of each of the 256 levels: the inverse of the tone table at neutral exposure."""
    neutral = tone_table(1.0, 1.0).astype(np.int32)
    first, last = np.searchsorted(neutral, np.arange(256), "left"), np.searchsorted(neutral, np.arange(256), "right")
    return np.asarray((first + last - 1) / 2.0 * (TONE_RANGE / (len(neutral) - 1)), np.float32)
