from __future__ import annotations

import pytest
import torch

from engine_bridge.parts import NUM_PARTS, Part
from f2p_models.creation.colors import color_differences, part_colors

SKIN, HAIR = (0.85, 0.65, 0.55), (0.25, 0.16, 0.10)
LIPS = {"red": (0.75, 0.15, 0.15), "pink": (0.90, 0.45, 0.60), "plum": (0.42, 0.14, 0.36)}


def to_linear(color: tuple[float, float, float]) -> torch.Tensor:
    srgb = torch.tensor(color)
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def face(lips: str, *, light: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> tuple[torch.Tensor, torch.Tensor]:
    """A face of three bands, hair, skin and lips, under a light: picture (1, 3, 24, 24), probabilities (1, P, 6, 6)."""
    linear = torch.zeros(1, 3, 24, 24)
    probabilities = torch.zeros(1, NUM_PARTS, 6, 6)
    for band, (color, part) in enumerate([(HAIR, Part.HAIR), (SKIN, Part.FACE_SKIN), (LIPS[lips], Part.UPPER_LIP)]):
        linear[:, :, 8 * band : 8 * (band + 1)] = (to_linear(color) * torch.tensor(light)).view(1, 3, 1, 1)
        probabilities[:, part, 2 * band : 2 * (band + 1)] = 1.0
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055), probabilities


@pytest.mark.parametrize("worn", list(LIPS))
@pytest.mark.parametrize("light", [(1.0, 1.0, 1.0), (0.9, 0.8, 0.6), (0.5, 0.55, 0.6)], ids=["white", "warm", "dim"])
def test_a_lipstick_is_known_again_in_another_light(worn, light):
    photo = part_colors(*face(worn, light=light))

    costs = {lips: float(color_differences(photo, part_colors(*face(lips)))) for lips in LIPS}

    assert min(costs, key=costs.__getitem__) == worn


def test_equal_colors_cost_nothing():
    colors = part_colors(*face("pink"))
    assert float(color_differences(colors, colors)) == 0.0


def test_a_photo_without_hair_has_finite_colors():
    picture, probabilities = face("red")
    probabilities[:, Part.HAIR] = 0.0
    assert torch.isfinite(part_colors(picture, probabilities)).all()


def test_colors_are_taken_per_photo():
    red, plum = face("red"), face("plum")
    together = part_colors(torch.cat([red[0], plum[0]]), torch.cat([red[1], plum[1]]))
    torch.testing.assert_close(together[1:], part_colors(*plum))
