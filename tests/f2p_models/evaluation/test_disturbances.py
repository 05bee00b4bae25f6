from __future__ import annotations

import cv2
import numpy as np
import pytest

from f2p_models.evaluation import disturbances as disturbing
from f2p_models.evaluation.disturbances import Disturbance, all_disturbances

SIDE = 128


def random(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@pytest.fixture
def photo() -> np.ndarray:
    """Smooth colors with an edge down the middle: something to blur, tint and turn."""
    coarse = random(4).integers(40, 216, (8, 8, 3), np.uint8)
    picture = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    picture[:, SIDE // 2 :] //= 2
    return picture


@pytest.fixture
def landmarks(portrait) -> np.ndarray:
    """Of a real face, in fractions of the picture's side."""
    return portrait.template


@pytest.fixture
def every(landmarks) -> dict[str, Disturbance]:
    return {found.name: found for found in all_disturbances(landmarks)}


def test_every_disturbance_changes_the_photo_and_leaves_the_original_alone(every, photo) -> None:
    before = photo.copy()
    for found in every.values():
        disturbed = found.apply(photo, random())
        assert disturbed.shape == photo.shape, found.name
        assert disturbed.dtype == np.uint8, found.name
        assert (disturbed != photo).mean() > 0.02, found.name
    assert (photo == before).all()


def test_the_same_seed_disturbs_the_same_way(every, photo) -> None:
    for found in every.values():
        assert (found.apply(photo, random(7)) == found.apply(photo, random(7))).all(), found.name


def test_noise_depends_on_the_seed_and_light_does_not(every, photo) -> None:
    assert (every["noise"].apply(photo, random(1)) != every["noise"].apply(photo, random(2))).any()
    assert (every["dark"].apply(photo, random(1)) == every["dark"].apply(photo, random(2))).all()


def test_all_that_the_paper_and_the_slides_disturb_is_there(every) -> None:
    families = {found.family for found in every.values()}
    assert families == {"occlusion", "noise", "illumination", "color", "blur", "pose", "style"}


@pytest.mark.parametrize("side", [64, 256])
def test_the_block_is_60_by_40_pixels_of_256_at_any_resolution(side: int) -> None:
    covered = disturbing.occlude(np.full((side, side, 3), 255, np.uint8), random(), center=(0.5, 0.5)) == 0
    rows, columns, _ = np.nonzero(covered)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == (60 * side // 256, 40 * side // 256)


def test_the_three_blocks_lie_on_eyes_nose_and_mouth(every, photo, landmarks) -> None:
    for name, part in (("upper", slice(36, 48)), ("middle", slice(30, 36)), ("lower", slice(48, 68))):
        covered = every[f"{name} face covered"].apply(photo, random())
        x, y = (landmarks[part].mean(0) * SIDE).astype(int)
        assert (covered[y, x] == 0).all(), name


def test_a_block_beyond_the_edge_is_moved_inside() -> None:
    covered = disturbing.occlude(np.full((SIDE, SIDE, 3), 255, np.uint8), random(), center=(0.0, 1.0))
    assert (covered == 0).all(2).sum() == round(60 / 256 * SIDE) * round(40 / 256 * SIDE)


def test_noise_has_the_strength_it_is_asked_for() -> None:
    gray = np.full((SIDE, SIDE, 3), 128, np.uint8)
    noisy = disturbing.add_noise(gray, random(), sigma=0.05).astype(float)
    assert noisy.std() == pytest.approx(0.05 * 255, rel=0.03)
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_specks_are_black_and_white_in_equal_parts() -> None:
    gray = np.full((SIDE, SIDE, 3), 128, np.uint8)
    specks = disturbing.add_specks(gray, random(), share=0.2)[..., 0]
    assert (specks == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (specks == 255).mean() == pytest.approx(0.1, abs=0.01)


def test_gamma_darkens_above_one_and_keeps_black_and_white() -> None:
    ramp = np.broadcast_to(np.array([0, 128, 255], np.uint8)[None, :, None], (3, 3, 3))
    assert disturbing.change_gamma(ramp, random(), gamma=2.0)[0, :, 0].tolist() == [0, 64, 255]
    assert disturbing.change_gamma(ramp, random(), gamma=0.5)[0, :, 0].tolist() == [0, 181, 255]


def test_light_from_the_side_falls_off_to_the_right() -> None:
    lit = disturbing.light_from_side(np.full((4, 5, 3), 200, np.uint8), random(), darkest=0.2)
    assert lit[0, :, 0].tolist() == [200, 160, 120, 80, 40]


def test_a_tint_saturates_instead_of_turning_over() -> None:
    tinted = disturbing.tint(np.full((2, 2, 3), 250, np.uint8), random(), gains=(1.2, 1.0, 0.5))
    assert tinted[0, 0].tolist() == [255, 250, 125]


def test_without_color_the_channels_are_equal(photo) -> None:
    gray = disturbing.drain(photo, random())
    assert (gray == gray[..., :1]).all()


def test_blur_and_a_few_pixels_lose_detail_and_keep_the_mean(photo) -> None:
    noisy = disturbing.add_noise(photo, random(), sigma=0.1)
    for soft in (
        disturbing.blur(noisy, random(), sigma=0.02),
        disturbing.shrink(noisy, random(), side_px=32),
        disturbing.smear(noisy, random(), length=0.06),
    ):
        assert (
            np.abs(np.diff(soft.astype(int), axis=1)).mean() < 0.5 * np.abs(np.diff(noisy.astype(int), axis=1)).mean()
        )
        assert soft.mean() == pytest.approx(noisy.mean(), abs=2.0)


def test_a_moved_camera_smears_along_rows_only() -> None:
    stripes = np.zeros((SIDE, SIDE, 3), np.uint8)
    stripes[::2] = 255  # rows
    assert (disturbing.smear(stripes, random(), length=0.1) == stripes).all()


def test_a_photo_that_is_small_enough_stays_as_it_is(photo) -> None:
    assert (disturbing.shrink(photo, random(), side_px=SIDE) == photo).all()


def test_a_sheet_that_is_turned_gets_narrower_and_keeps_its_middle_line() -> None:
    sheet = np.zeros((SIDE, SIDE, 3), np.uint8)
    sheet[:, 32:96] = 255
    turned = disturbing.turn_flat(sheet, random(), degrees=40.0)
    assert (turned[SIDE // 2, :, 0] > 127).sum() == pytest.approx(64 * np.cos(np.radians(40)), abs=3)
    assert turned[SIDE // 2, SIDE // 2, 0] == 255


def test_a_misaligned_face_is_moved_by_the_given_share() -> None:
    dot = np.zeros((SIDE, SIDE, 3), np.uint8)
    dot[60:68, 60:68] = 255
    rows, columns = np.nonzero(disturbing.misalign(dot, random(), degrees=0.0, shift=0.1)[..., 0] > 127)
    assert columns.mean() == pytest.approx(63.5 + 12.8, abs=0.6)
    assert rows.mean() == pytest.approx(63.5, abs=0.6)


def test_posterized_photos_have_the_given_levels(photo) -> None:
    assert set(np.unique(disturbing.posterize(photo, random(), levels=4))) <= {0, 85, 170, 255}


def test_sepia_is_brown() -> None:
    red, green, blue = disturbing.age_to_sepia(np.full((2, 2, 3), 128, np.uint8), random())[0, 0].tolist()
    assert red > green > blue


def test_paint_smooths_areas_and_a_sketch_is_nearly_white(photo) -> None:
    noisy = disturbing.add_noise(photo, random(), sigma=0.05)
    painted = disturbing.paint(noisy, random())
    assert painted[20:60, 10:50].std() < noisy[20:60, 10:50].std()
    assert disturbing.sketch(np.full((SIDE, SIDE, 3), 200, np.uint8), random()).mean() > 190
