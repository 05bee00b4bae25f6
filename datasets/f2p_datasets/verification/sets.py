"""What every format gives: pictures that are read when they are asked for, and pairs of them.

N pairs, M pictures
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Picture
from f2p_datasets.durable import sha256_of
from f2p_datasets.errors import DatasetError
from f2p_datasets.photos import read_photo

#: ``photos``: as a camera or a newspaper framed them. ``crops``: 112 x 112, eyes, nose and mouth corners at
#: insightface's reference points already.
Framing = Literal["photos", "crops"]


class Pictures(Protocol):
    """M pictures, each read anew when it is asked for. Picklable: worker processes read their share."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Picture:
        """(H, W, 3) uint8 sRGB. Raises PhotoError or DatasetError, naming the file, for one that cannot be read."""

    def digest(self) -> str:
        """SHA-256 of all that the pictures are read from."""


@dataclass(frozen=True)
class PhotoFiles:
    """Pictures in files of their own."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Picture:
        return read_photo(self.paths[index])

    def digest(self) -> str:
        hasher = hashlib.sha256()
        for path in self.paths:
            hasher.update(sha256_of(path).encode())
        return hasher.hexdigest()


@dataclass(frozen=True, eq=False)
class SomePictures:
    """Those of other pictures that have these ``numbers``."""

    pictures: Pictures
    numbers: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Picture:
        return self.pictures[int(self.numbers[index])]

    def digest(self) -> str:
        return hashlib.sha256(self.pictures.digest().encode() + self.numbers.tobytes()).hexdigest()


@dataclass(frozen=True, eq=False, kw_only=True)
class VerificationSet:
    """Pairs in the order in which folds are cut from them.

    name      ``lfw-pairsDevTest``, ``agedb_30``, ...
    pictures  M of them; a picture may be in many pairs
    pairs     (N, 2) int64 indices into ``pictures``
    same      (N,) bool: the same person
    """

    name: str
    pictures: Pictures
    pairs: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    framing: Framing = "photos"

    def __post_init__(self) -> None:
        if self.pairs.ndim != 2 or self.pairs.shape[1] != 2 or len(self.pairs) == 0:
            raise DatasetError(f"{self.name}: expected pairs of shape (N, 2) with N at least 1, got {self.pairs.shape}")
        if self.same.shape != (len(self.pairs),):
            raise DatasetError(f"{self.name}: {len(self.pairs)} pairs, but {self.same.size} flags; the set is damaged")
        if self.pairs.min() < 0 or self.pairs.max() >= len(self.pictures):
            raise DatasetError(f"{self.name}: a pair names a picture that is not among the {len(self.pictures)}")

    @property
    def num_pairs(self) -> int:
        return len(self.pairs)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (first 16 hex digits) of pictures, pairs and flags: what a result depends on."""
        hasher = hashlib.sha256(self.pictures.digest().encode())
        hasher.update(self.framing.encode() + self.pairs.tobytes() + self.same.tobytes())
        return hasher.hexdigest()[:16]

    def head(self, num_pairs: int) -> VerificationSet:
        """A smaller set for trials: evenly spaced pairs and their pictures, so that its folds hold both kinds too."""
        chosen = np.linspace(0, self.num_pairs - 1, min(num_pairs, self.num_pairs)).round().astype(np.int64)
        numbers, places = np.unique(self.pairs[chosen], return_inverse=True)
        return VerificationSet(
            name=f"{self.name}-{len(chosen)}",
            pictures=SomePictures(self.pictures, numbers),
            pairs=places.reshape(-1, 2).astype(np.int64),
            same=self.same[chosen],
            framing=self.framing,
        )


def in_folds(
    same: Sequence[tuple[int, int]], different: Sequence[tuple[int, int]], num_folds: int = 10
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Pairs and flags with the two kinds dealt to consecutive folds, as LFW's own pairs.txt has them.

    Lists with all same pairs first would give folds of one kind, whose accuracy says nothing about the other.
    """
    kinds = [np.asarray(kind, np.int64).reshape(-1, 2) for kind in (same, different)]
    dealt = zip(*(np.array_split(kind, num_folds) for kind in kinds), strict=True)
    blocks = [(block, flag) for fold in dealt for block, flag in zip(fold, (True, False), strict=True)]
    return np.concatenate([block for block, _ in blocks]), np.concatenate(
        [np.full(len(block), flag) for block, flag in blocks]
    )


class PictureIndex:
    """Numbers paths in the order in which they first occur."""

    def __init__(self) -> None:
        self._numbers: dict[Path, int] = {}

    def number(self, path: Path) -> int:
        return self._numbers.setdefault(path, len(self._numbers))

    def files(self, name: str) -> PhotoFiles:
        """All of them. Raises DatasetError when some are missing, naming the first."""
        missing = [path for path in self._numbers if not path.is_file()]
        if missing:
            number = f"{len(missing)} of {len(self._numbers)}"
            raise DatasetError(f"{name}: {number} pictures are missing, the first is {missing[0]}")
        return PhotoFiles(tuple(self._numbers))
