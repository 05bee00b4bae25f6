"""How good a photo of a face is: the facts by which front views of high quality are picked.

Shi et al. (TPAMI, section 3.3) train the translator's content loss on "high-quality front view" photos only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import cv2
import numpy as np

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignedFace, AlignmentTemplate
from f2p_datasets.detection import DetectedFace

FRONTAL_YAW_DEG: Final = 12.0
FRONTAL_PITCH_DEG: Final = 15.0
FRONTAL_FACE_PX: Final = 80.0
FRONTAL_SHARPNESS: Final = 220.0
_MEASURED_PX: Final = 128  # sharpness is measured on the aligned picture at this size, whatever the dataset has


@dataclass(frozen=True, kw_only=True)
class FaceQuality:
    """Facts about an aligned face.

    yaw_deg, pitch_deg, roll_deg   pose relative to the average face
    face_px                        height of the detected face in the original photo
    sharpness                      variance of the Laplacian over the inner face, grey levels squared
    frontal                        a front view of high quality, by the limits of this module
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    face_px: float
    sharpness: float
    frontal: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, rounded to what a measurement of this kind is worth."""
        return {name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(self).items()}


def judge_face(face: DetectedFace, aligned: AlignedFace, template: AlignmentTemplate) -> FaceQuality:
    """Measure a face in its photo and in the studio's frame."""
    pose, sharpness = aligned.pose, _sharpness(aligned.picture, template)
    frontal = abs(pose.yaw_deg) <= FRONTAL_YAW_DEG and abs(pose.pitch_deg) <= FRONTAL_PITCH_DEG
    return FaceQuality(
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        roll_deg=pose.roll_deg,
        face_px=face.height_px,
        sharpness=sharpness,
        frontal=bool(frontal and face.height_px >= FRONTAL_FACE_PX and sharpness >= FRONTAL_SHARPNESS),
    )


def _sharpness(picture: Picture, template: AlignmentTemplate) -> float:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (_MEASURED_PX, _MEASURED_PX), interpolation=cv2.INTER_AREA)
    points = template.at(_MEASURED_PX)
    left, top = np.maximum(points.min(0).astype(int), 0)
    right, bottom = points.max(0).astype(int) + 1
    return float(cv2.Laplacian(grey[top:bottom, left:right], cv2.CV_64F).var())
