"""How good a photo of a face is: the facts by which front views of high quality are picked.

Shi et al. (TPAMI, section 3.3) train the translator's content loss on "high-quality front view" photos only, and do
not say how they picked them. Here pose, size and sharpness decide, by limits that were chosen by looking.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import cv2
import numpy as np

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignedFace, AlignmentTemplate
from f2p_datasets.detection import DetectedFace
from f2p_datasets.errors import DatasetError
from f2p_datasets.pose import Pose

_MEASURED_PX: Final = 128  # sharpness is measured on the aligned picture at this size, whatever the dataset has


@dataclass(frozen=True, kw_only=True)
class FrontViewLimits:
    """What a front view of high quality is; see :class:`FaceQuality` for the quantities.

    yaw_deg, pitch_deg   at most, to either side
    face_px, sharpness   at least
    """

    yaw_deg: float
    pitch_deg: float
    face_px: float
    sharpness: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise DatasetError(f"{name}: {value}; a limit is above 0")

    def met_by(self, pose: Pose, face_px: float, sharpness: float) -> bool:
        """Whether a face is within all of them."""
        turned = abs(pose.yaw_deg) > self.yaw_deg or abs(pose.pitch_deg) > self.pitch_deg
        return not turned and face_px >= self.face_px and sharpness >= self.sharpness


#: Photos: on sheets of LFW's development photos, heads up to these angles look at the camera (a pitch is known to some
#: 8 degrees only, people's faces differ), and skin and lashes have texture from this sharpness on. 43 % of them pass.
PHOTO_LIMITS: Final = FrontViewLimits(yaw_deg=10.0, pitch_deg=15.0, face_px=80.0, sharpness=180.0)
#: Photo-like renders, whose pose is measured from their own average face, and whose skin is less even than a camera's.
RENDER_LIMITS: Final = FrontViewLimits(yaw_deg=12.0, pitch_deg=15.0, face_px=80.0, sharpness=220.0)


@dataclass(frozen=True, kw_only=True)
class FaceQuality:
    """Facts about an aligned face.

    yaw_deg, pitch_deg, roll_deg   pose, as it was measured when the face was aligned
    face_px                        height of the detected face in the original photo
    sharpness                      variance of the Laplacian over the inner face, grey levels squared
    frontal                        a front view of high quality, by the limits that were given
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


def judge_face(
    face: DetectedFace, aligned: AlignedFace, template: AlignmentTemplate, limits: FrontViewLimits = RENDER_LIMITS
) -> FaceQuality:
    """Measure a face in its photo and in the studio's frame."""
    pose, sharpness = aligned.pose, _sharpness(aligned.picture, template)
    return FaceQuality(
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        roll_deg=pose.roll_deg,
        face_px=face.height_px,
        sharpness=sharpness,
        frontal=limits.met_by(pose, face.height_px, sharpness),
    )


def _sharpness(picture: Picture, template: AlignmentTemplate) -> float:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (_MEASURED_PX, _MEASURED_PX), interpolation=cv2.INTER_AREA)
    points = template.at(_MEASURED_PX)
    left, top = np.maximum(points.min(0).astype(int), 0)
    right, bottom = points.max(0).astype(int) + 1
    return float(cv2.Laplacian(grey[top:bottom, left:right], cv2.CV_64F).var())
