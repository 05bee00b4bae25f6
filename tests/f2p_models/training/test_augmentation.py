from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from engine_bridge.parts import Part
from f2p_models.training.augmentation import NO_AUGMENTATION, Augmentation, augment, exchange_sides


@pytest.fixture
def pictures() -> torch.Tensor:
    """A ramp in red and one in green: every pixel tells where it comes from."""
    y, x = torch.meshgrid(torch.linspace(0.1, 0.9, 32), torch.linspace(0.1, 0.9, 32), indexing="ij")
    return torch.stack([x, y, torch.full_like(x, 0.5)]).expand(8, -1, -1, -1).clone()


@pytest.fixture
def masks() -> torch.Tensor:
    """Skin in the middle, the person's left eye on the right-hand side of the picture."""
    mask = torch.zeros(8, 32, 32, dtype=torch.uint8)
    mask[:, 6:26, 6:26] = Part.FACE_SKIN
    mask[:, 10:16, 18:24] = Part.LEFT_EYE
    return mask


def run(
    pictures: torch.Tensor, masks: torch.Tensor, seed: int = 0, **changes: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    settings = replace(NO_AUGMENTATION, **changes)
    return augment(pictures, masks, settings, torch.Generator().manual_seed(seed))


def test_no_augmentation_changes_nothing(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    changed, moved = run(pictures, masks)
    assert torch.allclose(changed, pictures, atol=1e-5)
    assert torch.equal(moved, masks)


def test_the_same_generator_state_gives_the_same_pictures(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    first, second, other = (
        augment(pictures, masks, Augmentation(), torch.Generator().manual_seed(seed)) for seed in (4, 4, 5)
    )
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])


def test_all_changes_together_stay_in_range_and_keep_types(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    changed, moved = augment(pictures, masks, Augmentation(), torch.Generator().manual_seed(0))
    assert changed.shape == pictures.shape
    assert moved.dtype == torch.uint8
    assert 0.0 <= float(changed.min()) <= float(changed.max()) <= 1.0
    assert not changed.isnan().any()


def test_a_mirror_image_exchanges_left_and_right_parts(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    changed, moved = run(pictures, masks, flip=1.0)
    assert torch.allclose(changed, pictures.flip(-1), atol=1e-5)
    assert torch.equal(moved, exchange_sides(masks.flip(-1)))
    assert (moved[:, 10:16, 8:14] == Part.RIGHT_EYE).all()


def test_exchanging_sides_twice_gives_the_mask_back() -> None:
    every_part = torch.arange(len(Part), dtype=torch.uint8)[None, None]
    assert torch.equal(exchange_sides(exchange_sides(every_part)), every_part)


@pytest.mark.parametrize("change", [{"scale": 0.3}, {"shift": 0.1}, {"rotation_deg": 25.0}])
def test_the_mask_moves_with_the_picture(pictures: torch.Tensor, masks: torch.Tensor, change: dict[str, float]) -> None:
    painted = (masks == Part.FACE_SKIN).float()[:, None].expand(-1, 3, -1, -1) * 0.8 + 0.1
    changed, moved = run(painted, masks, **change)
    assert not torch.equal(moved, masks)
    agreement = ((changed[:, 0] > 0.5) == (moved == Part.FACE_SKIN)).float().mean()
    assert agreement > 0.98


def test_clutter_leaves_the_head_alone(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    changed, moved = run(pictures, masks, background=1.0)
    head = (masks != Part.BACKGROUND)[:, None].expand_as(pictures)
    assert torch.allclose(changed[head], pictures[head], atol=1e-5)
    assert (changed[~head] - pictures[~head]).abs().mean() > 0.1
    assert torch.equal(moved, masks)


def test_what_is_occluded_is_background(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    changed, moved = run(pictures, masks, occluder=1.0)
    hidden = (changed - pictures).abs().amax(1) > 1e-3
    assert hidden.any()
    assert (moved[hidden] == Part.BACKGROUND).all()
    assert torch.equal(moved[~hidden & (moved == masks)], masks[~hidden & (moved == masks)])


@pytest.mark.parametrize("change", ["color", "gamma", "light", "noise"])
def test_each_change_of_light_differs_from_picture_to_picture(
    pictures: torch.Tensor, masks: torch.Tensor, change: str
) -> None:
    changed, moved = run(pictures, masks, **{change: 0.2})
    differences = (changed - pictures).abs().mean((1, 2, 3))
    assert (differences > 1e-4).all()
    assert differences.unique().numel() == len(pictures)
    assert torch.equal(moved, masks)


def test_grayscale_makes_the_channels_equal(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    changed, _ = run(pictures, masks, grayscale=1.0)
    assert torch.equal(changed[:, 0], changed[:, 2])


def test_blur_softens_some_pictures_and_leaves_others_sharp(masks: torch.Tensor) -> None:
    stripes = torch.zeros(8, 3, 32, 32)
    stripes[..., ::2] = 1.0
    changed, _ = run(stripes, masks, blur=0.05)
    contrast = (changed[..., 1:] - changed[..., :-1]).abs().mean((1, 2, 3))
    assert contrast.min() < 0.5
    assert contrast.max() > 0.9
