"""Which vertices and triangles of the head are what: eyeballs, lids, lips, face, body.

N  vertices      M  triangles
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.mock.assets import Floats, Head, Ints
from engine_bridge.mock.surfaces import Surface
from engine_bridge.parts import Part

#: Lids keep this distance from the eyeball's centre, in its radii.
LID_CLEARANCE: Final = 1.03
#: Decimetres from an eyeball's centre within which skin may touch it.
LID_REACH: Final = 0.28
#: The zone is 1 on the face, 0 on neck and ears, -1 on clothes; it is face skin above this.
FACE_ZONE: Final = 0.5
#: A zone of one lies this far from a texture's middle: inside, for the software renderer wraps around at its border.
ZONE_REACH: Final = 0.47


def eyeballs(head: Head) -> tuple[Ints, Ints]:
    """Vertices of the left and of the right eyeball."""
    ball = np.unique(head.tris[head.surface == Surface.EYE]).astype(np.int32)
    return ball[head.positions[ball, 0] > 0], ball[head.positions[ball, 0] < 0]


def eye_radius(head: Head) -> float:
    """Radius of an eyeball in decimetres."""
    return float(np.linalg.norm(head.positions[eyeballs(head)[0]] - head.eyes[0], axis=1).max())


def lids(head: Head) -> Ints:
    """Skin and lash vertices near an eyeball."""
    skin = np.unique(head.tris[np.isin(head.surface, (Surface.SKIN, Surface.LASH))]).astype(np.int32)
    distance = np.linalg.norm(head.positions[skin][:, None] - head.eyes, axis=2).min(1)
    return np.asarray(skin[distance < LID_REACH])


def uv_in_crop(head: Head) -> Floats:
    """(N, 2) texture coordinates in the square that the skin map covers, (0, 0) at its lower left."""
    u0, v0, u1, v1 = head.face_crop
    return np.asarray((head.uv - (u0, v0)) / (u1 - u0, v1 - v0), np.float32)


def triangle_groups(head: Head) -> dict[str, Ints]:
    """The triangles (M, 3) of everything that is drawn on its own.

    Those of the face carry parts; those of the jaw line, on the same map, are face above and neck below.
    """
    skin = head.tris[head.surface == Surface.SKIN]
    uv = uv_in_crop(head)[skin]
    on_map = ((uv > 0.0) & (uv < 1.0)).all((1, 2))
    jaw = on_map & (head.zone[skin] <= FACE_ZONE).any(1)
    lips = on_map & _on_lips(head, uv)
    eyes = head.tris[head.surface == Surface.EYE]
    is_left = head.positions[eyes[:, 0], 0] > 0
    inside = np.isin(head.surface, (Surface.TEETH, Surface.TONGUE, Surface.MOUTH))
    return {
        "face": skin[on_map & ~lips & ~jaw],
        "jaw": skin[jaw],
        "lips": skin[lips],
        "body": skin[~on_map],
        "left_eye": eyes[is_left],
        "right_eye": eyes[~is_left],
        "mouth": head.tris[inside],
        "lashes": head.tris[head.surface == Surface.LASH],
    }


def _on_lips(head: Head, uv: Floats) -> npt.NDArray[np.bool_]:
    """Whether a lip's texel lies under a corner or the middle of the triangles whose corners are ``uv`` (M, 3, 2)."""
    side = len(head.skin)
    lip = np.isin(head.skin[..., 5], (Part.UPPER_LIP, Part.LOWER_LIP)) & (head.skin[..., 4] > 0)
    texels = np.clip(np.concatenate([uv, uv.mean(1, keepdims=True)], 1) * side, 0, side - 1).astype(np.intp)
    return np.asarray(lip[side - 1 - texels[..., 1], texels[..., 0]].any(1))
