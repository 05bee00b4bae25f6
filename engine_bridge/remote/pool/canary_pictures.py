"""The first picture of every canary, common to all engines of a pool, and how far another one is from it.

They are remembered as long as the pool lives; while a dataset is rendered also in a folder beside its shards, so that a
run which is resumed is held to the look that the dataset was begun with. They lie there and not in a common place for
two reasons: a dataset must never mix two looks, whoever forgot to change the engine's build; and whoever did forget it
while developing an engine is not locked out of the next dataset.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from engine_bridge.errors import FrameRejectedError, InputError
from engine_bridge.frames import Frame, Mask, Picture

Key = tuple[object, ...]
"""What a first picture belongs to: engine, build and options, schema fingerprint, resolution, number of the canary."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far two frames are apart.

    maximum      largest difference of any channel of any pixel, 0..255
    mean         mean absolute difference over all channels, 0..255
    mask_pixels  number of pixels whose part differs
    """

    maximum: int = 0
    mean: float = 0.0
    mask_pixels: int = 0

    def worst(self, other: Difference) -> Difference:
        """The larger of each."""
        return Difference(
            maximum=max(self.maximum, other.maximum),
            mean=max(self.mean, other.mean),
            mask_pixels=max(self.mask_pixels, other.mask_pixels),
        )

    def times(self, factor: float) -> Difference:
        return Difference(
            maximum=int(self.maximum * factor),
            mean=self.mean * factor,
            mask_pixels=int(self.mask_pixels * factor),
        )

    def within(self, limit: Difference) -> bool:
        return self.maximum <= limit.maximum and self.mean <= limit.mean and self.mask_pixels <= limit.mask_pixels

    def __str__(self) -> str:
        return f"{self.mean:.3f} levels on average, {self.maximum} at most, {self.mask_pixels} mask pixels"


@dataclass(frozen=True, kw_only=True)
class FirstPicture:
    """A canary as it was drawn first: by an engine of that noise, and kept in that file if in any."""

    picture: Picture
    mask: Mask
    noise: Difference
    file: Path | None = None


def compare(one: Frame | FirstPicture, other: Frame | FirstPicture) -> Difference:
    """Raises FrameRejectedError when their sizes differ."""
    if one.picture.shape != other.picture.shape or one.mask.shape != other.mask.shape:
        raise FrameRejectedError(f"a picture of {one.picture.shape} where one of {other.picture.shape} was expected")
    if np.array_equal(one.picture, other.picture) and np.array_equal(one.mask, other.mask):
        return Difference()
    apart = np.abs(one.picture.astype(np.int16) - other.picture)
    return Difference(
        maximum=int(apart.max()),
        mean=float(apart.mean()),
        mask_pixels=int(np.count_nonzero(one.mask != other.mask)),
    )


class CanaryPictures:
    """First pictures; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._remembered: dict[Key, FirstPicture] = {}
        self._folder: Path | None = None
        self._kept: dict[Key, FirstPicture] = {}

    @contextmanager
    def kept_in(self, folder: Path) -> Iterator[None]:
        """Within the block they are kept in that folder too, and those that lie there count as well."""
        self._turn_to(folder)
        try:
            yield
        finally:
            self._turn_to(None)

    def first(self, key: Key, frame: Frame, noise: Difference) -> list[FirstPicture]:
        """The first pictures of that key: this pool's, and the folder's. The frame is the first if there was none.

        Raises InputError when the folder's cannot be read or written.
        """
        with self._lock:
            if key not in self._remembered:
                self._remembered[key] = FirstPicture(picture=frame.picture.copy(), mask=frame.mask.copy(), noise=noise)
            found = [self._remembered[key]]
            if self._folder is not None:
                if key not in self._kept:
                    self._kept[key] = _keep(self._folder, key, found[0])
                found.append(self._kept[key])
            return found

    def _turn_to(self, folder: Path | None) -> None:
        with self._lock:
            self._folder = folder
            self._kept.clear()


def _keep(folder: Path, key: Key, first: FirstPicture) -> FirstPicture:
    """What lies there under that key; ``first`` is put there if nothing does."""
    name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    path, temporary = folder / f"{name}.npz", folder / f"{name}.{os.getpid()}.tmp"
    try:
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_pack(first))
            _link(temporary, path)
        return _read(path)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be used: {error}; delete it") from error


def _pack(first: FirstPicture) -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, picture=first.picture, mask=first.mask, noise=np.array(astuple(first.noise)))
    return packed.getvalue()


def _link(temporary: Path, path: Path) -> None:
    """Whole or not at all; if another process was first its picture counts."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _read(path: Path) -> FirstPicture:
    with np.load(io.BytesIO(path.read_bytes())) as kept:
        maximum, mean, mask_pixels = kept["noise"].tolist()
        noise = Difference(maximum=int(maximum), mean=mean, mask_pixels=int(mask_pixels))
        return FirstPicture(picture=kept["picture"], mask=kept["mask"], noise=noise, file=path)
