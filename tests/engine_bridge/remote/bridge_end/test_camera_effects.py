"""What the bridge does to a frame is what the mock engine does to its own."""

from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.frames import RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from engine_bridge.remote.bridge_end.camera_effects import photograph
from engine_bridge.scene import ENGINE_SCENE_FIELDS, STUDIO, Occluder, Scene

SIDE = 128
OCCLUDER = Occluder(center_x=0.5, center_y=0.5, width=0.2, height=0.1, color=(0.1, 0.9, 0.1))


@pytest.fixture(scope="module")
def photo():
    """``photo(scene)``: the mock's own picture and mask of it, and what photograph makes of the engine's part."""
    engine = MockEngine()
    vector = engine.describe("justice_female").default_vector()

    def draw(scene):
        request = RenderRequest(request_id=0, character="justice_female", vector=vector, resolution=SIDE, scene=scene)
        return engine.render([request])[0]

    def call(scene):
        studio = draw(scene.keep(ENGINE_SCENE_FIELDS))
        return draw(scene), photograph(studio.picture, studio.mask, scene)

    return call


@pytest.mark.parametrize(
    ("scene", "mean_levels"),
    [
        (Scene(exposure=0.7, yaw_deg=10.0), 0.4),
        (Scene(gamma=1.3), 0.4),
        (Scene(background_clutter=0.8, seed=4), 2.0),
        (Scene(occluder=OCCLUDER), 0.0),
        (Scene(blur_sigma=0.01), 0.0),
        (Scene(noise_sigma=0.05, seed=2), 0.0),
        (Scene(background_clutter=0.5, exposure=1.2, blur_sigma=0.004, noise_sigma=0.02, occluder=OCCLUDER), 2.0),
    ],
    ids=["exposure", "gamma", "clutter", "occluder", "blur", "noise", "everything"],
)
def test_it_looks_as_in_the_mock(photo, scene, mean_levels):
    mocks, (picture, mask) = photo(scene)
    assert np.abs(picture.astype(int) - mocks.picture).mean() <= mean_levels
    np.testing.assert_array_equal(mask, mocks.mask)


def test_a_studio_frame_is_returned_as_it_is(photo):
    picture, mask = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)
    same = photograph(picture, mask, STUDIO)
    assert same[0] is picture
    assert same[1] is mask


def test_the_frame_that_came_in_is_left_alone():
    picture, mask = np.full((32, 32, 3), 80, np.uint8), np.ones((32, 32), np.uint8)
    picture.flags.writeable = mask.flags.writeable = False
    taken, covered = photograph(picture, mask, Scene(occluder=OCCLUDER, noise_sigma=0.1, exposure=0.5))
    assert (taken != picture).any()
    assert covered[16, 16] == Part.BACKGROUND


def test_clutter_stays_behind_the_head_and_its_clothes():
    scene = Scene(background_clutter=1.0, seed=3)
    picture = np.full((64, 64, 3), np.round(255 * np.array(scene.background_color)), np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    picture[20:40], mask[20:40] = (200, 150, 120), Part.FACE_SKIN
    picture[40:] = (20, 20, 90)  # clothes, which are background in the mask
    taken, _ = photograph(picture, mask, scene)
    np.testing.assert_allclose(taken[24:37].astype(int), picture[24:37], atol=1)
    np.testing.assert_allclose(taken[44:].astype(int), picture[44:], atol=1)
    assert np.abs(taken[:16].astype(int) - picture[:16]).mean() > 10


def test_an_engine_with_a_background_of_its_own_gets_clutter_as_well():
    picture, mask = np.full((32, 32, 3), 255, np.uint8), np.zeros((32, 32), np.uint8)
    mask[8:, 8:24] = Part.FACE_SKIN
    taken, _ = photograph(picture, mask, Scene(background_clutter=1.0, seed=1))
    assert (taken[:4] != 255).any()


def test_the_seed_alone_draws_clutter_and_noise():
    picture, mask = np.full((32, 32, 3), 80, np.uint8), np.zeros((32, 32), np.uint8)
    scenes = [Scene(background_clutter=0.5, noise_sigma=0.05, seed=seed) for seed in (1, 2, 1)]
    first, other, again = (photograph(picture, mask, scene)[0] for scene in scenes)
    assert (first != other).any()
    np.testing.assert_array_equal(first, again)
