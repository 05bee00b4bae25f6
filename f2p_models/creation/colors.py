"""Colors of hair and lips, as far as light and camera leave them recognizable.

B pictures, R parts with a color of their own, h w the segmenter's grid

A photo's white balance and exposure multiply all of its colors alike. Logarithms turn that into a shift, which is
gone when the skin's color is taken off; of what is left, hue counts more than brightness, which shadows change.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from engine_bridge.parts import Part

#: The parts whose color is a choice. Brows and beard have the hair's.
COLORED_PARTS: Final = ((Part.HAIR,), (Part.UPPER_LIP, Part.LOWER_LIP))
#: Linear light below this is noise and compression, not color.
_DARKEST: Final = 0.02
_BRIGHTNESS_SHARE: Final = 0.1


@torch.no_grad()
def part_colors(pictures: Tensor, probabilities: Tensor) -> Tensor:
    """Mean log color of each colored part relative to the skin's: (B, R, 3).

    ``pictures`` (B, 3, H, W) sRGB in [0, 1], ``probabilities`` (B, P, h, w) of their parts.
    """
    light = _linear(F.interpolate(pictures, probabilities.shape[-2:], mode="area"))
    colors = (light + _DARKEST).log()
    skin = _mean(colors, probabilities[:, [Part.FACE_SKIN]])
    parts = [_mean(colors, probabilities[:, list(parts)].sum(1, keepdim=True)) for parts in COLORED_PARTS]
    return torch.stack(parts, 1) - skin[:, None]


def color_differences(first: Tensor, second: Tensor) -> Tensor:
    """How far two sets of part colors (B, R, 3) are apart, hue before brightness: (B,)."""
    difference = first - second
    brightness = difference.mean(2, keepdim=True)
    hue = (difference - brightness).abs().mean(2)
    differences: Tensor = (hue + _BRIGHTNESS_SHARE * brightness.abs().squeeze(2)).sum(1)
    return differences


def _mean(colors: Tensor, weights: Tensor) -> Tensor:
    """Over the picture, weighted by (B, 1, h, w): (B, 3)."""
    return (colors * weights).sum((2, 3)) / (weights.sum((2, 3)) + 1e-6)


def _linear(pictures: Tensor) -> Tensor:
    """IEC 61966-2-1: sRGB -> linear light."""
    return torch.where(pictures <= 0.04045, pictures / 12.92, ((pictures + 0.055) / 1.055) ** 2.4)
