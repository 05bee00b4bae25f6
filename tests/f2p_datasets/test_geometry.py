from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.detection import FaceDetector
from f2p_datasets.errors import DatasetError
from f2p_datasets.geometry import FaceGeometry, Points, find_geometry


def faces_of(seed: int, count: int, spread: float = 0.01) -> list[Points]:
    """Faces whose landmarks scatter around the same places."""
    places = np.random.default_rng(0).random((68, 2))
    return list(places + spread * np.random.default_rng(seed).normal(size=(count, 68, 2)))


def test_about_one_person_in_twenty_is_an_outlier_among_people() -> None:
    people = faces_of(1, 200)
    geometry = FaceGeometry.of_people(people)
    assert sum(geometry.is_outlier(face) for face in people) == 10


def test_a_face_twice_as_uneven_as_people_is_an_outlier_and_the_mean_face_is_none() -> None:
    geometry = FaceGeometry.of_people(faces_of(1, 200))
    assert all(geometry.is_outlier(face) for face in faces_of(2, 20, spread=0.02))
    assert geometry.distance(geometry.mean) == 0.0
    assert not geometry.is_outlier(geometry.mean)


def test_people_are_one_standard_deviation_away_on_average() -> None:
    people = faces_of(1, 200)
    geometry = FaceGeometry.of_people(people)
    assert np.mean([geometry.distance(face) ** 2 for face in people]) == pytest.approx(1.0)


def test_too_few_people_are_refused() -> None:
    with pytest.raises(DatasetError, match="19 people say too little"):
        FaceGeometry.of_people(faces_of(1, 19))


def test_a_photo_s_geometry_is_aligned_to_the_template(astronaut: Picture, template: AlignmentTemplate) -> None:
    found = find_geometry(astronaut, template, FaceDetector())
    assert found is not None
    inner = slice(17, 68)
    assert np.abs(found[inner] - template.points[inner]).mean() < 0.02


def test_a_picture_without_a_face_has_no_geometry(template: AlignmentTemplate) -> None:
    assert find_geometry(np.zeros((64, 64, 3), np.uint8), template, FaceDetector()) is None
