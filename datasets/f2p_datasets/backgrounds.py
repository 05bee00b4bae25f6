"""Photos to be seen behind rendered heads: any folder of rooms, streets, woods. Best without people in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from f2p_datasets.errors import PhotoError
from f2p_datasets.photos import list_photos, read_photo

MOST: Final = 400  # evenly taken from the folder; more teach no more
SIDE_PX: Final = 256


def read_backgrounds(folder: Path, *, most: int = MOST, side_px: int = SIDE_PX) -> npt.NDArray[np.uint8]:
    """Up to ``most`` photos of a folder, their middle squares reduced: (N, 3, side_px, side_px) uint8 RGB.

    Photos that cannot be read are passed over. Raises PhotoError when the folder has none that can.
    """
    photos = list_photos(folder)
    chosen = [photos[place] for place in np.unique(np.linspace(0, len(photos) - 1, most).astype(int))]
    squares = list(_squares(chosen, side_px))
    if not squares:
        raise PhotoError(f"{folder}: none of its {len(chosen)} photos can be read")
    return np.ascontiguousarray(np.stack(squares).transpose(0, 3, 1, 2))


def _squares(photos: list[Path], side_px: int) -> Iterator[npt.NDArray[np.uint8]]:
    for photo in photos:
        try:
            picture = read_photo(photo)
        except PhotoError:
            continue
        side = min(picture.shape[:2])
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        square = picture[top : top + side, left : left + side]
        yield np.asarray(cv2.resize(square, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
