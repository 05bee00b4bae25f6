"""How human the geometry of a face is: its landmarks against those of people.

N   faces        landmarks (68, 2), fractions of the side of the studio's frame
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face
from f2p_datasets.detection import FaceDetector
from f2p_datasets.errors import DatasetError

#: Fewer people say too little about how much faces differ.
FEWEST_PEOPLE: Final = 20
#: A face is an outlier when it is further from the mean face than this share of the people themselves.
INLIERS: Final = 0.95

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FaceGeometry:
    """The landmarks of people's faces: ``mean`` and ``deviation`` (68, 2), and how far people are from the mean."""

    mean: Points
    deviation: Points
    limit: float

    @classmethod
    def of_people(cls, faces: Sequence[Points]) -> FaceGeometry:
        """From the aligned landmarks of people, 20 at least. Raises DatasetError for fewer."""
        if len(faces) < FEWEST_PEOPLE:
            raise DatasetError(f"faces: {len(faces)} people say too little of how faces differ; give {FEWEST_PEOPLE}")
        points = np.stack(faces)
        mean, deviation = points.mean(0), points.std(0)
        distances = [_distance(face, mean, deviation) for face in points]
        return cls(mean, deviation, float(np.quantile(distances, INLIERS)))

    def distance(self, face: Points) -> float:
        """Root mean square of the landmarks' distances from the mean face, in people's standard deviations."""
        return _distance(face, self.mean, self.deviation)

    def is_outlier(self, face: Points) -> bool:
        """Whether the face is further from the mean than 95 % of the people."""
        return self.distance(face) > self.limit


def find_geometry(picture: Picture, template: AlignmentTemplate, detector: FaceDetector) -> Points | None:
    """The landmarks of the largest face of a picture, aligned to the template; None where no face is found."""
    faces = detector.detect(picture)
    if not faces:
        return None
    side = picture.shape[0]
    return np.asarray(align_face(picture, faces[0].landmarks, template, side).landmarks / side, np.float64)


def _distance(face: Points, mean: Points, deviation: Points) -> float:
    return float(np.sqrt((((face - mean) / deviation) ** 2).mean()))
