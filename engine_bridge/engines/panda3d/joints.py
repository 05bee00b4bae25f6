"""What a joint's nine channels mean: where it carries four points, and back from those points to the channels.

A channel is a translation (mm), a rotation (deg) or a scale (ratio) of a joint about its own pivot; scale comes first,
then the rotations about x, y and z, then the translation.

B  joints
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

#: Lengths of the asset are decimetres.
MILLIMETRES_PER_UNIT: Final = 100.0
REST: Final = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1], np.float64)


def joint_matrices(channels: Floats, pivots: Floats, response: float) -> Doubles:
    """(B, 9) channels -> (B, 4, 4) matrices for row vectors, from a joint's own space to the head's.

    ``response`` weakens every channel: what makes another adult of an adult's face would distort a child's.
    """
    channels64 = REST + response * (channels.astype(np.float64) - REST)
    about_x, about_y, about_z = (_turns(angles, axis) for axis, angles in enumerate(np.deg2rad(channels64[:, 3:6]).T))
    matrices = np.zeros((len(channels), 4, 4))
    matrices[:, :3, :3] = channels64[:, 6:, None] * (about_x @ about_y @ about_z)
    matrices[:, 3, :3] = pivots + channels64[:, :3] / MILLIMETRES_PER_UNIT
    matrices[:, 3, 3] = 1.0
    return matrices


def _turns(angles: Doubles, axis: int) -> Doubles:
    """(B,) radians -> (B, 3, 3) rotations of row vectors about x, y or z."""
    turns = np.zeros((len(angles), 3, 3))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turns[:, axis, axis] = 1.0
    turns[:, first, first] = turns[:, second, second] = np.cos(angles)
    turns[:, first, second] = np.sin(angles)
    turns[:, second, first] = -np.sin(angles)
    return turns


def probe_points(pivots: Floats) -> Floats:
    """(B, 4, 3): each joint's pivot, and the points one decimetre from it along x, y and z."""
    ends = np.concatenate([np.zeros((1, 3)), np.eye(3)])
    return np.asarray(pivots[:, None] + ends, np.float32)


def read_channels(probes: Floats, pivots: Floats, response: float) -> Doubles:
    """The inverse of :func:`joint_matrices`: (B, 4, 3) probe points as the engine moved them -> (B, 9) channels."""
    moved = probes.astype(np.float64)
    axes = moved[:, 1:] - moved[:, :1]
    scale = np.linalg.norm(axes, axis=2)
    turned = axes / scale[..., None]
    channels = np.empty((len(probes), 9))
    channels[:, :3] = (moved[:, 0] - pivots) * MILLIMETRES_PER_UNIT
    channels[:, 3] = np.rad2deg(np.arctan2(turned[:, 1, 2], turned[:, 2, 2]))
    channels[:, 4] = np.rad2deg(np.arcsin(np.clip(-turned[:, 0, 2], -1.0, 1.0)))
    channels[:, 5] = np.rad2deg(np.arctan2(turned[:, 0, 1], turned[:, 0, 0]))
    channels[:, 6:] = scale
    return np.asarray(REST + (channels - REST) / response)
