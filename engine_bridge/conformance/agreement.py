"""Whether two engines that draw the same character mean the same thing by the same vector.

Pictures of different engines are never equal; what must agree is where a face has its landmarks and its parts.

F  faces      L  landmarks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.bridge import EngineBridge
from engine_bridge.frames import Frame, Mask, Picture, RenderRequest
from engine_bridge.parts import Part, paint_mask
from engine_bridge.schema import Vector

Points = npt.NDArray[np.float64]
#: Finds the landmarks (L, 2) of a picture's face, in pixels, or nothing.
FindLandmarks = Callable[[Picture], Points | None]

#: A part of fewer pixels is too small to say anything about its overlap.
SMALLEST_PART_PX: Final = 60


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How two engines agree on F faces.

    distance_px  (L,) median over the faces of the distance between the two engines' landmarks
    overlap      per part: intersection over union of both engines' masks, over all faces in which it is big enough
    same_part    share of all pixels that both engines give the same part
    num_faces    F
    num_found    faces in which both engines' pictures have landmarks
    """

    distance_px: Points
    overlap: Mapping[Part, float]
    same_part: float
    num_faces: int
    num_found: int

    def __str__(self) -> str:
        overlaps = ", ".join(f"{part.name.lower()} {share:.3f}" for part, share in self.overlap.items())
        return (
            f"{self.num_found} of {self.num_faces} faces found in both; landmarks differ by "
            f"{np.median(self.distance_px):.2f} px (median), {self.distance_px.max():.2f} px (worst landmark); "
            f"{self.same_part:.2%} of the pixels agree; overlap: {overlaps}"
        )


def render_both(
    first: EngineBridge, second: EngineBridge, character: str, vectors: Sequence[Vector], resolution: int = 512
) -> list[tuple[Frame, Frame]]:
    """The same vectors in both engines' studios."""
    requests = [
        RenderRequest(request_id=number, character=character, vector=vector, resolution=resolution)
        for number, vector in enumerate(vectors)
    ]
    return list(zip(first.render(requests), second.render(requests), strict=True))


def measure_agreement(pairs: Sequence[tuple[Frame, Frame]], find_landmarks: FindLandmarks) -> Agreement:
    """Compare two engines' frames of the same vectors."""
    found = [(find_landmarks(first.picture), find_landmarks(second.picture)) for first, second in pairs]
    distances = [
        np.linalg.norm(first - second, axis=1) for first, second in found if first is not None and second is not None
    ]
    masks = [(first.mask, second.mask) for first, second in pairs]
    return Agreement(
        distance_px=np.median(distances, axis=0) if distances else np.full(1, np.inf),
        overlap=part_overlaps(masks),
        same_part=float(np.mean([first == second for first, second in masks])),
        num_faces=len(pairs),
        num_found=len(distances),
    )


def part_overlaps(masks: Sequence[tuple[Mask, Mask]]) -> dict[Part, float]:
    """Intersection over union per part, summed over the pairs of masks in which the part is big enough in both."""
    overlaps = {}
    for part in Part:
        shares = [(first == part, second == part) for first, second in masks]
        big = [pair for pair in shares if min(pair[0].sum(), pair[1].sum()) >= SMALLEST_PART_PX]
        if big:
            both, either = (sum(int(join(*pair).sum()) for pair in big) for join in (np.logical_and, np.logical_or))
            overlaps[part] = both / either
    return overlaps


def contact_sheet(pairs: Sequence[tuple[Frame, Frame]], columns: int = 4) -> Picture:
    """Both engines' pictures and masks of every face: first picture, second picture, first mask, second mask."""
    cells = [
        np.concatenate([first.picture, second.picture, paint_mask(first.mask), paint_mask(second.mask)], axis=1)
        for first, second in pairs
    ]
    empty = np.zeros_like(cells[0])
    padded = cells + [empty] * (-len(cells) % columns)
    rows = [np.concatenate(padded[start : start + columns], axis=1) for start in range(0, len(padded), columns)]
    return np.concatenate(rows)
