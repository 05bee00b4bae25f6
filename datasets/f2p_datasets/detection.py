"""Faces and their 68 landmarks, by dlib: histogram-of-gradients detector and ERT shape predictor.

The predictor's file comes with the package face_recognition_models, which is never imported (it needs the vanished
pkg_resources): its files are found through the installation's own list.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Picture
from f2p_datasets.errors import DatasetError

#: Confidence above which a find is hardly ever something else; real profiles may lie below it.
CERTAIN: Final = 0.5

Landmarks = npt.NDArray[np.float64]

_PREDICTOR_FILE: Final = "shape_predictor_68_face_landmarks.dat"


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """A face in a picture.

    box         left, top, right, bottom in pixels
    landmarks   (68, 2) float64 pixels, x right, y down, in dlib's order
    confidence  the detector's score; above 0, rarely above 3
    """

    box: tuple[float, float, float, float]
    landmarks: Landmarks
    confidence: float

    @property
    def height_px(self) -> float:
        return self.box[3] - self.box[1]


class FaceDetector:
    """Finds faces. Used by one thread at a time; building the first costs half a second.

    search_px   pictures are searched at no more than this on the longer side: the detector's time goes with the area,
                and at 640 px it sees faces down to an eighth of the side
    """

    def __init__(self, *, search_px: int = 640) -> None:
        self._search_px = search_px
        self._find, self._predict = _load_models()

    def detect(self, picture: Picture) -> list[DetectedFace]:
        """Faces in (H, W, 3) uint8 sRGB, the largest first; empty when there is none.

        Uncertain finds count only when there is no certain one: most of them are no faces. When nothing is found at
        the search size, the picture is searched once more at full size, doubled if it is small.
        """
        picture = np.ascontiguousarray(picture)
        faces = self._search(picture, self._search_px)
        if not faces:
            longest = max(picture.shape[:2])
            faces = self._search(picture, min(longest, 4 * self._search_px), doubled=longest < 1600)
        certain = [face for face in faces if face.confidence >= CERTAIN]
        return sorted(certain or faces, key=lambda face: face.height_px, reverse=True)

    def _search(self, picture: Picture, search_px: int, *, doubled: bool = False) -> list[DetectedFace]:
        """Boxes are found in the reduced picture, landmarks placed in the full one."""
        factor = min(1.0, search_px / max(picture.shape[:2]))
        searched = picture
        if factor < 1.0:
            searched = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
        boxes, scores, _ = self._find.run(searched, int(doubled), 0.0)
        return [self._describe(picture, box, float(score), factor) for box, score in zip(boxes, scores, strict=True)]

    def _describe(self, picture: Picture, found: Any, score: float, factor: float) -> DetectedFace:
        import dlib

        left, top, right, bottom = (
            side / factor for side in (found.left(), found.top(), found.right(), found.bottom())
        )
        box = dlib.rectangle(round(left), round(top), round(right), round(bottom))
        shape = self._predict(picture, box)
        landmarks = np.array([(point.x, point.y) for point in shape.parts()], np.float64)
        return DetectedFace(box=(left, top, right, bottom), landmarks=landmarks, confidence=score)


def find_model_file(name: str) -> Path:
    """A data file of the installed face_recognition_models. Raises DatasetError when it is not there."""
    try:
        installed = importlib.metadata.files("face_recognition_models") or []
    except importlib.metadata.PackageNotFoundError:
        installed = []
    for entry in installed:
        path = Path(str(entry.locate()))
        if path.name == name and path.is_file():
            return path
    raise DatasetError(f"{name}: not found; install the package face_recognition_models (0.3.0 or newer)")


@lru_cache(maxsize=1)
def _load_models() -> tuple[Any, Any]:
    import dlib

    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(find_model_file(_PREDICTOR_FILE)))
