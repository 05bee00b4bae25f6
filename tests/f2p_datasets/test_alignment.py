from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face, fit_similarity, warp_mask, warp_picture
from f2p_datasets.detection import DetectedFace
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.pose import Pose

POINTS = np.random.default_rng(0).uniform(0.2, 0.8, (68, 2))
QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def test_a_known_similarity_is_found_again() -> None:
    target = 3.0 * POINTS @ QUARTER_TURN.T + (5.0, -2.0)
    matrix, scale = fit_similarity(POINTS, target)
    np.testing.assert_allclose(matrix, np.column_stack([3.0 * QUARTER_TURN, (5.0, -2.0)]), atol=1e-9)
    assert scale == pytest.approx(3.0)


def test_a_face_is_never_mirrored() -> None:
    matrix, _ = fit_similarity(POINTS, POINTS * (-1.0, 1.0))
    assert np.linalg.det(matrix[:, :2]) > 0


def test_the_template_survives_saving(tmp_path: Path) -> None:
    template = AlignmentTemplate(POINTS)
    template.save(tmp_path / "template.json")
    loaded = AlignmentTemplate.load(tmp_path / "template.json")
    assert loaded.tuples == template.tuples
    assert loaded.fingerprint == template.fingerprint


def test_a_template_with_another_digit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    AlignmentTemplate(POINTS).save(path)
    first = json.loads(path.read_text())["landmarks"][0][0]
    path.write_text(path.read_text().replace(repr(first), repr(first + 0.001), 1))
    with pytest.raises(DatasetError, match="its landmarks were changed"):
        AlignmentTemplate.load(path)


def test_the_bare_list_of_a_published_version_is_read(tmp_path: Path) -> None:
    template = AlignmentTemplate(POINTS)
    (tmp_path / "template.json").write_text(json.dumps(template.tuples))
    assert AlignmentTemplate.load(tmp_path / "template.json").fingerprint == template.fingerprint


@pytest.mark.parametrize("content", ["", "[1, 2]", "[[0.5, 0.5]]", "{}"])
def test_a_file_that_is_no_template_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "template.json").write_text(content)
    with pytest.raises(DatasetError, match="template"):
        AlignmentTemplate.load(tmp_path / "template.json")


def test_a_picture_without_a_face_makes_no_template() -> None:
    with pytest.raises(PhotoError, match="no face found"):
        AlignmentTemplate.from_average_face(np.full((128, 128, 3), 90, np.uint8))


def test_landmarks_land_on_the_template(astronaut: Picture, astronaut_face: DetectedFace) -> None:
    template = AlignmentTemplate.from_average_face(astronaut)
    turned = np.ascontiguousarray(np.rot90(astronaut))
    landmarks = astronaut_face.landmarks[:, ::-1] * (1, -1) + (0, 511)
    aligned = align_face(turned, landmarks, template, 256)
    assert np.abs(aligned.landmarks - template.at(256)).max() < 1e-6
    assert aligned.scale == pytest.approx(0.5)


def test_a_turned_photo_comes_back_upright(astronaut: Picture, astronaut_face: DetectedFace) -> None:
    template = AlignmentTemplate.from_average_face(astronaut)
    landmarks = astronaut_face.landmarks[:, ::-1] * (1, -1) + (0, 511)
    aligned = align_face(np.ascontiguousarray(np.rot90(astronaut)), landmarks, template, 256)
    reduced = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(aligned.picture.astype(int) - reduced).mean() < 1.0


def test_the_average_face_has_no_pose(astronaut: Picture, astronaut_face: DetectedFace) -> None:
    aligned = align_face(astronaut, astronaut_face.landmarks, AlignmentTemplate.from_average_face(astronaut), 128)
    assert abs(aligned.pose.yaw_deg) + abs(aligned.pose.pitch_deg) + abs(aligned.pose.roll_deg) < 1e-3


def test_pose_is_measured_from_what_is_called_straight(astronaut: Picture, astronaut_face: DetectedFace) -> None:
    template = AlignmentTemplate.from_average_face(astronaut)
    aligned = align_face(astronaut, astronaut_face.landmarks, template, 128, straight=Pose(0.0, 0.0, 0.0))
    assert aligned.pose == template.pose


@pytest.mark.parametrize("resolution", [128, 512])
def test_landmark_error_is_stated_in_pixels_of_512(astronaut: Picture, resolution: int) -> None:
    template = AlignmentTemplate(POINTS)
    landmarks = template.at(512).copy()
    landmarks[17:68:3] += (30.0, 0.0)
    error_px = align_face(astronaut, landmarks, template, resolution).landmark_error_px(template)
    assert 10.0 < error_px < 15.0  # a third of the points lie 30 px off, and the fit gives way to them
    assert align_face(astronaut, template.at(512), template, resolution).landmark_error_px(template) < 1e-6


@pytest.mark.parametrize("scale", [0.5, 0.25, 0.11])
def test_shrinking_averages_instead_of_aliasing(scale: float) -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    resolution = int(400 * scale)
    matrix = np.array([[scale, 0.0, scale / 2 - 0.5], [0.0, scale, scale / 2 - 0.5]])
    warped = warp_picture(stripes, matrix, resolution)
    assert np.abs(warped[2:-2, 2:-2].astype(int) - 127).max() < 25


def test_beyond_the_edge_a_picture_goes_on_softly_and_a_mask_is_background(astronaut: Picture) -> None:
    matrix = np.array([[1.0, 0.0, 200.0], [0.0, 1.0, 200.0]])
    warped = warp_picture(astronaut, matrix, 512)
    np.testing.assert_array_equal(warped[210:, 210:], astronaut[10:312, 10:312])
    assert cv2.Laplacian(warped[:150, :150], cv2.CV_64F).var() < 5.0
    assert (warp_mask(np.full((512, 512), 6, np.uint8), matrix, 512)[:199, :199] == 0).all()
