"""Head pose from landmarks: the rotation of a generic head that puts its features where they were seen.

Signs follow engine_bridge.scene.Scene (x to the picture's right, y up, z towards the camera).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

#: A generic adult head: millimetres, origin between the eyes; x to the picture's right, y up, z towards the camera.
#: dlib's landmark numbers and where the feature lies, rounded from common anthropometric means.
_HEAD: Final = {
    17: (-58.0, 18.0, -22.0), 21: (-12.0, 21.0, 8.0), 22: (12.0, 21.0, 8.0), 26: (58.0, 18.0, -22.0),
    36: (-45.0, 0.0, -18.0), 39: (-16.5, -1.0, -8.0), 42: (16.5, -1.0, -8.0), 45: (45.0, 0.0, -18.0),
    27: (0.0, 2.0, 6.0), 30: (0.0, -37.0, 24.0), 31: (-15.0, -47.0, 5.0), 33: (0.0, -49.0, 12.0),
    35: (15.0, -47.0, 5.0), 48: (-25.0, -74.0, -4.0), 54: (25.0, -74.0, -4.0), 51: (0.0, -67.0, 10.0),
    57: (0.0, -83.0, 8.0), 8: (0.0, -114.0, 2.0),
}  # fmt: skip
_NUMBERS: Final = list(_HEAD)
_POINTS_MM: Final = np.array([_HEAD[number] for number in _NUMBERS], np.float64)
_DISTANCE_MM: Final = 1200.0  # of the assumed camera: the lens is unknown


@dataclass(frozen=True)
class Pose:
    """Degrees.

    yaw    positive: the face looks to the picture's right
    pitch  positive: the chin is lifted
    roll   positive: the crown leans to the picture's right
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float

    def relative_to(self, other: Pose) -> Pose:
        return Pose(self.yaw_deg - other.yaw_deg, self.pitch_deg - other.pitch_deg, self.roll_deg - other.roll_deg)


#: What :func:`estimate_pose` says of real people who look straight into the camera: in the median a pitch of 8 of the
#: 4,420 development photos of LFW with little yaw, in which as many look up as down; and 10 of FASSEG's 40 portraits.
#: The average face of a game has other proportions (a longer middle of the face, higher brows), hence another zero.
PEOPLE: Final = Pose(0.0, 8.0, 0.0)


def estimate_pose(landmarks: npt.NDArray[np.float64]) -> Pose:
    """Pose of a face from its landmarks (68, 2), in any unit, x right, y down.

    The camera is assumed 1.2 m away, looking straight at the face: the photo's framing, mostly a crop, says nothing
    about it. Absolute pitch depends on how a face's features lie: compare it to :data:`PEOPLE`, or to the average face.
    """
    seen = landmarks[_NUMBERS]
    spread = np.sqrt(((seen - seen.mean(0)) ** 2).sum() / ((_POINTS_MM[:, :2] - _POINTS_MM[:, :2].mean(0)) ** 2).sum())
    focal = _DISTANCE_MM * spread
    camera = np.array([[focal, 0.0, 0.0], [0.0, focal, 0.0], [0.0, 0.0, 1.0]])
    centered = seen - seen.mean(0)
    head = _POINTS_MM * (1.0, -1.0, -1.0)  # OpenCV's camera: y down, z away from it
    start_rotation, start_shift = np.zeros((3, 1)), np.array([[0.0], [0.0], [_DISTANCE_MM]])
    _, rotation, _ = cv2.solvePnP(
        head, centered, camera, None, start_rotation, start_shift, useExtrinsicGuess=True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    return _angles(np.asarray(cv2.Rodrigues(rotation)[0]))


def _angles(rotation: npt.NDArray[np.float64]) -> Pose:
    """Rotation in OpenCV's axes -> angles about the scene's axes, R = Rz(-roll) Ry(yaw) Rx(-pitch)."""
    flip = np.diag([1.0, -1.0, -1.0])
    turned = flip @ rotation @ flip
    yaw = np.arcsin(np.clip(-turned[2, 0], -1.0, 1.0))
    pitch = -np.arctan2(turned[2, 1], turned[2, 2])
    roll = -np.arctan2(turned[1, 0], turned[0, 0])
    return Pose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))
