"""Labelled photos in the studio's frame: to learn from, as a dataset; to be judged by, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Mask, Picture
from engine_bridge.parts import NOT_JUDGED, Part
from f2p_datasets.alignment import AlignedFace, AlignmentTemplate, Matrix, align_face
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.encodings import DEFAULT_ENCODING
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.manifest import DatasetManifest, finish_dataset
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.parsing.formats import ParsingSet
from f2p_datasets.parsing.records import LabelledPhoto
from f2p_datasets.photo_sets import Progress, usable_faces
from f2p_datasets.pose import PEOPLE
from f2p_datasets.provenance import Provenance
from f2p_datasets.quality import PHOTO_LIMITS, judge_face
from f2p_datasets.shards import finished_shard, write_shard

#: Raise it whenever the same photos give other bytes.
CODE_VERSION: Final = "parsing-1"
JAW_LINE: Final = slice(0, 17)
_SIDES: Final = ((Part.LEFT_BROW, Part.RIGHT_BROW), (Part.LEFT_EYE, Part.RIGHT_EYE))


@dataclass(frozen=True, kw_only=True)
class ParsingPlan:
    """Which labelled photos, aligned to what, at which size. Raises DatasetError for a set without all parts."""

    labelled: ParsingSet
    template: AlignmentTemplate
    resolution: int = 256
    shard_size: int = 500

    def __post_init__(self) -> None:
        if not self.labelled.scheme.has_all_parts:
            raise DatasetError(
                f"{self.labelled.root}: {self.labelled.format.title} has {self.labelled.scheme.name}, which do not "
                "tell all parts apart; it can judge a segmenter, not teach it"
            )

    def provenance(self) -> Provenance:
        """Reads every file once, for the hash of names and contents."""
        return Provenance(
            domain="labelled-photos",
            code_version=CODE_VERSION,
            count=len(self.labelled.photos),
            resolution=self.resolution,
            shard_size=self.shard_size,
            encoding=DEFAULT_ENCODING,
            photos_sha256=self.labelled.sha256,
            template=self.template.tuples,
        )


def import_parsing_set(plan: ParsingPlan, folder: Path, *, progress: Progress | None = None) -> DatasetManifest:
    """Align every labelled photo and pack it with its mask; resumes where a killed import stopped.

    Photos without a usable face, and those with wrong labels, are left out; ``rejects.jsonl`` says which and why.
    What a photo does not show of the frame is ``NOT_JUDGED`` in its mask.
    """
    provenance = plan.provenance()
    for shard_index in range(provenance.num_shards):
        start = shard_index * plan.shard_size
        photos = plan.labelled.photos[start : start + plan.shard_size]
        if finished_shard(folder, shard_index, provenance.key) is None:
            pairs = (_pair(plan, start + number, photo) for number, photo in enumerate(photos))
            write_shard(folder, shard_index, _report(pairs, start, provenance.count, progress), provenance)
    return finish_dataset(folder, provenance)


@dataclass(frozen=True, eq=False)
class AlignedLabels:
    """A labelled photo and its face in the studio's frame.

    mask  class ids (H, W) uint8 of the set's scheme, in the *photo's* own pixels
    """

    photo: LabelledPhoto
    picture: Picture
    mask: Mask
    found: DetectedFace
    face: AlignedFace

    def in_photo(self, parts: Mask) -> Mask:
        """Part ids (R, R) of the frame in the photo's pixels (H, W); ``NOT_JUDGED`` where the frame does not reach."""
        height, width = self.mask.shape
        scaled = self.face.matrix * (parts.shape[0] / self.face.picture.shape[0])
        scaled[:, 2] += 0.5 * (parts.shape[0] / self.face.picture.shape[0] - 1.0)  # centers of pixels
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(parts, scaled, (width, height), flags=flags, borderValue=NOT_JUDGED), np.uint8)

    def within_jaw(self, skin: int) -> Mask:
        """The mask with ``skin`` beyond the face's outline ``NOT_JUDGED``: neck and ears.

        The outline is the detector's jaw line from ear to ear, open to the top.
        """
        jaw = self.found.landmarks[JAW_LINE]
        outline = np.vstack([jaw, [jaw[-1, 0], 0.0], [jaw[0, 0], 0.0]]).round().astype(np.int32)
        inside = np.asarray(cv2.fillPoly(np.zeros_like(self.mask), [outline], 1), bool)
        return np.where((self.mask == skin) & ~inside, np.uint8(NOT_JUDGED), self.mask)


def align_labelled(
    labelled: ParsingSet,
    photo: LabelledPhoto,
    template: AlignmentTemplate,
    resolution: int,
) -> AlignedLabels:
    """One photo's largest face at ``resolution``. Raises PhotoError, naming the file, for no face or wrong labels."""
    picture, mask = labelled.read(photo)
    found = usable_faces(labelled.root / photo.photo, _detector().detect(picture))[0]
    face = align_face(picture, found.landmarks, template, resolution, straight=PEOPLE)
    if not labelled.format.own_sides:
        mask = with_own_sides(mask, face.matrix)
    return AlignedLabels(photo=photo, picture=picture, mask=mask, found=found, face=face)


def warp_labels(mask: Mask, matrix: Matrix, resolution: int) -> Mask:
    """Class ids (H, W) of a photo in the frame, the nearest one; beyond the photo's edge ``NOT_JUDGED``."""
    size = (resolution, resolution)
    warped = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST, borderValue=NOT_JUDGED)
    return np.asarray(warped, np.uint8)


def with_own_sides(mask: Mask, matrix: Matrix) -> Mask:
    """Part ids (H, W) of a photo, left and right exchanged if they are the viewer's.

    In the frame, where ``matrix`` (2, 3) brings the face upright, the person's left is on the right. A face of which
    one side is hidden keeps its labels.
    """
    turned = mask.copy()
    for left, right in _SIDES:
        places = [_upright_x(mask == part, matrix) for part in (left, right)]
        if places[0] is not None and places[1] is not None and places[0] < places[1]:
            turned[mask == left], turned[mask == right] = right, left
    return turned


def _upright_x(inside: npt.NDArray[np.bool_], matrix: Matrix) -> float | None:
    """Where the middle of some pixels (H, W) lies in the frame, from left to right; None when there are none."""
    rows, columns = np.nonzero(inside)
    return float(matrix[0] @ (columns.mean(), rows.mean(), 1.0)) if rows.size else None


def _pair(plan: ParsingPlan, index: int, photo: LabelledPhoto) -> Pair | Reject:
    labelled, facts = plan.labelled, {"file": photo.photo, "partition": photo.partition}
    try:
        aligned = align_labelled(labelled, photo, plan.template, plan.resolution)
    except PhotoError as error:
        return Reject(index=index, reason=str(error), facts=facts)
    measured = judge_face(aligned.found, aligned.face, plan.template, PHOTO_LIMITS).to_dict()
    mask = warp_labels(aligned.mask, aligned.face.matrix, plan.resolution)
    return Pair(index=index, picture=aligned.face.picture, mask=mask, facts=facts | measured)


def _report(
    pairs: Iterator[Pair | Reject], done: int, total: int, progress: Progress | None
) -> Iterator[Pair | Reject]:
    for number, pair in enumerate(pairs, done + 1):
        if progress:
            progress(number, total)
        yield pair


@lru_cache(maxsize=1)
def _detector() -> FaceDetector:
    return FaceDetector()
