from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face, fit_similarity, warp_picture
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.errors import PhotoError
from f2p_datasets.verification import PhotoFiles, aligned_pictures
from f2p_datasets.verification.aligning import REFERENCE_POINTS, align_or_frame, five_points


class Blind:
    """A detector that finds nothing."""

    def detect(self, picture: Picture) -> list[DetectedFace]:
        return []


@pytest.fixture
def crop(astronaut: Picture, astronaut_face: DetectedFace) -> Picture:
    """The astronaut as insightface would have cut it."""
    reference = np.array(REFERENCE_POINTS["crops"]) * 112 - 0.5
    return warp_picture(astronaut, fit_similarity(five_points(astronaut_face.landmarks), reference)[0], 112)


def test_a_face_that_is_found_is_aligned_by_its_landmarks(astronaut: Picture, template: AlignmentTemplate) -> None:
    photo = np.ascontiguousarray(astronaut[:250, 100:350])  # framed as LFW's are
    aligned = align_or_frame(photo, template, 64, "photos", FaceDetector())
    assert aligned.found
    expected = align_face(photo, FaceDetector().detect(photo)[0].landmarks, template, 64).picture
    np.testing.assert_array_equal(aligned.picture, expected)


def test_a_crop_without_a_find_lands_where_its_reference_points_say(
    crop: Picture, astronaut: Picture, astronaut_face: DetectedFace, template: AlignmentTemplate
) -> None:
    framed = align_or_frame(crop, template, 128, "crops", Blind())
    assert not framed.found
    landmarks = FaceDetector().detect(framed.picture)[0].landmarks
    errors = np.linalg.norm(five_points(landmarks) - five_points(template.at(128)), axis=1)
    assert errors.max() < 8.0  # the crop knows five points of a face that is not the average one


def face_at(left: float, top: float, side: float) -> DetectedFace:
    spread = np.random.Generator(np.random.Philox(1)).random((68, 2))
    return DetectedFace(box=(left, top, left + side, top + side), landmarks=spread * side + [left, top], confidence=1.0)


class Claims:
    """A detector that claims to find these faces."""

    def __init__(self, *faces: DetectedFace) -> None:
        self.faces = list(faces)

    def detect(self, picture: Picture) -> list[DetectedFace]:
        return self.faces


def test_the_face_in_the_middle_is_meant_whoever_stands_larger_beside_it(template: AlignmentTemplate) -> None:
    photo = np.random.Generator(np.random.Philox(2)).integers(0, 256, (250, 250, 3), np.uint8)
    beside, middle = face_at(0.0, 60.0, 90.0), face_at(85.0, 90.0, 80.0)
    aligned = align_or_frame(photo, template, 64, "photos", Claims(beside, middle))
    expected = align_face(photo, middle.landmarks, template, 64).picture
    np.testing.assert_array_equal(aligned.picture, expected)


@pytest.mark.parametrize("face", [face_at(0.0, 0.0, 60.0), face_at(110.0, 115.0, 30.0)], ids=["beside", "tiny"])
def test_a_face_that_cannot_be_the_one_counts_as_none(face: DetectedFace, template: AlignmentTemplate) -> None:
    photo = np.zeros((250, 250, 3), np.uint8)
    assert not align_or_frame(photo, template, 64, "photos", Claims(face)).found


def test_a_photo_without_a_find_is_cut_around_its_centre(template: AlignmentTemplate) -> None:
    photo = np.zeros((250, 400, 3), np.uint8)
    photo[:, 75:325] = 200  # the central square
    framed = align_or_frame(photo, template, 64, "photos", Blind())
    at = five_points(template.at(64)).mean(0).round().astype(int)
    assert framed.picture[at[1], at[0]].tolist() == [200, 200, 200]


def test_processes_give_what_one_process_gives(tmp_path: Path, crop: Picture, template: AlignmentTemplate) -> None:
    for name, picture in (("face", crop), ("grey", np.full((64, 64, 3), 99, np.uint8))):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    files = PhotoFiles((tmp_path / "face.png", tmp_path / "grey.png"))
    alone, together = (list(aligned_pictures(files, template, 64, workers=workers)) for workers in (0, 2))
    assert [one.found for one in alone] == [True, False]
    for one, other in zip(alone, together, strict=True):
        assert one.found == other.found
        np.testing.assert_array_equal(one.picture, other.picture)


def test_a_damaged_picture_is_named(tmp_path: Path, template: AlignmentTemplate) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(PhotoError, match=r"cut.png"):
        list(aligned_pictures(PhotoFiles((tmp_path / "cut.png",)), template, 64))
