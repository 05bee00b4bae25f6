"""What lies behind the head: one colour, or clutter drawn from the scene's seed."""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy import float32 as f32

from engine_bridge.mock.compiler import kernel
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
    random = np.random.Generator(np.random.Philox(key=(scene.seed, CLUTTER_STREAM)))
    tilt, colors = random.uniform(-1.0, 1.0, 2), random.uniform(0.02, 0.75, (NUM_BLOBS + 1, 3)) ** 2
    blobs = np.array([_blob(random) for _ in range(NUM_BLOBS)], np.float32)
    share, lines = np.float32(scene.background_clutter), np.zeros((5, len(out)), np.float32)
    mix_clutter(share, tilt.astype(np.float32), blobs, colors.astype(np.float32), lines, out)


def _blob(random: np.random.Generator) -> list[float]:
    """Centre, cosine and sine of the turn, one over both half axes, one over the softness."""
    x, y = random.uniform(-0.1, 1.1, 2)
    width, height = random.uniform(0.04, 0.45, 2)
    softness, turn = random.uniform(0.03, 0.5), random.uniform(0.0, np.pi)
    return [x, y, np.cos(turn), np.sin(turn), 1.0 / width, 1.0 / height, 1.0 / softness]


@kernel
def mix_clutter(share, tilt, blobs, colors, lines, out):
    """Lay the gradient (colour 0) and the blobs (the others) over ``out`` (H, W, 3).

    ``lines`` (5, W) is scratch: red, green, blue, places and shares of one row, each side by side in memory, so that
    many pixels are mixed at once.
    """
    side = out.shape[0]
    red, green, blue, place, cover = lines[0], lines[1], lines[2], lines[3], lines[4]
    for x in range(side):
        place[x] = (f32(x) + f32(0.5)) / f32(side)
    for y in range(side):
        for x in range(side):
            red[x], green[x], blue[x] = out[y, x, 0], out[y, x, 1], out[y, x, 2]
        cover_slope(place, place[y], tilt, share * f32(0.8), cover)
        for layer in range(colors.shape[0]):
            if layer > 0:
                cover_blob(place, place[y], blobs, layer - 1, share, cover)
            mix(red, cover, colors[layer, 0])
            mix(green, cover, colors[layer, 1])
            mix(blue, cover, colors[layer, 2])
        for x in range(side):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = red[x], green[x], blue[x]


@kernel
def cover_slope(place, y, tilt, share, cover):
    """The gradient's share of each pixel of a row."""
    start, along = f32(0.5) + tilt[1] * (y - f32(0.5)), tilt[0]
    for x in range(place.shape[0]):
        slope = start + along * (place[x] - f32(0.5))
        cover[x] = share * min(max(slope, f32(0.0)), f32(1.0))


@kernel
def cover_blob(place, y, blobs, blob, share, cover):
    """A soft ellipse's share of each pixel of a row."""
    center_x, below, cos, sin = blobs[blob, 0], y - blobs[blob, 1], blobs[blob, 2], blobs[blob, 3]
    per_width, per_height, per_softness = blobs[blob, 4], blobs[blob, 5], blobs[blob, 6]
    for x in range(place.shape[0]):
        right = place[x] - center_x
        along, beside = (cos * right + sin * below) * per_width, (cos * below - sin * right) * per_height
        inside = (f32(1.0) - along * along - beside * beside) * per_softness
        cover[x] = share * min(max(inside, f32(0.0)), f32(1.0))


@kernel
def mix(line, cover, color):
    """Mix a colour into one channel of a row."""
    for x in range(line.shape[0]):
        line[x] += cover[x] * (color - line[x])
