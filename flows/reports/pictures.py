"""Pictures inside a page, as data URIs.

A sheet is cut into its columns, so that a page lays them out as its width allows: eight beside each other on a screen,
three on a phone.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from f2p_models.training.previews import PREVIEW_PX

WIDEST_PX: Final = 512
#: WebP at a quality where nothing is seen to be lost: a tenth of the PNG's size.
_QUALITY: Final = 86

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One picture of a figure. Width and height in pixels keep its place on the page before it is decoded."""

    uri: str
    alt: str
    width: int
    height: int
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Pictures under one title; ``columns`` is how many stand beside each other where there is room."""

    title: str
    tiles: Sequence[Tile]
    caption: str = ""
    columns: int = 8


def tile(pixels: Pixels, alt: str, caption: str = "") -> Tile:
    """Pixels (H, W, 3) uint8 as a tile."""
    height, width = pixels.shape[:2]
    return Tile(uri=data_uri(pixels), alt=alt, width=width, height=height, caption=caption)


def read_pixels(path: Path) -> Pixels:
    """A picture file as (H, W, 3) uint8, no wider than a page shows. Raises OSError for what is no picture."""
    with Image.open(path) as stored:
        picture = stored.convert("RGB")
    picture.thumbnail((WIDEST_PX, WIDEST_PX), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def read_columns(path: Path) -> list[Pixels]:
    """The columns (rows * 192, 192, 3) of a sheet of 192-pixel tiles."""
    with Image.open(path) as picture:
        return cut_columns(np.asarray(picture.convert("RGB")))


def cut_columns(sheet: Pixels) -> list[Pixels]:
    """A sheet's columns, from left to right."""
    return [sheet[:, left : left + PREVIEW_PX] for left in range(0, sheet.shape[1], PREVIEW_PX)]


def cut_rows(column: Pixels) -> list[Pixels]:
    """A column's tiles, from top to bottom."""
    return [column[top : top + PREVIEW_PX] for top in range(0, column.shape[0], PREVIEW_PX)]


def reduced(pixels: Pixels, side: int) -> Pixels:
    """A square picture at most ``side`` pixels wide."""
    if pixels.shape[0] <= side:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))


def stacked(rows: Iterable[Pixels]) -> Pixels:
    """Tiles of one width below each other."""
    return np.concatenate(list(rows))


def data_uri(pixels: Pixels) -> str:
    """A WebP (H, W, 3) or, with transparency, (H, W, 4)."""
    buffer = io.BytesIO()
    lossless = pixels.shape[2] == 4
    Image.fromarray(pixels).save(buffer, "WEBP", quality=_QUALITY, method=4, lossless=lossless)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
