from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face
from f2p_datasets.detection import FaceDetector
from f2p_datasets.errors import DatasetError
from f2p_datasets.pose import Pose
from f2p_datasets.quality import FaceQuality, FrontViewLimits, judge_face


def judge(picture: Picture, template: AlignmentTemplate) -> FaceQuality:
    face = FaceDetector().detect(picture)[0]
    return judge_face(face, align_face(picture, face.landmarks, template, 256), template)


def test_a_sharp_front_view_is_marked(astronaut: Picture, template: AlignmentTemplate) -> None:
    assert judge(astronaut, template).frontal


def test_a_blurred_photo_is_not(astronaut: Picture, template: AlignmentTemplate) -> None:
    blurred = judge(np.asarray(cv2.GaussianBlur(astronaut, (0, 0), 3.0), np.uint8), template)
    assert not blurred.frontal
    assert blurred.sharpness < 0.1 * judge(astronaut, template).sharpness


def test_a_small_face_is_not(astronaut: Picture, template: AlignmentTemplate) -> None:
    small = judge(np.asarray(cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA), np.uint8), template)
    assert not small.frontal
    assert small.face_px < 60


def test_a_head_turned_away_is_not(astronaut: Picture, template: AlignmentTemplate) -> None:
    turned = cv2.warpPerspective(
        astronaut,
        cv2.getPerspectiveTransform(
            np.array([(0, 0), (511, 0), (511, 511), (0, 511)], np.float32),
            np.array([(0, 0), (430, 60), (430, 450), (0, 511)], np.float32),
        ),
        (512, 512),
    )
    assert abs(judge(np.asarray(turned, np.uint8), template).yaw_deg) > 2


LIMITS = FrontViewLimits(yaw_deg=10.0, pitch_deg=15.0, face_px=80.0, sharpness=180.0)


@pytest.mark.parametrize(
    ("pose", "face_px", "sharpness", "frontal"),
    [
        (Pose(-10.0, 15.0, 40.0), 80.0, 180.0, True),  # roll does not matter: alignment takes it out
        (Pose(10.1, 0.0, 0.0), 80.0, 180.0, False),
        (Pose(0.0, -15.1, 0.0), 80.0, 180.0, False),
        (Pose(0.0, 0.0, 0.0), 79.9, 180.0, False),
        (Pose(0.0, 0.0, 0.0), 80.0, 179.9, False),
    ],
)
def test_every_limit_of_a_front_view_counts(pose: Pose, face_px: float, sharpness: float, frontal: bool) -> None:
    assert LIMITS.met_by(pose, face_px, sharpness) is frontal


@pytest.mark.parametrize("name", ["yaw_deg", "pitch_deg", "face_px", "sharpness"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_limit_that_is_none_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(DatasetError, match=f"{name}: {value}; a limit is above 0"):
        replace(LIMITS, **{name: value})
