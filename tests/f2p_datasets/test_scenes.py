from __future__ import annotations

import numpy as np

from engine_bridge.scene import STUDIO
from f2p_datasets.scenes import PhotoLikeScenes, StudioScenes

SCENES = [PhotoLikeScenes(0).scene(index) for index in range(500)]


def test_the_studio_never_changes() -> None:
    assert StudioScenes().scene(0) == StudioScenes().scene(99) == STUDIO


def test_a_photo_like_scene_depends_on_seed_and_index_only() -> None:
    assert PhotoLikeScenes(0).scene(31) == SCENES[31]
    assert PhotoLikeScenes(1).scene(31) != SCENES[31]


def test_photo_like_heads_are_mostly_frontal_and_within_25_degrees() -> None:
    yaw = np.abs([scene.yaw_deg for scene in SCENES])
    assert yaw.max() <= 25.0
    assert np.median(yaw) < 8.0


def test_photo_like_lenses_reach_from_35_to_135_mm() -> None:
    focal = np.array([scene.focal_length_mm for scene in SCENES])
    assert 35.0 <= focal.min() < 40.0
    assert 125.0 < focal.max() <= 135.0


def test_complexions_reach_from_fair_to_dark() -> None:
    red = np.array([scene.skin_tint[0] for scene in SCENES])
    assert red.min() < 0.5
    assert red.max() > 1.0


def test_few_photo_like_pictures_have_something_before_the_face() -> None:
    share = np.mean([scene.occluder is not None for scene in SCENES])
    assert 0.02 < share < 0.12
