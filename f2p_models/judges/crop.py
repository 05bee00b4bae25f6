"""Where the judges' networks want a face to lie: crops of the studio's frame, as insightface's five points place it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from f2p_models.embedders.chip import Chip, Points, fit_similarity

#: Both eyes, the nose's tip and the mouth's corners in fractions of a crop of 112 pixels (insightface's alignment).
FIVE_POINTS: Final = (
    (38.7946 / 112, 52.1963 / 112),
    (74.0318 / 112, 52.0014 / 112),
    (56.5252 / 112, 72.2366 / 112),
    (42.0493 / 112, 92.8655 / 112),
    (71.2299 / 112, 92.7041 / 112),
)
_EYES: Final = (slice(36, 42), slice(42, 48))
_NOSE_AND_MOUTH: Final = (30, 48, 54)


def face_crop(template: npt.ArrayLike, side_px: int, *, face_scale: float, lowered: float = 0.0) -> Chip:
    """A square crop for landmarks at ``template`` (68, 2), fractions of the side of the pictures it will see.

    ``face_scale`` 1 is insightface's tight crop; below it the face is smaller and more of the head is seen.
    ``lowered`` moves the face down, in fractions of the crop's side.
    """
    landmarks: Points = np.asarray(template, np.float64)
    eyes = [landmarks[eye].mean(0) for eye in _EYES]
    target = np.vstack([*eyes, landmarks[list(_NOSE_AND_MOUTH)]])
    points = ((np.asarray(FIVE_POINTS) - 0.5) * face_scale + 0.5 + (0.0, lowered)) * side_px
    return Chip(fit_similarity(points, target), side_px)
