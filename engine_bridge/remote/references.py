"""The first picture of every canary, common to all instances of a run, and how far another one is from it."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, Mask, Picture

Key = tuple[object, ...]
"""What a first picture belongs to: engine build, schema fingerprint, resolution, number of the canary."""


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


def compare(one: Frame, other: Frame) -> Difference:
    """Raises FrameRejectedError when their sizes differ."""
    return _compare(one.picture, one.mask, other.picture, other.mask)


class References:
    """First pictures; any thread may ask. With a ``folder`` they are kept in files and common to several processes."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._known: dict[Key, tuple[Picture, Mask]] = {}

    def first(self, key: Key, frame: Frame) -> Frame:
        """The frame with the first picture and mask of that key: its own if there was none."""
        with self._lock:
            if key not in self._known:
                self._known[key] = self._keep(key, frame)
            picture, mask = self._known[key]
        return Frame(
            request_id=frame.request_id, frame_id=frame.frame_id, vector=frame.vector, picture=picture, mask=mask
        )

    def _keep(self, key: Key, frame: Frame) -> tuple[Picture, Mask]:
        if self._folder is None:
            return frame.picture.copy(), frame.mask.copy()
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        path, temporary = self._folder / f"{name}.npz", self._folder / f"{name}.{os.getpid()}.tmp"
        packed = io.BytesIO()
        np.savez_compressed(packed, picture=frame.picture, mask=frame.mask)
        temporary.write_bytes(packed.getvalue())
        try:
            os.link(temporary, path)  # fails if another process was first: then its picture counts
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        with np.load(path) as kept:
            return kept["picture"], kept["mask"]


def _compare(picture: Picture, mask: Mask, other_picture: Picture, other_mask: Mask) -> Difference:
    if picture.shape != other_picture.shape or mask.shape != other_mask.shape:
        raise FrameRejectedError(f"a picture of {picture.shape} where one of {other_picture.shape} was expected")
    if np.array_equal(picture, other_picture) and np.array_equal(mask, other_mask):
        return Difference()
    apart = np.abs(picture.astype(np.int16) - other_picture)
    return Difference(
        maximum=int(apart.max()), mean=float(apart.mean()), mask_pixels=int(np.count_nonzero(mask != other_mask))
    )
