"""Every slider moves the picture, and faces stay faces whatever the sliders say."""

from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.mock.rig import SliderMap
from engine_bridge.parts import Part

SIDE = 256
#: Mean absolute difference between a slider's two ends over all pixels and channels, in levels of 255; the picture is
#: 256 px wide, half of it background, and a lip is one pixel in two hundred.
VISIBLE = 0.02
#: So many pixels must differ by more than VISIBLE_STEP levels.
VISIBLE_PIXELS, VISIBLE_STEP = 40, 8


def test_each_of_the_208_sliders_visibly_changes_the_picture(engine, render):
    schema = engine.describe("justice_female")
    assert schema.num_continuous == 208
    faint = [slider.name for slider in schema.continuous if not _is_visible(render, slider)]
    assert not faint


def _is_visible(render, slider):
    hair = {"hairstyle": "pixie"}
    low = render("justice_female", SIDE, **hair, **{slider.name: slider.minimum}).picture.astype(int)
    high = render("justice_female", SIDE, **hair, **{slider.name: slider.maximum}).picture.astype(int)
    difference = np.abs(high - low)
    return difference.mean() > VISIBLE and (difference.max(-1) > VISIBLE_STEP).sum() > VISIBLE_PIXELS


@pytest.mark.parametrize("character", ["justice_female", "justice_male", "justice_girl"])
def test_random_faces_keep_eyes_nose_and_lips(random_faces, character):
    for frame in random_faces(character, 12, 128):
        counts = np.bincount(frame.mask.ravel(), minlength=len(Part))
        for part in (Part.LEFT_EYE, Part.RIGHT_EYE, Part.NOSE, Part.UPPER_LIP, Part.LOWER_LIP):
            assert counts[part] >= 12
        assert counts[Part.FACE_SKIN] > 0.05 * frame.mask.size


def test_a_mirrored_slider_moves_both_sides_alike(engine):
    schema = engine.describe("tiny")
    bones = ("eye.L", "eye.R", "eyebrow_body.L", "eyebrow_body.R", "nose_tip", "mouth_corner.L", "mouth_corner.R")
    bones += ("cheek.L", "cheek.R", "jaw.L", "jaw.R", "lower_jaw.L", "lower_jaw.R")
    sliders = SliderMap.of(schema, bones)
    channels = sliders.channels(sliders.values(np.ones(schema.num_continuous, np.float32)), len(bones))
    left, right = channels[0], channels[1]
    flips = np.array([-1, 1, 1, 1, -1, -1, 1, 1, 1])
    np.testing.assert_allclose(left * flips, right)
    assert left[0] > 0.0


def test_values_and_encoding_are_inverse(engine):
    schema = engine.describe("justice_female")
    sliders = SliderMap.of(schema, _bones(schema))
    encoded = np.random.default_rng(1).random(schema.num_continuous, np.float32)
    np.testing.assert_allclose(sliders.encode(sliders.values(encoded)), encoded, atol=2e-6)


def _bones(schema):
    return tuple(f"{slider.bone}{side}" for slider in schema.continuous for side in ("", ".L", ".R"))
