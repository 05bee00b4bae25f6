"""Light on skin, hair, eyes and mouth. Every function shades one point; colours are linear.

Directions are in the head's space, where the face looks along +z. ``light`` (8, 3) and ``palette`` (6, 3) are laid out
below; ``n`` is the unit normal. Skin and hair fill the picture: f32 keeps their arithmetic in single precision, which
is twice as fast.
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import Final

import numpy as np
from numpy import float32 as f32

from engine_bridge.mock.compiler import inlined

KEY_DIRECTION, HALFWAY, VIEW, UP, FILL_DIRECTION, KEY_COLOR, AMBIENT_COLOR, BACKGROUND = range(8)
SKIN_TONE, HAIR_ROOT, HAIR_TIP, IRIS, CLOTH, LASH = range(6)

#: Radii of pupil and iris on the unit eyeball.
PUPIL_RADIUS: Final = 0.165
IRIS_RADIUS: Final = 0.42


@inlined
def lit(nx, ny, nz, direction):
    """Cosine between a unit vector and a direction."""
    return nx * direction[0] + ny * direction[1] + nz * direction[2]


@inlined
def shade_skin(nx, ny, nz, r, g, b, gloss, occlusion, light):
    """Albedo r, g, b under a key light that bleeds red around the terminator, sky, bounce and a faint rim."""
    key = lit(nx, ny, nz, light[KEY_DIRECTION])
    facing = max(f32(0.0), lit(nx, ny, nz, light[VIEW]))
    up = lit(nx, ny, nz, light[UP])
    fill = max(f32(0.0), lit(nx, ny, nz, light[FILL_DIRECTION]))
    open_r = occlusion + (f32(1.0) - occlusion) * occlusion * f32(0.35)
    open_b = occlusion * occlusion
    shadow = f32(0.25) + f32(0.75) * occlusion
    key_r = max(f32(0.0), (key + f32(0.38)) / f32(1.38)) * shadow
    key_g = max(f32(0.0), (key + f32(0.20)) / f32(1.20)) * shadow
    key_b = max(f32(0.0), (key + f32(0.14)) / f32(1.14)) * shadow
    half = max(f32(0.0), lit(nx, ny, nz, light[HALFWAY]))
    h4 = half * half * half * half
    h16 = h4 * h4 * h4 * h4
    rim = (f32(1.0) - facing) * (f32(1.0) - facing)
    shine = gloss * (f32(0.075) * h16 + f32(0.16) * h16 * h16 * h16) * shadow
    edge = f32(0.10) * rim * rim * occlusion
    ambient_r = light[AMBIENT_COLOR][0] * ((f32(0.36) + f32(0.10) * up + f32(0.16) * fill) * open_r)
    ambient_g = light[AMBIENT_COLOR][1] * ((f32(0.35) + f32(0.12) * up + f32(0.16) * fill) * occlusion)
    ambient_b = light[AMBIENT_COLOR][2] * ((f32(0.36) + f32(0.15) * up + f32(0.17) * fill) * open_b)
    return (
        r * (light[KEY_COLOR][0] * f32(0.86) * key_r * key_r + ambient_r)
        + shine * light[KEY_COLOR][0]
        + edge * light[AMBIENT_COLOR][0],
        g * (light[KEY_COLOR][1] * f32(0.86) * key_g * key_g + ambient_g)
        + shine * light[KEY_COLOR][1]
        + edge * light[AMBIENT_COLOR][1],
        b * (light[KEY_COLOR][2] * f32(0.86) * key_b * key_b + ambient_b)
        + shine * light[KEY_COLOR][2]
        + edge * light[AMBIENT_COLOR][2],
    )


#: Cells and steps per cell of the noise that tells strands apart.
STRAND_CELLS: Final = 256
STRAND_STEPS: Final = 8


def strand_table() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Smooth periodic noise in [-0.5, 0.5], STRAND_STEPS entries per cell, the same in every process."""
    random = np.random.Generator(np.random.Philox(key=(0x57AD, 0)))
    knots = random.random(STRAND_CELLS) - 0.5
    share = np.arange(STRAND_STEPS) / STRAND_STEPS
    share = share * share * (3.0 - 2.0 * share)
    table = knots[:, None] + share * (np.roll(knots, -1) - knots)[:, None]
    return table.ravel().astype(np.float32)


@inlined
def strand_noise(place, strands):
    """Noise of unit cell size at ``place``."""
    return strands[int(np.floor(place * f32(STRAND_STEPS))) & (STRAND_CELLS * STRAND_STEPS - 1)]


@inlined
def shade_hair(nx, ny, nz, tx, ty, tz, along, broad, fine, occlusion, light, palette):
    """Strands: streaks of brightness across, darker roots, and Kajiya and Kay's two highlights along.

    ``broad`` and ``fine`` are noise in [-0.5, 0.5] that differs from strand to strand.
    """
    key = lit(nx, ny, nz, light[KEY_DIRECTION])
    cos_key, cos_half = lit(tx, ty, tz, light[KEY_DIRECTION]), lit(tx, ty, tz, light[HALFWAY])
    bend = f32(0.10) * broad + f32(0.12) * fine
    sin_key = np.sqrt(max(f32(0.0), f32(1.0) - cos_key * cos_key))
    first, second = cos_half + bend - f32(0.06), cos_half + bend + f32(0.12)
    white = max(f32(0.0), f32(1.0) - first * first)
    tinted = max(f32(0.0), f32(1.0) - second * second)
    white, tinted = white * white * white * white, tinted * tinted * tinted * tinted
    white, tinted = white * white * white * white, tinted * tinted
    wrapped = max(f32(0.0), (key + f32(0.45)) / f32(1.45))
    shadow = f32(0.30) + f32(0.70) * occlusion
    glint = wrapped * shadow * (f32(1.0) + f32(0.9) * broad + f32(1.3) * fine)
    diffuse = (f32(0.30) + f32(0.70) * sin_key) * wrapped * shadow
    sky = (f32(0.42) + f32(0.16) * lit(nx, ny, nz, light[UP])) * occlusion
    streak = max(
        f32(0.2),
        (f32(1.0) + f32(0.38) * broad + f32(0.55) * fine) * (f32(0.80) + f32(0.20) * min(f32(1.0), f32(3.0) * along)),
    )
    tip = along * along
    red = (palette[HAIR_ROOT][0] + tip * (palette[HAIR_TIP][0] - palette[HAIR_ROOT][0])) * streak
    green = (palette[HAIR_ROOT][1] + tip * (palette[HAIR_TIP][1] - palette[HAIR_ROOT][1])) * streak
    blue = (palette[HAIR_ROOT][2] + tip * (palette[HAIR_TIP][2] - palette[HAIR_ROOT][2])) * streak
    return (
        light[KEY_COLOR][0] * (red * (f32(0.9) * diffuse + f32(0.9) * tinted * glint) + f32(0.05) * white * glint)
        + light[AMBIENT_COLOR][0] * red * sky,
        light[KEY_COLOR][1] * (green * (f32(0.9) * diffuse + f32(0.9) * tinted * glint) + f32(0.05) * white * glint)
        + light[AMBIENT_COLOR][1] * green * sky,
        light[KEY_COLOR][2] * (blue * (f32(0.9) * diffuse + f32(0.9) * tinted * glint) + f32(0.05) * white * glint)
        + light[AMBIENT_COLOR][2] * blue * sky,
    )


@inlined
def step_between(low, high, value):
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return share * share * (3.0 - 2.0 * share)


@inlined
def shade_eye(nx, ny, nz, x, y, lid, soft, light, palette):
    """Sclera, iris and pupil at (x, y) on the unit eyeball; ``soft`` is a pixel's size there.

    ``lid`` in [0, 1] is small right under the upper lid, which shadows the eye.
    """
    openness = 0.35 + 0.65 * lid
    radius = np.sqrt(x * x + y * y)
    angle = np.arctan2(y, x)
    fibers = 0.5 + 0.25 * np.sin(angle * 23.0 + 2.0 * np.sin(angle * 5.0)) + 0.25 * np.sin(angle * 41.0 + radius * 30.0)
    inner = step_between(PUPIL_RADIUS, PUPIL_RADIUS + 0.10, radius)
    limbus = 1.0 - 0.75 * step_between(IRIS_RADIUS - 0.10, IRIS_RADIUS, radius)
    glow = (0.55 + 0.55 * fibers) * (1.35 - 0.35 * inner) * limbus * (1.0 - 0.5 * y)
    in_iris = 1.0 - step_between(IRIS_RADIUS - 0.02 - soft, IRIS_RADIUS + 0.02 + soft, radius)
    in_pupil = 1.0 - step_between(PUPIL_RADIUS - 0.015 - soft, PUPIL_RADIUS + 0.015 + soft, radius)
    veins = 0.10 * step_between(0.55, 1.0, radius)
    key = max(0.0, (lit(nx, ny, nz, light[KEY_DIRECTION]) + 0.3) / 1.3)
    half = max(0.0, lit(nx, ny, nz, light[HALFWAY]))
    h8 = half**8
    shine = 0.10 * h8 * h8 * openness + 1.3 * step_between(0.9905 - 0.2 * soft, 0.9945, half) * openness
    shade = openness * (0.45 + 0.55 * nz)
    red = (0.68 - veins) * (1.0 - in_iris) + palette[IRIS][0] * glow * in_iris * (1.0 - in_pupil)
    green = (0.64 - 2.2 * veins) * (1.0 - in_iris) + palette[IRIS][1] * glow * in_iris * (1.0 - in_pupil)
    blue = (0.63 - 2.2 * veins) * (1.0 - in_iris) + palette[IRIS][2] * glow * in_iris * (1.0 - in_pupil)
    return (
        red * shade * (0.62 * key * light[KEY_COLOR][0] + 0.42 * light[AMBIENT_COLOR][0]) + shine * light[KEY_COLOR][0],
        green * shade * (0.62 * key * light[KEY_COLOR][1] + 0.42 * light[AMBIENT_COLOR][1])
        + shine * light[KEY_COLOR][1],
        blue * shade * (0.62 * key * light[KEY_COLOR][2] + 0.42 * light[AMBIENT_COLOR][2])
        + shine * light[KEY_COLOR][2],
    )
