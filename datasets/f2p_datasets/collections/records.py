"""A record: a photo of a collection, where it lies, and what the collection's lists say about it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from engine_bridge.frames import Picture
from f2p_datasets.durable import sha256_of
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.photos import decode_photo, read_photo

LARGEST_PHOTO_BYTES: Final = 64 << 20
MISSING: Final = "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class TarSlice:
    """Where a tar has a photo's bytes. ``tar`` is a path below the collection's folder, with ``/`` between."""

    tar: str
    offset: int
    num_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoRecord:
    """A photo of a collection.

    name        its path below the collection's folder, with ``/`` between; of a tar's member ``TAR/MEMBER``
    identity    whose face it is; None when the collection does not say
    partition   which part of the collection it belongs to; None when there are none
    attributes  what the collection says of the face, e.g. ``Smiling``
    landmarks   (N, 2) pixels of the photo, when the collection has them: they tell which face is meant
    inside      the tar that holds it; None for a file

    Raises DatasetError for a name that leads out of the folder: names come from lists that anybody may have written.
    """

    name: str
    identity: str | None = None
    partition: str | None = None
    attributes: tuple[str, ...] = ()
    landmarks: tuple[tuple[float, float], ...] | None = None
    inside: TarSlice | None = None

    def __post_init__(self) -> None:
        check_name(self.name)

    def facts(self) -> dict[str, Any]:
        """What a dataset of photos says about it, in plain JSON."""
        said = {"identity": self.identity, "partition": self.partition, "attributes": list(self.attributes)}
        return {"file": self.name, **{name: value for name, value in said.items() if value}}


Listing = Callable[[Path, str | None], list[PhotoRecord]]
"""(collection, partition or None for all) -> its photos, in an order that is always the same."""


def check_name(name: str) -> None:
    """Raise DatasetError unless a name stays below its folder, on any system."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name or "\0" in name:
        raise DatasetError(f"{name!r} leads out of its folder; give plain names of files below it")


def read_record(root: Path, record: PhotoRecord) -> Picture:
    """The photo, (H, W, 3) uint8 sRGB, upright. Raises PhotoError naming it when it cannot be read."""
    if record.inside is None:
        return read_photo(root / record.name)
    try:
        return decode_photo(io.BytesIO(_bytes_inside(root, record.inside)))
    except PhotoError as error:
        raise PhotoError(f"{root / record.name}: {error}") from error


def hash_record(root: Path, record: PhotoRecord) -> str:
    """SHA-256 of the photo's bytes, or ``missing``."""
    if record.inside is None:
        return sha256_of(root / record.name) if (root / record.name).is_file() else MISSING
    try:
        return hashlib.sha256(_bytes_inside(root, record.inside)).hexdigest()
    except PhotoError:
        return MISSING


def of_partition(records: Iterable[PhotoRecord], partition: str | None) -> list[PhotoRecord]:
    """Those of one partition, or all for None. Raises DatasetError, naming the partitions, when there are none."""
    records = list(records)
    chosen = [record for record in records if partition in (None, record.partition)]
    if records and not chosen:
        known = sorted({record.partition for record in records if record.partition})
        raise DatasetError(f"partition: {partition!r} has no photos; {say_known(known)}")
    return chosen


def say_known(partitions: Iterable[str]) -> str:
    """The way out of a wrong partition."""
    known = ", ".join(partitions)
    return f"choose one of {known}" if known else "this collection has no partitions, leave it out"


def _bytes_inside(root: Path, inside: TarSlice) -> bytes:
    if inside.num_bytes > LARGEST_PHOTO_BYTES:
        raise PhotoError(f"{inside.num_bytes >> 20} MiB are too many for a photo; {LARGEST_PHOTO_BYTES >> 20} at most")
    with (root / inside.tar).open("rb") as stream:
        stream.seek(inside.offset)
        data = stream.read(inside.num_bytes)
    if len(data) != inside.num_bytes:
        raise PhotoError(f"{inside.tar} is cut short; copy it again")
    return data
