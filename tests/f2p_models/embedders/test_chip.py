from __future__ import annotations

import numpy as np
import pytest
import torch

from f2p_models.embedders import Template
from f2p_models.embedders.chip import Chip, Similarity, fit_similarity
from f2p_models.embedders.dlib_resnet import dlib_chip
from f2p_models.embedders.lightcnn import lightcnn_chip
from f2p_models.errors import TensorError


def ramp(side: int) -> torch.Tensor:
    """(1, 3, side, side): red is x, green is y, as fractions of the side at the pixels' centers."""
    axis = (torch.arange(side) + 0.5) / side
    return torch.stack([axis.expand(side, side), axis[:, None].expand(side, side), torch.zeros(side, side)])[None]


def centered(scale: float) -> Similarity:
    """Chip pixels to fractions of the side, so that a chip of 10 pixels lies in the middle."""
    return Similarity(matrix=np.eye(2) * scale, shift=np.full(2, 0.5 - 5 * scale))


def test_a_similarity_is_recovered_from_its_points() -> None:
    rotation = 1.7 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    points = np.array([(0.0, 0.0), (4.0, 1.0), (2.0, 5.0)])
    fitted = fit_similarity(points, points @ rotation.T + (3.0, -2.0))
    np.testing.assert_allclose(fitted.matrix, rotation, atol=1e-12)
    np.testing.assert_allclose(fitted.shift, (3.0, -2.0), atol=1e-12)
    assert fitted.scale == pytest.approx(1.7)


def test_a_mirrored_face_is_not_reflected_back() -> None:
    points = np.array([(0.0, 0.0), (4.0, 1.0), (2.0, 5.0)])
    assert np.linalg.det(fit_similarity(points, points * (-1, 1)).matrix) > 0


def test_chip_pixels_show_the_places_they_are_put_at() -> None:
    chip = Chip(centered(0.02), 10)(ramp(64))[0]
    expected = 0.4 + 0.02 * (torch.arange(10) + 0.5)
    torch.testing.assert_close(chip[0], expected.expand(10, 10), atol=1e-5, rtol=0)
    torch.testing.assert_close(chip[1], expected[:, None].expand(10, 10), atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [128, 256, 500])
def test_the_crop_is_the_same_place_at_any_resolution(side: int) -> None:
    chip = Chip(centered(0.02), 10)
    torch.testing.assert_close(chip(ramp(side)), chip(ramp(64)), atol=1e-4, rtol=0)


def test_mixed_precision_does_not_move_the_crop() -> None:
    chip = Chip(centered(0.02), 10)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = chip(ramp(64))
    torch.testing.assert_close(mixed, chip(ramp(64)), atol=1e-6, rtol=0)


def test_a_fine_picture_is_averaged_instead_of_picked_from() -> None:
    checkers = (torch.arange(256)[:, None] + torch.arange(256)[None, :]).remainder(2).float().expand(1, 3, 256, 256)
    torch.testing.assert_close(Chip(centered(0.02), 10)(checkers), torch.full((1, 3, 10, 10), 0.5))


def test_pixels_within_the_crop_get_a_gradient() -> None:
    pictures = torch.rand(1, 3, 128, 128, requires_grad=True)
    Chip(centered(0.02), 10)(pictures).sum().backward()
    assert pictures.grad is not None
    inside = pictures.grad[0, 0, 56:72, 56:72]
    assert (inside > 0).all()
    assert pictures.grad[0, 0, :40].abs().sum() == 0


def test_a_picture_that_is_not_square_is_refused() -> None:
    with pytest.raises(TensorError, match=r"square, got \(1, 3, 64, 32\)"):
        Chip(centered(0.02), 10)(torch.rand(1, 3, 64, 32))


def test_lightcnn_has_the_eyes_at_40_and_the_mouth_48_pixels_below(template: Template) -> None:
    chip = lightcnn_chip(template)
    eyes, mouth = template[36:48].mean(0), template[[48, 54]].mean(0)
    places = [chip.placement.matrix @ point + chip.placement.shift for point in ((64, 40), (64, 88))]
    np.testing.assert_allclose(places, [eyes, mouth], atol=1e-12)


def test_dlibs_corner_pixels_lie_half_a_pixel_further_out_than_a_plain_crop(template: Template) -> None:
    chip = dlib_chip(template)
    plain = Chip(chip.placement, 150)
    extent_px = chip.placement.scale * 512 * 150
    assert chip.affine(512)[0, 0] / plain.affine(512)[0, 0] == pytest.approx((extent_px - 1) / (extent_px * 149 / 150))
