"""Colours and finishes of everything that a character can wear, for the scripts: plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine_bridge.mock.background import linear_from_srgb
from engine_bridge.mock.camera import FRAMINGS
from engine_bridge.mock.catalog import (
    BEARD_STYLES,
    EYEBROW_STYLES,
    HAIRSTYLES,
    LIPSTICK_COLORS,
    LIPSTICK_STYLES,
)
from engine_bridge.mock.look import BROW_SHADE, CLOTHES, IRIS_COLORS, LASH_COLOR, LASH_STRENGTH, PEARL, SKIN_TONES
from engine_bridge.scene import Rgb


def looks() -> Mapping[str, Any]:
    """All colours are linear; ``heads`` also says how each head is framed, in decimetres."""
    return {
        "heads": {
            head: {
                "skin": SKIN_TONES[head],
                "iris": IRIS_COLORS[head],
                "clothes": CLOTHES[head],
                "lash_strength": LASH_STRENGTH[head],
                "center_y": FRAMINGS[head].center_y,
                "side": FRAMINGS[head].side,
            }
            for head in SKIN_TONES
        },
        "lash": LASH_COLOR,
        "pearl": PEARL.tolist(),
        "brow_shade": BROW_SHADE,
        "hairstyle": {
            name: {"root": _linear(style.color), "tip": _linear(style.tip_color)} for name, style in HAIRSTYLES.items()
        },
        "eyebrow_style": {name: {"opacity": style.opacity} for name, style in EYEBROW_STYLES.items()},
        "lipstick_style": {name: vars(style) for name, style in LIPSTICK_STYLES.items()},
        "lipstick_color": {name: _linear(color.color) for name, color in LIPSTICK_COLORS.items()},
        "beard_style": {name: {"opacity": style.opacity} for name, style in BEARD_STYLES.items()},
    }


def _linear(color: Rgb) -> list[float]:
    return [round(channel, 7) for channel in linear_from_srgb(color).tolist()]
