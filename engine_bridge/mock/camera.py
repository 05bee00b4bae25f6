"""From the head's space to the picture: pose, focal length, framing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine_bridge.mock.assets import Floats
from engine_bridge.scene import Scene

FILM_MM: Final = 36.0
#: The head turns about the joint with the spine, not about the eyes.
PIVOT: Final = np.array((0.0, -0.35, -0.55))


@dataclass(frozen=True, kw_only=True)
class Framing:
    """What a studio picture shows of a head: its middle's height and its side, in decimetres."""

    center_y: float
    side: float


FRAMINGS: Final[Mapping[str, Framing]] = {
    "adult_female": Framing(center_y=0.0, side=2.8),
    "adult_male": Framing(center_y=0.0, side=2.9),
    "girl": Framing(center_y=0.02, side=2.55),
}


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera.

    matrix        (3, 4) head space -> camera space, which looks along -z
    rotation      (3, 3) of the head; its transpose takes directions of the scene to head space
    pixels        picture size of a length of one at a distance of one, in pixels
    shift_x, shift_y   of the whole picture to the right and down, fractions of its side
    pixel_size    decimetres per pixel in the plane of the face
    """

    matrix: Floats
    rotation: Floats
    pixels: np.float32
    shift_x: np.float32
    shift_y: np.float32
    pixel_size: float

    @classmethod
    def of(cls, scene: Scene, framing: Framing, side_px: int) -> Camera:
        """The camera of a scene; the focal length changes the perspective, not the head's size in the picture."""
        rotation = head_rotation(scene.yaw_deg, scene.pitch_deg, scene.roll_deg)
        distance = framing.side * scene.focal_length_mm / FILM_MM
        center = np.array((0.0, framing.center_y, 0.0))
        shift = PIVOT - rotation @ PIVOT - center - (0.0, 0.0, distance)
        return cls(
            matrix=np.concatenate([rotation, shift[:, None]], 1).astype(np.float32),
            rotation=rotation.astype(np.float32),
            pixels=np.float32(side_px * scene.focal_length_mm / FILM_MM * scene.zoom),
            shift_x=np.float32(scene.shift_x),
            shift_y=np.float32(-scene.shift_y),  # rows count downwards
            pixel_size=framing.side / side_px / scene.zoom,
        )


def head_rotation(
    yaw_deg: float, pitch_deg: float, roll_deg: float
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Yaw > 0 turns the face to the picture's right, pitch > 0 lifts the chin, roll > 0 leans the crown right."""
    yaw, pitch, roll = np.deg2rad((yaw_deg, -pitch_deg, -roll_deg))
    cos, sin = np.cos, np.sin
    about_y = np.array([[cos(yaw), 0.0, sin(yaw)], [0.0, 1.0, 0.0], [-sin(yaw), 0.0, cos(yaw)]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cos(pitch), -sin(pitch)], [0.0, sin(pitch), cos(pitch)]])
    about_z = np.array([[cos(roll), -sin(roll), 0.0], [sin(roll), cos(roll), 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(about_z @ about_x @ about_y)
