"""Photos as people have them: any orientation, colour model, size; and files that are none.

Reading goes through Pillow; every way in which that fails becomes a PhotoError that names the file.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine_bridge.frames import Picture
from f2p_datasets.errors import PhotoError

LARGEST_PIXELS: Final = 40_000_000
SMALLEST_SIDE_PX: Final = 16
PHOTO_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".qoi"})
_BEHIND_TRANSPARENT: Final = (128, 128, 128)


def read_photo(path: Path) -> Picture:
    """A photo file as (H, W, 3) uint8 sRGB, upright.

    EXIF orientation is applied; grey, palette, CMYK and 16-bit pictures are converted; transparent ones are laid on
    mid-grey; of several frames the first is taken. Raises PhotoError for what is no readable photo of 40 megapixels
    or less.
    """
    if not path.is_file():
        raise PhotoError(f"{path}: {'a folder, not a photo' if path.is_dir() else 'no such file'}")
    try:
        with path.open("rb") as stream:
            return decode_photo(stream)
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from error


def decode_photo(stream: BinaryIO) -> Picture:
    """What :func:`read_photo` does, from a stream that can be searched; its errors name no file."""
    try:
        if not stream.read(1):
            raise PhotoError("the file is empty (zero bytes)")
        stream.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
            return _decode(stream)
    except PhotoError:
        raise
    except UnidentifiedImageError as error:
        raise PhotoError("not an image file of a known format") from error
    except Exception as error:  # Pillow's many decoders raise almost anything on damaged files
        raise PhotoError(f"truncated or damaged image ({error})") from error


def list_photos(folder: Path) -> list[Path]:
    """Every photo below a folder, sorted by path; hidden files and folders are passed over.

    Raises PhotoError when there is none.
    """
    if not folder.is_dir():
        raise PhotoError(f"{folder}: no such folder")
    photos = sorted(
        path for path in folder.rglob("*") if _looks_like_photo(path.relative_to(folder)) and path.is_file()
    )
    if not photos:
        raise PhotoError(f"{folder}: holds no photos ({', '.join(sorted(PHOTO_SUFFIXES))})")
    return photos


def _decode(stream: BinaryIO) -> Picture:
    with Image.open(stream) as image:
        width, height = image.size
        if width * height > LARGEST_PIXELS:
            raise PhotoError(
                f"{width} x {height} pixels are more than {LARGEST_PIXELS // 10**6} megapixels; reduce it first"
            )
        if min(width, height) < SMALLEST_SIDE_PX:
            raise PhotoError(f"{width} x {height} pixels are too few; {SMALLEST_SIDE_PX} x {SMALLEST_SIDE_PX} at least")
        image.load()
        return np.ascontiguousarray(_to_rgb(ImageOps.exif_transpose(image)))


def _to_rgb(image: Image.Image) -> Picture:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip it
        return _sixteen_bit_grey(image)
    if image.mode == "F":
        raise PhotoError("floating-point pictures are not supported; save it as 8 bit")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (*_BEHIND_TRANSPARENT, 255))
        image = Image.alpha_composite(ground, image)
    return np.asarray(image.convert("RGB"), np.uint8)


def _sixteen_bit_grey(image: Image.Image) -> Picture:
    grey = np.clip(np.asarray(image, np.int64) // 257 if np.asarray(image).max() > 255 else np.asarray(image), 0, 255)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def _looks_like_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and not any(part.startswith(".") for part in path.parts)
