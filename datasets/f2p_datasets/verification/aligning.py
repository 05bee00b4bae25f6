"""Pictures of a verification set in the studio's frame: every one, whether a face is found in it or not.

A face that is found where the set's person is to be is aligned by its landmarks, as any photo is. Otherwise a fixed
box takes its place, as is usual for these sets, so that all pairs count:

crops    insightface's reference points, which such a picture's eyes, nose and mouth corners lie at
photos   the central square, with a face framed as LFW's are (their mean points, measured)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face, fit_similarity, warp_picture
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.errors import PhotoError
from f2p_datasets.photo_sets import SMALLEST_FACE_PX
from f2p_datasets.processes import end_with_parent, worker_context
from f2p_datasets.subject import choose_subject
from f2p_datasets.verification.sets import Framing, Pictures

Points = npt.NDArray[np.float64]

#: Both eyes' centres, tip of the nose, corners of the mouth, in fractions of the side. Crops: insightface's
#: ``src1`` for 112 x 112 pixels. Photos: the median over every tenth person of LFW's peopleDevTrain.
REFERENCE_POINTS: Final[dict[Framing, tuple[tuple[float, float], ...]]] = {
    "crops": (
        (38.2946 / 112, 51.6963 / 112),
        (73.5318 / 112, 51.5014 / 112),
        (56.0252 / 112, 71.7366 / 112),
        (41.5493 / 112, 92.3655 / 112),
        (70.7299 / 112, 92.2041 / 112),
    ),
    "photos": ((0.418, 0.457), (0.585, 0.453), (0.502, 0.542), (0.430, 0.634), (0.582, 0.630)),
}


@dataclass(frozen=True, eq=False)
class AlignedPicture:
    """(H, H, 3) uint8 in the studio's frame, and whether a face was found in it."""

    picture: Picture
    found: bool


def aligned_pictures(
    pictures: Pictures,
    template: AlignmentTemplate,
    resolution: int,
    *,
    framing: Framing = "photos",
    workers: int = 0,
) -> Iterator[AlignedPicture]:
    """All pictures in order, by ``workers`` processes (0: by this one). Raises PhotoError for a damaged one."""
    job = _Job(pictures, template, resolution, framing)
    if workers < 1:
        yield from map(job, range(len(pictures)))
        return
    with ProcessPoolExecutor(workers, mp_context=worker_context(), initializer=_begin, initargs=(job,)) as pool:
        yield from pool.map(_continue, range(len(pictures)), chunksize=16)


def align_or_frame(
    picture: Picture, template: AlignmentTemplate, resolution: int, framing: Framing, detector: FaceDetector
) -> AlignedPicture:
    """The face that is meant by its landmarks, or the fixed box."""
    reference = _reference(picture, framing)
    face = _central_face(detector.detect(picture), reference)
    if face is not None:
        return AlignedPicture(align_face(picture, face.landmarks, template, resolution).picture, found=True)
    matrix, _ = fit_similarity(reference, five_points(template.at(resolution)))
    return AlignedPicture(warp_picture(picture, matrix, resolution), found=False)


def _central_face(faces: Sequence[DetectedFace], reference: Points) -> DetectedFace | None:
    """These sets are cut around the person they name; in LFW somebody larger may stand beside."""
    usable = [face for face in faces if face.height_px >= SMALLEST_FACE_PX]
    x, y = reference.mean(0)
    try:
        return choose_subject(usable, "central", (float(x), float(y))) if usable else None
    except PhotoError:  # only others were found
        return None


def five_points(landmarks: Points) -> Points:
    """Landmarks (68, 2) -> eyes, tip of the nose, corners of the mouth: (5, 2), the picture's left before its right."""
    eyes = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    return np.stack([*eyes, landmarks[30], landmarks[48], landmarks[54]])


def _reference(picture: Picture, framing: Framing) -> Points:
    height, width = picture.shape[:2]
    side = min(height, width)
    corner = np.array([(width - side) / 2, (height - side) / 2])
    return np.asarray(np.array(REFERENCE_POINTS[framing]) * side + corner - 0.5, np.float64)


@dataclass(frozen=True)
class _Job:
    pictures: Pictures
    template: AlignmentTemplate
    resolution: int
    framing: Framing

    def __call__(self, index: int) -> AlignedPicture:
        return align_or_frame(self.pictures[index], self.template, self.resolution, self.framing, _detector())


_jobs: list[_Job] = []


def _begin(job: _Job) -> None:
    """First thing in a worker process: a set's encoded pictures are sent once, not with every task."""
    end_with_parent()
    _jobs[:] = [job]


def _continue(index: int) -> AlignedPicture:
    return _jobs[0](index)


@lru_cache(maxsize=1)
def _detector() -> FaceDetector:
    return FaceDetector()
