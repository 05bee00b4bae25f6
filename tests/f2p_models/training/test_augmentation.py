from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from engine_bridge.errors import InputError
from engine_bridge.parts import NOT_JUDGED, Part
from f2p_models.mirroring import exchange_sides
from f2p_models.training.augmentation import NO_AUGMENTATION, Augmentation, augment


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


def near(changed: torch.Tensor, pictures: torch.Tensor) -> bool:
    """Equal but for the rounding of a resampling that moves nothing."""
    return torch.allclose(changed, pictures, atol=1e-4)


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


def test_mixed_precision_is_for_the_network_and_changes_no_picture(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    plain = augment(pictures, masks, Augmentation(), torch.Generator().manual_seed(4))[0]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = augment(pictures, masks, Augmentation(), torch.Generator().manual_seed(4))[0]
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, plain)


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


def test_tint_recolors_hair_and_leaves_what_is_no_part_alone(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    masks[:, :6] = Part.HAIR
    changed, moved = run(pictures, masks, tint=0.3)
    gains = changed[:, 0, 2, :12] / pictures[:, 0, 2, :12]
    torch.testing.assert_close(gains, gains[:, :1].expand_as(gains), atol=1e-4, rtol=1e-4)  # one gain for all hair
    assert gains[:, 0].unique().numel() == len(pictures)
    assert near(changed[:, :, 28:], pictures[:, :, 28:])
    assert torch.equal(moved, masks)


def test_photos_are_seen_behind_heads_where_they_are_given(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    red = torch.zeros(3, 3, 40, 50, dtype=torch.uint8)
    red[:, 0] = 255
    settings = replace(NO_AUGMENTATION, background=1.0)
    changed, _ = augment(pictures, masks, settings, torch.Generator().manual_seed(0), red)
    corners = changed[:, :, 0, 0]
    is_red = (corners - torch.tensor([1.0, 0.0, 0.0])).abs().amax(1) < 1e-3
    assert 3 <= int(is_red.sum()) < len(pictures)  # seven in ten; the others keep to clutter
    assert torch.allclose(changed[:, :, 12, 14], pictures[:, :, 12, 14], atol=1e-5)


def test_beyond_the_edge_of_a_photo_nothing_is_judged_and_its_outermost_pixels_go_on(
    pictures: torch.Tensor, masks: torch.Tensor
) -> None:
    changed, cut = run(pictures, masks, border=1.0)
    outside = cut == NOT_JUDGED
    assert 0.02 < outside.float().mean() < 0.6
    assert near(changed.transpose(0, 1)[:, ~outside], pictures.transpose(0, 1)[:, ~outside])
    assert torch.equal(cut[~outside], masks[~outside])
    assert (changed - pictures).abs()[:, :2].max() < 0.4  # a ramp's end goes on; nothing else comes in


def test_a_hat_hides_what_is_above_the_brows_and_nothing_below(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    masks[:, 9, 10:24] = Part.LEFT_BROW
    masks[:, :6] = Part.HAIR
    changed, moved = run(pictures, masks, hat=1.0)
    assert (moved[:, 0, 16] == Part.BACKGROUND).all()
    assert torch.equal(moved[:, 16:], masks[:, 16:])
    assert near(changed[:, :, 16:], pictures[:, :, 16:])


def test_a_face_without_brows_gets_no_hat(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    changed, moved = run(pictures, masks, hat=1.0)
    assert near(changed, pictures)
    assert torch.equal(moved, masks)


def test_glasses_are_seen_around_the_eyes_and_hide_nothing_from_the_mask(
    pictures: torch.Tensor, masks: torch.Tensor
) -> None:
    masks[:, 10:16, 8:14] = Part.RIGHT_EYE
    changed, moved = run(pictures, masks, glasses=1.0)
    rows = (changed - pictures).abs().amax((1, 3))
    assert (rows[:, 8:18].amax(1) > 1e-3).all()
    assert rows[:, 24:].max() < 1e-4
    assert torch.equal(moved, masks)


def test_a_face_of_one_eye_gets_no_glasses(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    assert near(run(pictures, masks, glasses=1.0)[0], pictures)


def test_jpeg_keeps_flat_blocks_and_coarsens_texture(masks: torch.Tensor) -> None:
    textured = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    textured[..., :16] = 0.5
    changed, _ = run(textured, masks, jpeg=1.0)
    assert (changed[..., :16] - 0.5).abs().max() < 0.05
    assert (changed[..., 16:] - textured[..., 16:]).abs().mean() > 0.02


def test_pictures_whose_sides_are_no_multiple_of_a_block_keep_their_size() -> None:
    odd = torch.rand(2, 3, 30, 37)
    changed, _ = run(odd, torch.zeros(2, 30, 37, dtype=torch.uint8), jpeg=1.0)
    assert changed.shape == odd.shape


def test_what_is_not_judged_stays_so_through_everything(pictures: torch.Tensor, masks: torch.Tensor) -> None:
    unknown = torch.full_like(masks, NOT_JUDGED)
    settings = replace(Augmentation(), occluder=0.0, hat=0.0)
    _, moved = augment(pictures, unknown, settings, torch.Generator().manual_seed(1))
    assert torch.equal(moved, unknown)


@pytest.mark.parametrize(("name", "value"), [("hat", 1.5), ("tint", -0.1), ("blur", 0.2), ("rotation_deg", 200.0)])
def test_a_strength_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        Augmentation(**{name: value})
