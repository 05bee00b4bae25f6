"""A face mesh freed of pose, place and size, and the proportions people speak of.

B meshes of 468 points (x right, y down, z away from the camera, one unit for all three), numbered as MediaPipe's mesh.
Sides are the picture's: what is called left lies left in the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

#: Points that mirror each other: eyes' outer and inner corners, brows, cheeks, nose wings, mouth corners, jaw.
_MIRRORED: Final = ((33, 263), (133, 362), (70, 300), (234, 454), (129, 358), (61, 291), (172, 397))
_FOREHEAD, _CHIN = 10, 152
#: Points on the middle of the face. The others of the first 248 are on the picture's left; from 248 on come those of
#: the right, in the order of their counterparts.
_MIDDLE: Final = frozenset(
    {0, 1, 2, 4, 5, 6, 8, 9, *range(10, 20), 94, 151, 152, 164, 168, 175, 195, 197, 199, 200},
)
_NUM_POINTS, _FIRST_RIGHT = 468, 248

#: What is measured -> two points, or two pairs whose middles count; all but the aspect in face widths.
_SPANS: Final[Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]] = {
    "eye distance": ((33, 133), (362, 263)),
    "eye width": ((33,), (133,)),
    "nose width": ((129,), (358,)),
    "nose length": ((168,), (2,)),
    "mouth width": ((61,), (291,)),
    "jaw width": ((172,), (397,)),
    "lips to chin": ((17,), (152,)),
}
_FACE_WIDTH: Final = ((234,), (454,))
PROPORTIONS: Final = (*_SPANS, "face height")


def without_pose(meshes: Tensor) -> Tensor:
    """(B, 468, 3) -> the same points in the head's own axes, about their middle, with a mean square of 1.

    The first axis joins mirrored points, the second leads from forehead to chin.
    """
    right = torch.stack([meshes[:, second] - meshes[:, first] for first, second in _MIRRORED]).sum(0)
    across = F.normalize(right, dim=-1)
    down = meshes[:, _CHIN] - meshes[:, _FOREHEAD]
    down = F.normalize(down - (down * across).sum(-1, keepdim=True) * across, dim=-1)
    axes = torch.stack([across, down, torch.linalg.cross(across, down)], dim=-1)
    turned = (meshes - meshes.mean(1, keepdim=True)) @ axes
    return turned / turned.square().mean((1, 2), keepdim=True).sqrt()


def other_sides() -> list[int]:
    """For each of the 468 points the number of its counterpart; its own for those in the middle."""
    left = [number for number in range(_FIRST_RIGHT) if number not in _MIDDLE]
    pairs = dict(zip(left, range(_FIRST_RIGHT, _NUM_POINTS), strict=True))
    pairs |= {right: number for number, right in pairs.items()}
    return [pairs.get(number, number) for number in range(_NUM_POINTS)]


def symmetric(meshes: Tensor) -> Tensor:
    """Meshes (B, 468, 3) without pose -> the mean of each and its mirror image.

    A face half turned away is seen wrong on the far side, and what is a person's own is mostly the same on both.
    """
    mirrored = meshes[:, other_sides()] * meshes.new_tensor((-1.0, 1.0, 1.0))
    return (meshes + mirrored) / 2.0


def proportions(meshes: Tensor) -> Tensor:
    """(B, 468, 3), in any pose and size -> (B, 8) in the order of :data:`PROPORTIONS`, in widths of the face."""
    width = _span(meshes, *_FACE_WIDTH)
    spans = [_span(meshes, *ends) for ends in _SPANS.values()]
    return torch.stack([*spans, _span(meshes, (_FOREHEAD,), (_CHIN,))], dim=-1) / width[:, None]


def _span(meshes: Tensor, first: tuple[int, ...], second: tuple[int, ...]) -> Tensor:
    ends = meshes[:, list(first)].mean(1) - meshes[:, list(second)].mean(1)
    length: Tensor = torch.linalg.vector_norm(ends, dim=-1)
    return length
