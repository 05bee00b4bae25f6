"""Photos aligned once and packed like rendered pairs: a dataset of the domain ``photos``, for the same loader."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from f2p_datasets.alignment import AlignedFace, AlignmentTemplate, align_face
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.durable import sha256_of
from f2p_datasets.encodings import DEFAULT_ENCODING, check_encoding
from f2p_datasets.errors import PhotoError
from f2p_datasets.manifest import DatasetManifest, finish_dataset
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.photos import read_photo
from f2p_datasets.processes import end_with_parent, worker_context
from f2p_datasets.provenance import Provenance
from f2p_datasets.quality import FaceQuality, judge_face
from f2p_datasets.shards import finished_shard, write_shard

#: Raise it whenever the same photos give other bytes.
CODE_VERSION: Final = "photos-1"
SMALLEST_FACE_PX: Final = 36.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class PhotoPlan:
    """Which photos, aligned to what, at which size.

    photos  files below ``root``; a photo's index is its position here
    """

    root: Path
    photos: tuple[Path, ...]
    template: AlignmentTemplate
    resolution: int = 512
    shard_size: int = 500
    encoding: str = DEFAULT_ENCODING

    def __post_init__(self) -> None:
        if not self.photos:
            raise PhotoError(f"{self.root}: no photos to import")
        check_encoding(self.encoding)

    def numbered_photos(self, shard_index: int) -> list[tuple[int, Path]]:
        """Index and file of the photos of a shard."""
        start = shard_index * self.shard_size
        return list(enumerate(self.photos[start : start + self.shard_size], start))

    def provenance(self) -> Provenance:
        """Reads every photo once, for the hash of names and contents."""
        digest = hashlib.sha256()
        for photo in self.photos:
            if not photo.is_file():
                raise PhotoError(f"{photo}: no such file; list the photos again")
            digest.update(f"{photo.relative_to(self.root).as_posix()}\n{sha256_of(photo)}\n".encode())
        return Provenance(
            domain="photos",
            code_version=CODE_VERSION,
            count=len(self.photos),
            resolution=self.resolution,
            shard_size=self.shard_size,
            encoding=self.encoding,
            photos_sha256=digest.hexdigest(),
            template=self.template.tuples,
        )


def import_photos(
    plan: PhotoPlan, folder: Path, *, workers: int = 0, progress: Progress | None = None
) -> DatasetManifest:
    """Align every photo's largest face and pack the results; resumes where a killed import stopped.

    A photo without a usable face, or that cannot be read, is left out; ``rejects.jsonl`` says which and why.
    ``progress`` is called with (photos done, photos in all) after each photo.
    """
    provenance = plan.provenance()
    align = partial(_align_one, plan.root, plan.template, plan.resolution)
    with _mapper(workers) as apply:
        for shard_index in range(provenance.num_shards):
            photos = plan.numbered_photos(shard_index)
            if finished_shard(folder, shard_index, provenance.key) is None:
                results = _report(apply(align, photos), photos[0][0], provenance.count, progress)
                write_shard(folder, shard_index, results, provenance)
            elif progress:
                progress(photos[-1][0] + 1, provenance.count)
    return finish_dataset(folder, provenance)


def align_photo(photo: Path, template: AlignmentTemplate, resolution: int) -> tuple[AlignedFace, FaceQuality]:
    """The largest face of a photo in the studio's frame. Raises PhotoError, naming the file, when there is none."""
    picture = read_photo(photo)
    face = usable_faces(photo, _detector().detect(picture))[0]
    aligned = align_face(picture, face.landmarks, template, resolution)
    return aligned, judge_face(face, aligned, template)


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


def _align_one(root: Path, template: AlignmentTemplate, resolution: int, numbered: tuple[int, Path]) -> Pair | Reject:
    """What a worker process does for one photo."""
    index, photo = numbered
    facts = {"file": photo.relative_to(root).as_posix()}
    try:
        aligned, quality = align_photo(photo, template, resolution)
    except PhotoError as error:
        return Reject(index=index, reason=str(error).removeprefix(f"{photo}: "), facts=facts)
    return Pair(index=index, picture=aligned.picture, facts=facts | quality.to_dict())


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
