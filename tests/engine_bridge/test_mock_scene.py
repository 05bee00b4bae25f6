"""Every option of a scene does what it says."""

from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.parts import Part
from engine_bridge.scene import STUDIO, Occluder, Scene

SIDE = 128

CHANGED_SCENES = {
    "yaw": Scene(yaw_deg=20.0),
    "pitch": Scene(pitch_deg=15.0),
    "roll": Scene(roll_deg=15.0),
    "focal length": Scene(focal_length_mm=28.0),
    "shift": Scene(shift_x=0.1, shift_y=-0.05),
    "zoom": Scene(zoom=1.3),
    "light direction": Scene(light_direction=(-1.0, 0.2, 0.3)),
    "light color": Scene(light_color=(1.2, 0.9, 0.7)),
    "ambient color": Scene(ambient_color=(0.6, 0.7, 1.2)),
    "skin tint": Scene(skin_tint=(0.6, 0.55, 0.5)),
    "hair tint": Scene(hair_tint=(2.0, 1.5, 1.0)),
    "iris tint": Scene(iris_tint=(0.4, 1.0, 2.5)),
    "background color": Scene(background_color=(0.9, 0.2, 0.1)),
    "background clutter": Scene(background_clutter=0.6),
    "exposure": Scene(exposure=0.7),
    "gamma": Scene(gamma=1.3),
    "blur": Scene(blur_sigma=0.01),
    "noise": Scene(noise_sigma=0.05),
    "occluder": Scene(occluder=Occluder(center_x=0.5, center_y=0.5, width=0.2, height=0.1)),
}


def center(mask, part):
    """Mean column and row of a part, as fractions of the picture's side."""
    rows, columns = np.nonzero(mask == part)
    return columns.mean() / len(mask), rows.mean() / len(mask)


@pytest.mark.parametrize("option", CHANGED_SCENES)
def test_the_option_changes_the_picture(render, option):
    studio = render("justice_female", SIDE).picture
    assert (render("justice_female", SIDE, CHANGED_SCENES[option]).picture != studio).any(-1).sum() > 20


def test_yaw_turns_the_nose_to_the_pictures_right(render):
    straight, turned = (render("justice_female", SIDE, Scene(yaw_deg=yaw)).mask for yaw in (0.0, 25.0))
    assert center(turned, Part.NOSE)[0] > center(straight, Part.NOSE)[0] + 0.03


def test_pitch_lifts_the_nose(render):
    straight, lifted = (render("justice_female", SIDE, Scene(pitch_deg=pitch)).mask for pitch in (0.0, 20.0))
    assert center(lifted, Part.NOSE)[1] < center(straight, Part.NOSE)[1] - 0.02


def test_roll_leans_the_crown_to_the_right(render):
    mask = render("justice_female", SIDE, Scene(roll_deg=20.0)).mask
    assert center(mask, Part.LEFT_EYE)[1] > center(mask, Part.RIGHT_EYE)[1] + 0.03


def test_shifts_move_everything_right_and_up(render):
    straight = center(render("justice_female", SIDE).mask, Part.NOSE)
    shifted = center(render("justice_female", SIDE, Scene(shift_x=0.1, shift_y=0.05)).mask, Part.NOSE)
    assert shifted == pytest.approx((straight[0] + 0.1, straight[1] - 0.05), abs=0.01)


def test_the_focal_length_keeps_the_head_in_size(render):
    widths = [
        np.ptp(np.nonzero(render("justice_male", SIDE, Scene(focal_length_mm=f)).mask == Part.NOSE)[0])
        for f in (50, 150)
    ]
    assert abs(widths[0] - widths[1]) <= 4


def test_light_from_the_left_brightens_the_left_of_the_picture(render):
    picture = render("justice_male", SIDE, Scene(light_direction=(-1.0, 0.2, 0.5)), hairstyle="bald").picture
    row = picture[int(0.45 * SIDE)].astype(int).sum(-1)
    assert row[int(0.37 * SIDE)] > row[int(0.63 * SIDE)] + 30


def test_the_background_has_the_color_of_the_scene(render):
    corner = render("justice_female", SIDE, Scene(background_color=(0.9, 0.2, 0.1))).picture[2, 2]
    np.testing.assert_allclose(corner / 255.0, (0.9, 0.2, 0.1), atol=0.03)


def test_an_occluder_is_background_in_the_mask(render):
    occluder = Occluder(center_x=0.5, center_y=0.5, width=0.2, height=0.2, color=(0.1, 0.9, 0.1))
    frame = render("justice_female", SIDE, Scene(occluder=occluder))
    assert frame.mask[SIDE // 2, SIDE // 2] == Part.BACKGROUND
    np.testing.assert_allclose(frame.picture[SIDE // 2, SIDE // 2] / 255.0, (0.1, 0.9, 0.1), atol=0.01)


def test_the_seed_draws_clutter_and_noise(render):
    scenes = [Scene(background_clutter=0.5, noise_sigma=0.02, seed=seed) for seed in (0, 1, 0)]
    first, other, again = (render("justice_female", 64, scene).picture for scene in scenes)
    assert (first != other).any()
    np.testing.assert_array_equal(first, again)


def test_light_and_camera_faults_leave_the_mask_alone(render):
    scene = Scene(
        light_direction=(-1.0, 0.0, 0.2), exposure=0.5, blur_sigma=0.01, noise_sigma=0.1, skin_tint=(0.5, 0.5, 0.5)
    )
    np.testing.assert_array_equal(render("justice_girl", SIDE, scene).mask, render("justice_girl", SIDE, STUDIO).mask)


def test_noise_has_the_scenes_strength_and_no_bias(render):
    plain = render("tiny", 256, Scene(background_color=(0.5, 0.5, 0.5))).picture[:40].astype(int)
    noisy = render("tiny", 256, Scene(background_color=(0.5, 0.5, 0.5), noise_sigma=0.04, seed=2)).picture[:40]
    noise = (noisy - plain) / 255.0
    assert noise.std() == pytest.approx(0.04, rel=0.03)
    assert abs(noise.mean()) < 0.001
    assert abs(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]) < 0.02
