"""A plain folder of photos, in subfolders or not: nothing is known about them."""

from __future__ import annotations

from pathlib import Path

from f2p_datasets.collections.records import PhotoRecord, of_partition
from f2p_datasets.photos import list_photos


def list_folder(folder: Path, partition: str | None = None) -> list[PhotoRecord]:
    """Every photo below a folder, by path. Raises PhotoError when there is none."""
    records = [PhotoRecord(name=photo.relative_to(folder).as_posix()) for photo in list_photos(folder)]
    return of_partition(records, partition)
