"""What can be wrong with a photo, done to an aligned photo on purpose.

H side of a picture, uint8 sRGB (H, H, 3). Sizes are fractions of the side, so a disturbance is the same at any
resolution. What is random is drawn from the generator that is given, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Picture

Apply = Callable[[Picture, np.random.Generator], Picture]
Landmarks = npt.NDArray[np.floating[Any]]

#: Wen et al.: a black rectangle of 60 x 40 pixels in an aligned photo of 256.
BLOCK: Final = (60 / 256, 40 / 256)
_EYES, _NOSE, _MOUTH = slice(36, 48), slice(30, 36), slice(48, 68)


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """``family``: occlusion, noise, illumination, color, blur, pose or style."""

    name: str
    family: str
    apply: Apply


def occlude(picture: Picture, _: np.random.Generator, *, center: tuple[float, float]) -> Picture:
    """A black block of :data:`BLOCK` about ``center`` (x, y), moved inside where it would stick out."""
    side = picture.shape[0]
    width, height = (round(extent * side) for extent in BLOCK)
    left = min(max(round(center[0] * side - width / 2), 0), side - width)
    top = min(max(round(center[1] * side - height / 2), 0), side - height)
    occluded = picture.copy()
    occluded[top : top + height, left : left + width] = 0
    return occluded


def add_noise(picture: Picture, random: np.random.Generator, *, sigma: float) -> Picture:
    """Gaussian, of ``sigma`` in fractions of white, in each color of each pixel."""
    return _to_bytes(picture + random.normal(0.0, 255.0 * sigma, picture.shape))


def add_specks(picture: Picture, random: np.random.Generator, *, share: float) -> Picture:
    """Salt and pepper: so many of the pixels white or black, half each."""
    drawn = random.random(picture.shape[:2])
    speckled = picture.copy()
    speckled[drawn < share / 2] = 0
    speckled[drawn > 1.0 - share / 2] = 255
    return speckled


def change_gamma(picture: Picture, _: np.random.Generator, *, gamma: float) -> Picture:
    """Above 1 darker, below brighter; black and white stay."""
    return _to_bytes(255.0 * (picture / 255.0) ** gamma)


def light_from_side(picture: Picture, _: np.random.Generator, *, darkest: float) -> Picture:
    """Full light at the left edge, falling to ``darkest`` of it at the right one."""
    return _to_bytes(picture * np.linspace(1.0, darkest, picture.shape[1])[:, None])


def tint(picture: Picture, _: np.random.Generator, *, gains: tuple[float, float, float]) -> Picture:
    """Another white balance: red, green and blue times so much."""
    return _to_bytes(picture * np.asarray(gains))


def drain(picture: Picture, _: np.random.Generator) -> Picture:
    """Gray."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def blur(picture: Picture, _: np.random.Generator, *, sigma: float) -> Picture:
    """Out of focus, Gaussian."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma * picture.shape[0]), np.uint8)


def smear(picture: Picture, _: np.random.Generator, *, length: float) -> Picture:
    """Moved while the shutter was open, to the side."""
    length_px = max(2, round(length * picture.shape[1]))
    kernel = np.full((1, length_px), 1.0 / length_px)
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def shrink(picture: Picture, _: np.random.Generator, *, side_px: int) -> Picture:
    """Seen at ``side_px`` only, and enlarged again; pictures that are no larger stay."""
    side = picture.shape[0]
    if side <= side_px:
        return picture.copy()
    small = cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def turn_flat(picture: Picture, _: np.random.Generator, *, degrees: float) -> Picture:
    """The picture as a sheet turned about its vertical middle line, seen from two sides' lengths away.

    A head that turns shows its profile, a sheet does not: this is the part of a pose that a flat picture can have.
    """
    side = float(picture.shape[0])
    angle = np.radians(degrees)
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    depth = 2.0 + corners[:, 0] * np.sin(angle)
    seen = np.column_stack([corners[:, 0] * np.cos(angle), corners[:, 1]]) * 2.0 / depth[:, None]
    matrix = cv2.getPerspectiveTransform(
        ((corners + 0.5) * side).astype(np.float32), ((seen + 0.5) * side).astype(np.float32)
    )
    return _warp(picture, np.asarray(matrix, np.float64))


def misalign(picture: Picture, _: np.random.Generator, *, degrees: float, shift: float) -> Picture:
    """Tilted about the middle and moved to the right, as when landmarks are missed."""
    side = picture.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2 - 0.5, side / 2 - 0.5), degrees, 1.0)
    matrix[0, 2] += shift * side
    return _warp(picture, np.vstack([matrix, (0.0, 0.0, 1.0)]))


def paint(picture: Picture, _: np.random.Generator) -> Picture:
    """Edge-preserving strokes (cv2.stylization)."""
    return np.asarray(cv2.stylization(picture, sigma_s=60, sigma_r=0.45), np.uint8)


def sketch(picture: Picture, _: np.random.Generator) -> Picture:
    """A colored pencil drawing (cv2.pencilSketch)."""
    _gray, colored = cv2.pencilSketch(picture, sigma_s=60, sigma_r=0.07, shade_factor=0.05)
    return np.asarray(colored, np.uint8)


def posterize(picture: Picture, _: np.random.Generator, *, levels: int) -> Picture:
    """So many levels in each color, evenly spaced from black to white."""
    return _to_bytes(np.round(picture / 255.0 * (levels - 1)) * 255.0 / (levels - 1))


def age_to_sepia(picture: Picture, _: np.random.Generator) -> Picture:
    """The brown of old prints."""
    matrix = np.array([(0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131)])
    return _to_bytes(picture @ matrix.T)


def all_disturbances(template: Landmarks) -> tuple[Disturbance, ...]:
    """What Wen et al. (Table 6) and the GDC slides disturb, for aligned photos whose face lies at ``template`` (68, 2).

    The block of Wen et al. lies on the eyes, the nose and the mouth.
    """
    upper, middle, lower = (_middle_of(template[part]) for part in (_EYES, _NOSE, _MOUTH))
    table: dict[str, dict[str, Apply]] = {
        "occlusion": {
            "upper face covered": partial(occlude, center=upper),
            "middle face covered": partial(occlude, center=middle),
            "lower face covered": partial(occlude, center=lower),
        },
        "noise": {"noise": partial(add_noise, sigma=0.1), "specks": partial(add_specks, share=0.04)},
        "illumination": {
            "dark": partial(change_gamma, gamma=2.0),
            "bright": partial(change_gamma, gamma=0.5),
            "light from the side": partial(light_from_side, darkest=0.2),
        },
        "color": {
            "warm light": partial(tint, gains=(1.2, 1.0, 0.7)),
            "cold light": partial(tint, gains=(0.75, 1.0, 1.2)),
            "gray": drain,
        },
        "blur": {
            "out of focus": partial(blur, sigma=0.015),
            "moved": partial(smear, length=0.06),
            "32 pixels": partial(shrink, side_px=32),
        },
        "pose": {
            "turned as a sheet": partial(turn_flat, degrees=35.0),
            "misaligned": partial(misalign, degrees=6.0, shift=0.03),
        },
        "style": {
            "painted": paint,
            "sketched": sketch,
            "posterized": partial(posterize, levels=4),
            "sepia": age_to_sepia,
        },
    }
    return tuple(
        Disturbance(name=name, family=family, apply=apply)
        for family, members in table.items()
        for name, apply in members.items()
    )


def _middle_of(points: Landmarks) -> tuple[float, float]:
    x, y = points.mean(0)
    return float(x), float(y)


def _warp(picture: Picture, matrix: npt.NDArray[np.float64]) -> Picture:
    size = picture.shape[1], picture.shape[0]
    return np.asarray(
        cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _to_bytes(picture: npt.NDArray[np.float64]) -> Picture:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)
