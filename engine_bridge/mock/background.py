"""What lies behind the head: one colour, or clutter drawn from the scene's seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine_bridge.scene import Scene

Floats = npt.NDArray[np.float32]

NUM_BLOBS = 14
#: The stream of the scene's seed that clutter is drawn from; noise uses another.
CLUTTER_STREAM = 1


def linear_from_srgb(color: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Linear light of sRGB fractions."""
    srgb = np.asarray(color, np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def draw_background(scene: Scene, out: Floats) -> None:
    """Fill ``out`` (H, W, 3) with linear light."""
    out[:] = linear_from_srgb(scene.background_color).astype(np.float32)
    if scene.background_clutter > 0.0:
        _add_clutter(scene, out)


def _add_clutter(scene: Scene, out: Floats) -> None:
    """A gradient and soft-edged coloured ellipses and bars, mixed in by the scene's clutter."""
    side = len(out)
    random = np.random.Generator(np.random.Philox(key=(scene.seed, CLUTTER_STREAM)))
    across = ((np.arange(side, dtype=np.float32) + 0.5) / side)[None, :]
    down = across.T
    tilt, colors = random.uniform(-1.0, 1.0, 2), random.uniform(0.02, 0.75, (NUM_BLOBS + 1, 3)) ** 2
    share = np.float32(scene.background_clutter)
    slope = np.clip(0.5 + np.float32(tilt[0]) * (across - 0.5) + np.float32(tilt[1]) * (down - 0.5), 0.0, 1.0)
    _mix(out, share * np.float32(0.8) * slope, colors[0])
    for color in colors[1:]:
        x, y = random.uniform(-0.1, 1.1, 2)
        width, height = random.uniform(0.04, 0.45, 2)
        softness, turn = random.uniform(0.03, 0.5), random.uniform(0.0, np.pi)
        right, below = across - np.float32(x), down - np.float32(y)
        along = np.float32(np.cos(turn)) * right + np.float32(np.sin(turn)) * below
        beside = np.float32(np.cos(turn)) * below - np.float32(np.sin(turn)) * right
        distance = (along / np.float32(width)) ** 2 + (beside / np.float32(height)) ** 2
        _mix(out, share * np.clip((1.0 - distance) / np.float32(softness), 0.0, 1.0), color)


def _mix(out: Floats, share: npt.NDArray[np.floating], color: npt.NDArray[np.float64]) -> None:
    out += share[..., None].astype(np.float32) * (color.astype(np.float32) - out)
