"""What a batch is, and how the members of a pair become arrays.

B   pairs of a batch    V   length of a vector    H W   pixels
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from f2p_datasets.encodings import decode_mask, decode_picture
from f2p_datasets.shards import decode_vector

FIELDS: Final = ("vector", "image", "mask")
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class PairBatch:
    """A batch; fields that were not asked for are None.

    index   (B,) int64, global indices
    vector  (B, V) float32
    image   (B, 3, H, W) uint8 sRGB, channels last in memory
    mask    (B, H, W) uint8 part ids
    """

    index: torch.Tensor
    vector: torch.Tensor | None = None
    image: torch.Tensor | None = None
    mask: torch.Tensor | None = None

    @property
    def size(self) -> int:
        return int(self.index.shape[0])


def make_batch(tensors: Mapping[str, torch.Tensor]) -> PairBatch:
    """Tensors by field, pictures as (B, H, W, 3), to a batch."""
    image = tensors.get("image")
    return PairBatch(
        index=tensors["index"],
        vector=tensors.get("vector"),
        image=None if image is None else image.permute(0, 3, 1, 2),
        mask=tensors.get("mask"),
    )


def decode_fields(key: str, members: Mapping[str, bytes], fields: tuple[str, ...], resolution: int) -> Arrays:
    """A pair's encoded members -> its index () and the fields: vector (V,), image (H, W, 3), mask (H, W)."""
    arrays: Arrays = {"index": np.array(int(key), np.int64)}
    if "vector" in fields:
        arrays["vector"] = decode_vector(members["vector.npy"])
    if "image" in fields:
        name = next(name for name in members if name.startswith("image."))
        picture = decode_picture(members[name], name.removeprefix("image."))
        arrays["image"] = _reduce(picture, resolution, cv2.INTER_AREA)
    if "mask" in fields:
        arrays["mask"] = _reduce(decode_mask(members["mask.png"]), resolution, cv2.INTER_NEAREST)
    return arrays


def _reduce(pixels: npt.NDArray[np.uint8], resolution: int, interpolation: int) -> npt.NDArray[np.uint8]:
    if pixels.shape[0] == resolution:
        return pixels
    return np.asarray(cv2.resize(pixels, (resolution, resolution), interpolation=interpolation), np.uint8)
