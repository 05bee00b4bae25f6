"""The table of formats: how each is recognised, how its photos are listed, and which of several faces is meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from f2p_datasets.collections.agedb import is_agedb, list_agedb
from f2p_datasets.collections.celeba import celeba_training, is_celeba, list_celeba
from f2p_datasets.collections.cfp import is_cfp, list_cfp
from f2p_datasets.collections.cross_lfw import CALFW, CPLFW, has_pairs, list_calfw, list_cplfw
from f2p_datasets.collections.folder import list_folder
from f2p_datasets.collections.lfw import is_lfw, lfw_training, list_lfw
from f2p_datasets.collections.photo_tars import SUFFIX, has_tars, list_tars
from f2p_datasets.collections.records import Listing, PhotoRecord
from f2p_datasets.errors import DatasetError
from f2p_datasets.subject import SubjectRule

AUTO: Final = "auto"


@dataclass(frozen=True, kw_only=True)
class CollectionFormat:
    """One format.

    recognizes   whether a folder (or a file) has its layout
    list_photos  its records, of one partition or all
    subject      whose face it is when a photo has several
    training     the partition of a collection to learn from when nobody chose one; None learns from all
    """

    name: str
    title: str
    recognizes: Callable[[Path], bool]
    list_photos: Listing
    subject: SubjectRule = "central"
    training: Callable[[Path], str | None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class PhotoCollection:
    """An opened collection: its folder, its format, and the chosen photos."""

    root: Path
    format: CollectionFormat
    partition: str | None
    records: tuple[PhotoRecord, ...]


#: In the order in which ``auto`` tries them; a plain folder is anything.
FORMATS: Final = {
    entry.name: entry
    for entry in (
        CollectionFormat(
            name="celeba", title="CelebA", recognizes=is_celeba, list_photos=list_celeba, training=celeba_training
        ),
        CollectionFormat(name="calfw", title="CALFW", recognizes=partial(has_pairs, CALFW), list_photos=list_calfw),
        CollectionFormat(name="cplfw", title="CPLFW", recognizes=partial(has_pairs, CPLFW), list_photos=list_cplfw),
        CollectionFormat(name="cfp", title="CFP", recognizes=is_cfp, list_photos=list_cfp),
        CollectionFormat(
            name="webdataset",
            title="WebDataset tars of photos",
            recognizes=has_tars,
            list_photos=list_tars,
            subject="largest",
        ),
        CollectionFormat(name="agedb", title="AgeDB", recognizes=is_agedb, list_photos=list_agedb),
        CollectionFormat(name="lfw", title="LFW", recognizes=is_lfw, list_photos=list_lfw, training=lfw_training),
        CollectionFormat(
            name="folder",
            title="a folder of photos",
            recognizes=Path.is_dir,
            list_photos=list_folder,
            subject="largest",
        ),
    )
}


def open_collection(
    source: Path, format_name: str = AUTO, partition: str | None = None, *, limit: int | None = None
) -> PhotoCollection:
    """A collection's photos: of one partition or all, the first ``limit`` of them or all.

    Raises DatasetError for an unknown format, a source that is not of it, and whatever the format's lists say wrong.
    """
    if not source.exists():
        raise DatasetError(f"{source}: no such folder")
    chosen = _recognize(source) if format_name == AUTO else find_format(format_name)
    if source.is_file() and not chosen.recognizes(source):
        raise DatasetError(f"{source}: a file; a collection of format {chosen.name} is a folder")
    records = chosen.list_photos(source, partition)[:limit]
    if not records:
        raise DatasetError(f"{source}: has no photos as {chosen.title} has them; --format folder takes any")
    root = source if source.is_dir() else source.parent
    return PhotoCollection(root=root, format=chosen, partition=partition, records=tuple(records))


def open_for_training(source: Path) -> PhotoCollection:
    """A collection's photos to learn from: of CelebA and LFW the training partition, the others are for judging.

    Raises DatasetError for a plain folder with partition lists beside its photos: it is a published set that was not
    recognized, and the people that it is judged with would be learned from.
    """
    chosen = _recognize(source) if source.exists() else FORMATS["folder"]
    lists = [path.name for pattern in _PARTITION_LISTS for path in sorted(source.glob(pattern))]
    if chosen.name == "folder" and lists:
        raise DatasetError(
            f"{source}: has {lists[0]}, yet not the layout of a known set; import its training partition with "
            "f2p photos import --format, or give a folder of these photos alone"
        )
    return open_collection(source, chosen.name, chosen.training(source))


#: What published sets call their lists of people, pairs and partitions.
_PARTITION_LISTS: Final = ("people*.txt", "pairs*.txt", "list_eval_partition*")


def find_format(name: str) -> CollectionFormat:
    """The format of that name. Raises DatasetError for an unknown one."""
    if name not in FORMATS:
        raise DatasetError(f"format: {name!r} is unknown; choose {AUTO} or one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _recognize(source: Path) -> CollectionFormat:
    """The first format whose layout it has. Raises DatasetError for a file that is no tar."""
    for entry in FORMATS.values():
        if entry.recognizes(source):
            return entry
    raise DatasetError(f"{source}: a file that is no {SUFFIX}; give a folder of photos or a tar of them")
