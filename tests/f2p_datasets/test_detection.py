from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine_bridge.frames import Picture
from f2p_datasets.detection import DetectedFace, FaceDetector, find_model_file
from f2p_datasets.errors import DatasetError


def test_one_face_is_found_with_its_features_in_order(astronaut_face: DetectedFace) -> None:
    jaw, nose, mouth = astronaut_face.landmarks[8], astronaut_face.landmarks[30], astronaut_face.landmarks[62]
    assert astronaut_face.landmarks.shape == (68, 2)
    assert nose[1] < mouth[1] < jaw[1]
    assert astronaut_face.landmarks[36:42, 0].mean() < astronaut_face.landmarks[42:48, 0].mean()
    assert astronaut_face.confidence > 1.0


def test_several_faces_come_the_largest_first(astronaut: Picture) -> None:
    large = np.asarray(cv2.resize(astronaut[20:280, 120:340], None, fx=1.6, fy=1.6), np.uint8)
    both = np.full((512, 900, 3), 128, np.uint8)
    both[:, :512] = astronaut
    both[: large.shape[0], 530 : 530 + large.shape[1]] = large
    first, second = FaceDetector(search_px=900).detect(both)
    assert first.box[0] > 530 > second.box[2]
    assert first.height_px > second.height_px


def test_a_large_photo_is_searched_small_and_measured_full(astronaut: Picture, astronaut_face: DetectedFace) -> None:
    large = np.ascontiguousarray(astronaut.repeat(5, 0).repeat(5, 1))
    (face,) = FaceDetector().detect(large)
    assert np.abs(face.landmarks / 5 - astronaut_face.landmarks).max() < 4.0


def test_a_small_face_is_found_at_the_second_look(astronaut: Picture) -> None:
    small = np.zeros((1400, 1400, 3), np.uint8)
    small[600:856, 600:856] = astronaut[::2, ::2]
    (face,) = FaceDetector().detect(small)
    assert 600 < face.landmarks[30, 0] < 856


def test_an_uncertain_find_does_not_displace_a_certain_face(astronaut: Picture) -> None:
    helmet_taken_for_a_face = np.ascontiguousarray(astronaut[:499])
    (face,) = FaceDetector().detect(helmet_taken_for_a_face)
    assert face.confidence > 1.0


def test_no_face_gives_an_empty_list() -> None:
    assert FaceDetector().detect(np.full((300, 300, 3), 128, np.uint8)) == []


def test_a_model_file_that_is_not_installed_says_what_to_install() -> None:
    with pytest.raises(DatasetError, match="install the package face_recognition_models"):
        find_model_file("shape_predictor_999.dat")
