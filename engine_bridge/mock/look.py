"""Which colours a character wears: from the choices of its schema to the renderer's palette, layers and light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine_bridge.mock.assets import Floats
from engine_bridge.mock.background import linear_from_srgb
from engine_bridge.mock.camera import Camera
from engine_bridge.mock.catalog import (
    BEARD_STYLES,
    EYEBROW_STYLES,
    HAIRSTYLES,
    LIPSTICK_COLORS,
    LIPSTICK_STYLES,
)
from engine_bridge.mock.makeup import Layer
from engine_bridge.scene import Rgb, Scene

#: Choices of a character whose schema leaves them out.
PLAIN: Final[Mapping[str, str]] = {"hairstyle": "buzz_cut", "eyebrow_style": "soft_arch_medium"}

#: Linear albedo.
SKIN_TONES: Final[Mapping[str, Rgb]] = {
    "adult_female": (0.66, 0.43, 0.325),
    "adult_male": (0.58, 0.37, 0.275),
    "girl": (0.70, 0.465, 0.36),
}
IRIS_COLORS: Final[Mapping[str, Rgb]] = {
    "adult_female": (0.16, 0.12, 0.06),
    "adult_male": (0.10, 0.15, 0.19),
    "girl": (0.14, 0.085, 0.04),
}
LASH_STRENGTH: Final[Mapping[str, float]] = {"adult_female": 0.95, "adult_male": 0.6, "girl": 0.85}
CLOTHES: Final[Mapping[str, Rgb]] = {
    "adult_female": (0.055, 0.06, 0.075),
    "adult_male": (0.05, 0.055, 0.06),
    "girl": (0.16, 0.075, 0.085),
}
LASH_COLOR: Final[Rgb] = (0.016, 0.011, 0.010)
PEARL: Final = np.array((0.90, 0.82, 0.84))
#: Brows are a little darker than the hair and never pitch black.
BROW_SHADE: Final = 0.75


@dataclass(frozen=True, kw_only=True)
class Look:
    """``palette`` (6, 3) as in shading.py, the layers of makeup, and how thick the lashes are."""

    palette: Floats
    layers: list[Layer]
    lash_strength: float


def look_of(head: str, choices: Mapping[str, str], scene: Scene) -> Look:
    """The colours of one picture. ``choices`` maps discrete parameters to names in the catalog."""
    skin = np.array(SKIN_TONES[head]) * scene.skin_tint
    hair = HAIRSTYLES[choices.get("hairstyle", PLAIN["hairstyle"])]
    root, tip = (linear_from_srgb(color) * scene.hair_tint for color in (hair.color, hair.tip_color))
    iris = np.array(IRIS_COLORS[head]) * scene.iris_tint
    palette = np.array([skin, root, tip, iris, CLOTHES[head], LASH_COLOR], np.float32)
    layers = [*_beard(choices, root / skin), *_lipstick(choices, skin), *_brows(choices, BROW_SHADE * root / skin)]
    return Look(palette=palette, layers=layers, lash_strength=LASH_STRENGTH[head])


def light_of(scene: Scene, camera: Camera) -> Floats:
    """``light`` (8, 3) as in shading.py, in the head's space."""
    key = _unit(np.array(scene.light_direction, np.float64))
    view = np.array((0.0, 0.0, 1.0))
    fill = _unit(np.array((-key[0], 0.15, 0.55)))
    directions = np.stack([key, _unit(key + view), view, (0.0, 1.0, 0.0), fill]) @ camera.rotation
    colors = np.stack([scene.light_color, scene.ambient_color, linear_from_srgb(scene.background_color)])
    return np.concatenate([directions, colors]).astype(np.float32)


def _brows(choices: Mapping[str, str], color: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[Layer]:
    style = choices.get("eyebrow_style", PLAIN["eyebrow_style"])
    return [Layer(kind="brow", style=style, color=_rgb(color), opacity=EYEBROW_STYLES[style].opacity, gloss=0.15)]


def _beard(choices: Mapping[str, str], color: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[Layer]:
    style = choices.get("beard_style", "clean_shaven")
    return [Layer(kind="beard", style=style, color=_rgb(color), opacity=BEARD_STYLES[style].opacity, gloss=0.15)]


def _lipstick(choices: Mapping[str, str], skin: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[Layer]:
    if "lipstick_color" not in choices:
        return []
    name = choices.get("lipstick_style", "full_satin")
    style = LIPSTICK_STYLES[name]
    pigment = linear_from_srgb(LIPSTICK_COLORS[choices["lipstick_color"]].color)
    color = (pigment + style.frost * (PEARL - pigment)) / skin
    return [
        Layer(kind="lipstick", style=name, color=_rgb(color), opacity=style.opacity, gloss=0.25 + 0.75 * style.gloss)
    ]


def _rgb(color: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Rgb:
    red, green, blue = color.tolist()
    return red, green, blue


def _unit(vector: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0.0 else np.array((0.0, 0.0, 1.0))
