"""Scenes: how the characters of a dataset are photographed.

The studio never changes. The photo-like domain stands in for photos of real people where none may be used: pose,
lens, light, complexion, background and camera faults vary as they do in snapshots, mostly frontal.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from engine_bridge.scene import STUDIO, Occluder, Rgb, Scene, Xyz
from f2p_datasets.randomness import generator

#: Factors on the skin's albedo, from the fairest to the darkest complexion.
SKIN_TINTS: Final = ((1.08, 1.06, 1.06), (1.0, 1.0, 1.0), (0.88, 0.82, 0.76), (0.68, 0.58, 0.50), (0.42, 0.33, 0.28))
#: Factors on the albedo of hair and brows: black, brown, the engine's own, red, fair, grey.
HAIR_TINTS: Final = (
    (0.35, 0.35, 0.38),
    (0.7, 0.65, 0.6),
    (1.0, 1.0, 1.0),
    (1.3, 0.95, 0.8),
    (1.8, 1.6, 1.3),
    (1.5, 1.6, 1.75),
)
#: Factors on the iris: dark brown, the engine's own, green, blue, grey.
IRIS_TINTS: Final = ((0.6, 0.5, 0.45), (1.0, 1.0, 1.0), (0.8, 1.2, 0.8), (0.8, 1.1, 1.5), (1.1, 1.1, 1.15))


class Scenes(Protocol):
    """The scene of pair number ``index``, whoever asks and in whatever order."""

    def scene(self, index: int) -> Scene: ...


class StudioScenes:
    """Always the studio: frontal, fixed light, plain background."""

    def scene(self, index: int) -> Scene:  # noqa: ARG002 - every index has the same scene
        return STUDIO


class PhotoLikeScenes:
    """Snapshots: Gaussian pose (yaw within 25 degrees, pitch and roll within 15), 35 to 135 mm lenses, any light."""

    occluder_chance: Final = 0.06

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def scene(self, index: int) -> Scene:
        draw = generator(self._seed, index, "scene.photo-like")
        return Scene(
            yaw_deg=_bounded_normal(draw, 10.0, 25.0),
            pitch_deg=_bounded_normal(draw, 6.0, 15.0),
            roll_deg=_bounded_normal(draw, 5.0, 15.0),
            focal_length_mm=_number(np.exp(draw.uniform(np.log(35.0), np.log(135.0)))),
            shift_x=_number(draw.uniform(-0.03, 0.03)),
            shift_y=_number(draw.uniform(-0.03, 0.03)),
            zoom=_number(draw.uniform(0.85, 1.05)),
            light_direction=_light_direction(draw),
            light_color=_warmth(draw, _number(draw.uniform(0.75, 1.2))),
            ambient_color=_warmth(draw, _number(draw.uniform(0.6, 1.5))),
            skin_tint=_along(draw, SKIN_TINTS, 0.04),
            hair_tint=_one_of(draw, HAIR_TINTS, 0.12),
            iris_tint=_one_of(draw, IRIS_TINTS, 0.12),
            background_color=_rgb(np.clip(draw.uniform(0.1, 0.9) + draw.normal(0.0, 0.12, 3), 0.0, 1.0)),
            background_clutter=_number(draw.uniform(0.0, 1.0)),
            exposure=_number(np.exp(draw.normal(0.0, 0.12))),
            gamma=_number(np.exp(draw.normal(0.0, 0.10))),
            blur_sigma=_number(min(abs(draw.normal(0.0, 0.0018)), 0.005)),
            noise_sigma=_number(min(abs(draw.normal(0.0, 0.012)), 0.04)),
            occluder=_occluder(draw) if draw.random() < self.occluder_chance else None,
            seed=int(draw.integers(2**31)),
        )


def _bounded_normal(draw: np.random.Generator, deviation: float, bound: float) -> float:
    return _number(np.clip(draw.normal(0.0, deviation), -bound, bound))


def _light_direction(draw: np.random.Generator) -> Xyz:
    """From the front half, rather from above."""
    azimuth, elevation = draw.uniform(-1.2, 1.2), draw.normal(0.45, 0.3)
    return (
        _number(np.sin(azimuth) * np.cos(elevation)),
        _number(np.sin(elevation)),
        _number(np.cos(azimuth) * np.cos(elevation)),
    )


def _warmth(draw: np.random.Generator, strength: float) -> Rgb:
    """Light between tungsten (warm) and sky (cool)."""
    warmth = _number(np.clip(draw.normal(0.0, 0.07), -0.2, 0.2))
    return _number(strength * (1.0 + warmth)), strength, _number(strength * (1.0 - 1.3 * warmth))


def _along(draw: np.random.Generator, stops: tuple[Rgb, ...], jitter: float) -> Rgb:
    """A colour between two neighbouring stops, a little off."""
    position = draw.uniform(0.0, len(stops) - 1.0)
    color = [np.interp(position, range(len(stops)), channel) for channel in zip(*stops, strict=True)]
    return _rgb(np.array(color) * np.exp(draw.normal(0.0, jitter, 3)))


def _one_of(draw: np.random.Generator, colors: tuple[Rgb, ...], jitter: float) -> Rgb:
    color = np.array(colors[int(draw.integers(len(colors)))])
    return _rgb(color * np.exp(draw.normal(0.0, jitter)) * np.exp(draw.normal(0.0, jitter / 3, 3)))


def _occluder(draw: np.random.Generator) -> Occluder:
    """Something held before the face: it hides a part of it, hardly ever the whole."""
    return Occluder(
        center_x=_number(draw.uniform(0.2, 0.8)),
        center_y=_number(draw.uniform(0.3, 0.85)),
        width=_number(draw.uniform(0.08, 0.25)),
        height=_number(draw.uniform(0.08, 0.25)),
        angle_deg=_number(draw.uniform(-90.0, 90.0)),
        color=_rgb(draw.uniform(0.05, 0.95, 3)),
    )


def _rgb(color: npt.NDArray[np.float64]) -> Rgb:
    red, green, blue = (_number(channel) for channel in color)
    return red, green, blue


def _number(value: float) -> float:
    """Six decimals: the last digits of exp and sin differ between processors."""
    return round(float(value), 6)
