"""Whose face it is: of several faces in a photo, the one that is meant.

``largest``   people bring photos of themselves: whoever is largest is meant. Plain folders and tars
``central``   published collections cut their photos around the person they name: in LFW the largest face may be
              somebody else's, in front of them
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from f2p_datasets.detection import DetectedFace
from f2p_datasets.errors import PhotoError

SubjectRule = Literal["largest", "central"]


def choose_subject(faces: Sequence[DetectedFace], rule: SubjectRule, place: tuple[float, float]) -> DetectedFace:
    """The face that is meant, of faces with the largest first; ``place`` (x, y) in pixels is the central one's.

    Raises PhotoError when there are faces, but none at that place.
    """
    if rule == "largest":
        return faces[0]
    nearest = min(faces, key=lambda face: _distance(face, place))
    left, top, right, bottom = nearest.box
    if left <= place[0] <= right and top <= place[1] <= bottom:
        return nearest
    raise PhotoError("no face found where the collection's person is, only beside")


def _distance(face: DetectedFace, place: tuple[float, float]) -> float:
    left, top, right, bottom = face.box
    return float(np.hypot((left + right) / 2 - place[0], (top + bottom) / 2 - place[1]))
