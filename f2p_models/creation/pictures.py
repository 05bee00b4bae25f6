"""Pictures that compare: panels side by side with a title each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine_bridge.frames import Picture

Rgb = tuple[int, int, int]

_PAPER: Final[Rgb] = (250, 249, 246)
_INK: Final[Rgb] = (38, 40, 46)
_FAINT_INK: Final[Rgb] = (128, 130, 138)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture of a comparison, (H, W, 3) uint8, with its title and an optional smaller line below it."""

    title: str
    picture: Picture
    note: str = ""


def side_by_side(panels: Sequence[Panel], *, caption: str = "", side_px: int = 320) -> Picture:
    """The panels in a row, each ``side_px`` squared, titled, on paper white; the caption below. (H, W, 3) uint8."""
    margin, title_px = side_px // 16, max(11, side_px // 18)
    head_px, foot_px = 3 * title_px, 2 * title_px + (margin if caption else 0)
    width = margin + len(panels) * (side_px + margin)
    sheet = Image.new("RGB", (width, head_px + side_px + foot_px), _PAPER)
    for index, panel in enumerate(panels):
        _draw_panel(sheet, panel, left=margin + index * (side_px + margin), top=head_px, side_px=side_px)
    if caption:
        below = margin, head_px + side_px + margin
        _write(sheet, caption, below, size_px=max(10, title_px * 3 // 4), room_px=width - 2 * margin)
    return np.asarray(sheet)


def _draw_panel(sheet: Image.Image, panel: Panel, *, left: int, top: int, side_px: int) -> None:
    title_px = max(11, side_px // 18)
    _write(sheet, panel.title, (left, top - int(1.9 * title_px)), size_px=title_px, room_px=side_px, color=_INK)
    if panel.note:
        note_px = title_px * 4 // 5
        note = _fit(panel.note, note_px, side_px - _width(panel.title, title_px) - title_px)
        right = left + side_px - _width(note, note_px)
        _write(sheet, note, (right, top - int(1.8 * title_px)), size_px=note_px, room_px=side_px)
    picture = Image.fromarray(panel.picture).resize((side_px, side_px), Image.Resampling.LANCZOS)
    sheet.paste(picture, (left, top))


def _write(
    sheet: Image.Image, text: str, at: tuple[int, int], *, size_px: int, room_px: int, color: Rgb = _FAINT_INK
) -> None:
    ImageDraw.Draw(sheet).text(at, _fit(text, size_px, room_px), fill=color, font=ImageFont.load_default(size_px))


def _fit(text: str, size_px: int, room_px: int) -> str:
    """The text, cut with an ellipsis where it would run into its neighbour."""
    if _width(text, size_px) <= room_px:
        return text
    while text and _width(text + "…", size_px) > room_px:
        text = text[:-1]
    return text + "…" if text else ""


def _width(text: str, size_px: int) -> int:
    return round(ImageFont.load_default(size_px).getlength(text))
