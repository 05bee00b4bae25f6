"""Photos aligned once and packed like rendered pairs: a dataset of the domain ``photos``, for the same loader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face
from f2p_datasets.collections.records import PhotoRecord, hash_record, read_record
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.encodings import DEFAULT_ENCODING, check_encoding
from f2p_datasets.errors import PhotoError
from f2p_datasets.manifest import DatasetManifest, finish_dataset
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.pose import PEOPLE
from f2p_datasets.processes import end_with_parent, worker_context
from f2p_datasets.provenance import Provenance
from f2p_datasets.quality import PHOTO_LIMITS, judge_face
from f2p_datasets.shards import finished_shard, write_shard
from f2p_datasets.subject import SubjectRule, choose_subject

#: Raise it whenever the same photos give other bytes.
CODE_VERSION: Final = "photos-2"
SMALLEST_FACE_PX: Final = 36.0
#: Photos are judged at this size or the dataset's, whatever is more: reduced first, each would look less sharp.
JUDGED_PX: Final = 256
SMALLEST_RESOLUTION, LARGEST_RESOLUTION = 32, 2048

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class PhotoPlan:
    """Which photos, aligned to what, at which size.

    records  photos of a collection whose folder is ``root``; a photo's index is its position here
    subject  whose face it is when a photo has several
    """

    root: Path
    records: tuple[PhotoRecord, ...]
    template: AlignmentTemplate
    subject: SubjectRule = "largest"
    resolution: int = 512
    shard_size: int = 500
    encoding: str = DEFAULT_ENCODING

    def __post_init__(self) -> None:
        if not self.records:
            raise PhotoError(f"{self.root}: no photos to import")
        if not SMALLEST_RESOLUTION <= self.resolution <= LARGEST_RESOLUTION:
            raise PhotoError(
                f"resolution: {self.resolution} pixels; give {SMALLEST_RESOLUTION} to {LARGEST_RESOLUTION}"
            )
        if self.shard_size < 1:
            raise PhotoError(f"shard_size: {self.shard_size}; give 1 or more")
        check_encoding(self.encoding)

    def numbered_records(self, shard_index: int) -> list[tuple[int, PhotoRecord]]:
        """Index and record of the photos of a shard."""
        start = shard_index * self.shard_size
        return list(enumerate(self.records[start : start + self.shard_size], start))

    def provenance(self, progress: Progress | None = None) -> Provenance:
        """Reads every photo once, for the hash of contents and of what the collection says about them."""
        digest = hashlib.sha256(self.subject.encode())
        for number, record in enumerate(self.records, 1):
            said = json.dumps([record.facts(), record.landmarks], sort_keys=True)
            digest.update(f"{said}\n{hash_record(self.root, record)}\n".encode())
            if progress:
                progress(number, len(self.records))
        return Provenance(
            domain="photos",
            code_version=CODE_VERSION,
            count=len(self.records),
            resolution=self.resolution,
            shard_size=self.shard_size,
            encoding=self.encoding,
            photos_sha256=digest.hexdigest(),
            template=self.template.tuples,
        )


def import_photos(
    plan: PhotoPlan,
    folder: Path,
    *,
    workers: int = 0,
    progress: Progress | None = None,
    provenance: Provenance | None = None,
) -> DatasetManifest:
    """Align the face that is meant in every photo and pack the results; resumes where a killed import stopped.

    A photo without a usable face, or that cannot be read, is left out; ``rejects.jsonl`` says which and why.
    ``progress`` is called with (photos done, photos in all) after each photo. ``provenance`` is the plan's, for
    those who know it already: all photos are read for it.
    """
    provenance = provenance or plan.provenance()
    align = partial(_align_one, plan.root, plan.template, plan.subject, plan.resolution)
    with _mapper(workers) as apply:
        for shard_index in range(provenance.num_shards):
            records = plan.numbered_records(shard_index)
            if finished_shard(folder, shard_index, provenance.key) is None:
                results = _report(apply(align, records), records[0][0], provenance.count, progress)
                write_shard(folder, shard_index, results, provenance)
            elif progress:
                progress(records[-1][0] + 1, provenance.count)
    return finish_dataset(folder, provenance)


def usable_faces(photo: Path, faces: Sequence[DetectedFace]) -> list[DetectedFace]:
    """The faces of a photo that are large enough, in their order. Raises PhotoError, naming the file, for none."""
    if not faces:
        raise PhotoError(f"{photo}: no face found; use a photo in which the face is larger and seen from the front")
    usable = [face for face in faces if face.height_px >= SMALLEST_FACE_PX]
    if not usable:
        raise PhotoError(
            f"{photo}: the face is {faces[0].height_px:.0f} pixels high; {SMALLEST_FACE_PX:.0f} at least are needed"
        )
    return usable


def _align_one(
    root: Path,
    template: AlignmentTemplate,
    subject: SubjectRule,
    resolution: int,
    numbered: tuple[int, PhotoRecord],
) -> Pair | Reject:
    """What a worker process does for one photo."""
    index, record = numbered
    try:
        picture, measured = _align(root, template, subject, resolution, record)
    except PhotoError as error:
        return Reject(index=index, reason=str(error).removeprefix(f"{root / record.name}: "), facts=record.facts())
    return Pair(index=index, picture=picture, facts=record.facts() | measured)


def _align(
    root: Path, template: AlignmentTemplate, subject: SubjectRule, resolution: int, record: PhotoRecord
) -> tuple[Picture, dict[str, Any]]:
    """The face that is meant in the studio's frame, and what was measured. Raises PhotoError, naming the photo."""
    picture = read_record(root, record)
    faces = usable_faces(root / record.name, _detector().detect(picture))
    face = choose_subject(faces, subject, _expected_place(record, picture))
    aligned = align_face(picture, face.landmarks, template, resolution, straight=PEOPLE)
    judged = aligned
    if resolution < JUDGED_PX:
        judged = align_face(picture, face.landmarks, template, JUDGED_PX, straight=PEOPLE)
    measured = judge_face(face, judged, template, PHOTO_LIMITS).to_dict()
    return aligned.picture, measured | {"landmark_error_px": round(aligned.landmark_error_px(template), 2)}


def _expected_place(record: PhotoRecord, picture: Picture) -> tuple[float, float]:
    """Where a collection's person is: the middle of its landmarks, else of the photo, in pixels."""
    if record.landmarks:
        x, y = np.mean(record.landmarks, axis=0)
        return float(x), float(y)
    height, width = picture.shape[:2]
    return width / 2, height / 2


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[..., Iterator[Pair | Reject]]]:
    """An ordered ``map``, in this process or over worker processes."""
    if workers < 1:
        yield map
        return
    with ProcessPoolExecutor(workers, mp_context=worker_context(), initializer=end_with_parent) as pool:
        yield partial(pool.map, chunksize=4)


def _report(
    results: Iterable[Pair | Reject], done: int, total: int, progress: Progress | None
) -> Iterator[Pair | Reject]:
    for number, result in enumerate(results, done + 1):
        if progress:
            progress(number, total)
        yield result


@lru_cache(maxsize=1)
def _detector() -> FaceDetector:
    return FaceDetector()
