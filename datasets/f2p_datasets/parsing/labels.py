"""Reading label pictures: class ids, probability maps, colors. What is wrong with one is said with its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from engine_bridge.frames import Mask
from f2p_datasets.errors import PhotoError
from f2p_datasets.photos import LARGEST_PIXELS, read_photo

#: Modes whose numbers are the label: palette indices and grey levels, never their colors.
_INDEXED: Final = ("P", "L", "1")


def read_indices(path: Path) -> Mask:
    """The numbers of a palette or grey picture, (H, W) uint8. Raises PhotoError for a color picture, or none."""
    with _opened(path) as image:
        if image.mode not in _INDEXED:
            raise PhotoError(
                f"{path}: labels in mode {image.mode}, not palette or grey; converting them to colors lost the "
                "class numbers, take the original file"
            )
        return np.array(image, np.uint8)


def read_coverage(path: Path) -> npt.NDArray[np.bool_]:
    """Where a picture of one part, grey or color, is not black: (H, W). Raises PhotoError."""
    with _opened(path) as image:
        return np.asarray(image.convert("L")) > 0


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture of a bearable size; everything that goes wrong with it as a PhotoError that names the file."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > LARGEST_PIXELS:
                raise PhotoError(f"{path}: {image.width} x {image.height} pixels are too many for labels")
            yield image
    except PhotoError:
        raise
    except FileNotFoundError as error:
        raise PhotoError(f"{path}: no such file; the photo has no labels without it") from error
    except UnidentifiedImageError as error:
        raise PhotoError(f"{path}: not an image file") from error
    except Exception as error:  # Pillow's many decoders raise almost anything on damaged files
        raise PhotoError(f"{path}: truncated or damaged image ({error})") from error


def read_classes(path: Path, meaning: Mask) -> Mask:
    """Class ids (H, W) by a table (K,) from the file's numbers. Raises PhotoError for a number that is none."""
    numbers = read_indices(path)
    if int(numbers.max()) >= len(meaning):
        raise PhotoError(f"{path}: has class {int(numbers.max())}; its classes are 0 to {len(meaning) - 1}")
    return meaning[numbers]


def read_nearest_colors(path: Path, colors: npt.NDArray[np.uint8], *, tolerance: float) -> Mask:
    """Ids (H, W) of the nearest of ``colors`` (K, 3): labels are blended at their edges.

    Raises PhotoError when the picture is on average further than ``tolerance`` from all of them.
    """
    picture = read_photo(path).astype(np.int32)
    away = np.stack([((picture - color) ** 2).sum(-1) for color in colors.astype(np.int32)])
    mean = float(np.sqrt(away.min(0)).mean())
    if mean > tolerance:
        raise PhotoError(f"{path}: its colors are not the classes' (on average {mean:.0f} levels off)")
    return np.asarray(away.argmin(0), np.uint8)


def check_same_size(first: Path, size: tuple[int, ...], second: Path, other: tuple[int, ...]) -> None:
    """Raise PhotoError unless two pictures (H, W) are equally large."""
    if size != other:
        raise PhotoError(
            f"{second}: {other[1]} x {other[0]} pixels, but {first.name} has {size[1]} x {size[0]}; "
            "labels fit their photo pixel by pixel"
        )
