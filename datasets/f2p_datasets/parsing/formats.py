"""The table of formats: how each is recognised, listed and read, and what its classes are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from engine_bridge.frames import Mask, Picture
from f2p_datasets.collections.records import MISSING
from f2p_datasets.durable import sha256_of
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.parsing.celebamask import is_celebamask, list_celebamask, read_celebamask
from f2p_datasets.parsing.fasseg import is_fasseg, list_fasseg, read_fasseg
from f2p_datasets.parsing.helen import is_helen, list_helen, read_helen
from f2p_datasets.parsing.lapa import is_lapa, list_lapa, read_lapa
from f2p_datasets.parsing.records import LabelledPhoto, Listing, Reading
from f2p_datasets.parsing.schemes import FASSEG, HELEN, ClassScheme
from f2p_datasets.photos import read_photo

AUTO: Final = "auto"
#: Labels may be smaller than their photo (CelebAMask-HQ's are half as large), but of the same shape.
_SHAPE_TOLERANCE: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class ParsingFormat:
    """One format. ``own_sides``: left and right are known to be the person's own."""

    name: str
    title: str
    scheme: ClassScheme
    recognizes: Callable[[Path], bool]
    list_photos: Listing
    read_mask: Reading
    own_sides: bool = True


@dataclass(frozen=True, kw_only=True)
class ParsingSet:
    """An opened parsing set: its folder, its format and the chosen photos."""

    root: Path
    format: ParsingFormat
    partition: str | None
    photos: tuple[LabelledPhoto, ...]

    @property
    def scheme(self) -> ClassScheme:
        return self.format.scheme

    def read(self, photo: LabelledPhoto) -> tuple[Picture, Mask]:
        """Photo (H, W, 3) and class ids (H, W) of the set's scheme. Raises PhotoError naming the file that is wrong."""
        picture, mask = read_photo(self.root / photo.photo), self.format.read_mask(self.root, photo)
        return picture, _fitted(mask, picture, self.root / photo.labels[0])

    @cached_property
    def sha256(self) -> str:
        """Of the names and contents of all photos and labels: reads every file once."""
        digest = hashlib.sha256(self.format.name.encode())
        for photo in self.photos:
            hashes = [_hash(self.root / name) for name in (photo.photo, *photo.labels)]
            digest.update(json.dumps([asdict(photo), hashes]).encode() + b"\n")
        return digest.hexdigest()


#: In the order in which ``auto`` tries them. Whether Helen's and LaPa's sides are the person's was never stated.
FORMATS: Final = {
    entry.name: entry
    for entry in (
        ParsingFormat(
            name="helen",
            title="Helen",
            scheme=HELEN,
            recognizes=is_helen,
            list_photos=list_helen,
            read_mask=read_helen,
            own_sides=False,
        ),
        ParsingFormat(
            name="lapa",
            title="LaPa",
            scheme=HELEN,
            recognizes=is_lapa,
            list_photos=list_lapa,
            read_mask=read_lapa,
            own_sides=False,
        ),
        ParsingFormat(
            name="celebamask",
            title="CelebAMask-HQ",
            scheme=HELEN,
            recognizes=is_celebamask,
            list_photos=list_celebamask,
            read_mask=read_celebamask,
        ),
        ParsingFormat(
            name="fasseg",
            title="FASSEG",
            scheme=FASSEG,
            recognizes=is_fasseg,
            list_photos=list_fasseg,
            read_mask=read_fasseg,
        ),
    )
}


def open_parsing_set(folder: Path, format_name: str = AUTO, partition: str | None = None) -> ParsingSet:
    """A set's photos, of one partition or all.

    Raises DatasetError for an unknown format, a folder that is not of it, and a partition that it does not have.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder")
    chosen = _recognize(folder) if format_name == AUTO else find_parsing_format(format_name)
    photos = chosen.list_photos(folder)
    kept = tuple(photo for photo in photos if partition in (None, photo.partition))
    if not kept:
        known = ", ".join(sorted({photo.partition for photo in photos if photo.partition})) or "none"
        raise DatasetError(f"partition: {partition!r} has no photos in {folder}; it has {known}")
    return ParsingSet(root=folder, format=chosen, partition=partition, photos=kept)


def open_for_training(folder: Path, format_name: str | None = None) -> ParsingSet:
    """The training partition of a set that has partitions, else all of it. Raises as :func:`open_parsing_set` does."""
    whole = open_parsing_set(folder, format_name or AUTO)
    train = tuple(photo for photo in whole.photos if photo.partition == "train")
    return replace(whole, partition="train", photos=train) if train else whole


def find_parsing_format(name: str) -> ParsingFormat:
    """The format of that name. Raises DatasetError for an unknown one."""
    if name not in FORMATS:
        raise DatasetError(f"format: {name!r} is unknown; choose {AUTO} or one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _recognize(folder: Path) -> ParsingFormat:
    for entry in FORMATS.values():
        if entry.recognizes(folder):
            return entry
    raise DatasetError(f"{folder}: has the layout of no parsing set; name one by its format: {', '.join(FORMATS)}")


def _fitted(mask: Mask, picture: Picture, path: Path) -> Mask:
    """The mask at the photo's size. Raises PhotoError when their shapes differ."""
    (height, width), (photo_height, photo_width) = mask.shape, picture.shape[:2]
    if (height, width) == (photo_height, photo_width):
        return mask
    if abs(width / height - photo_width / photo_height) > _SHAPE_TOLERANCE:
        raise PhotoError(
            f"{path}: labels of {width} x {height} pixels for a photo of {photo_width} x {photo_height}; they do not "
            "belong together"
        )
    return np.asarray(cv2.resize(mask, (photo_width, photo_height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _hash(path: Path) -> str:
    return sha256_of(path) if path.is_file() else MISSING
