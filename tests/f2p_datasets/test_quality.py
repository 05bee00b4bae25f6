from __future__ import annotations

import cv2
import numpy as np

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face
from f2p_datasets.detection import FaceDetector
from f2p_datasets.quality import FaceQuality, judge_face


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
