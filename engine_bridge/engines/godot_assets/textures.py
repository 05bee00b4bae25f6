"""The skin and everything painted on it as PNG files.

skin.png      red, green, blue: square root of a factor on the skin tone, over sqrt(1.1); alpha: gloss
coverage.png  where the part of parts.png is drawn instead of face skin
parts.png     its part id
strands.png   a row of smooth periodic noise that tells strands of hair apart
brow, lipstick, beard/STYLE.png   how much of the skin a style covers
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from engine_bridge.mock.assets import Bytes, load_head, load_makeup
from engine_bridge.mock.catalog import BEARD_STYLES, EYEBROW_STYLES, LIPSTICK_STYLES
from engine_bridge.mock.makeup import fill_gaps
from engine_bridge.mock.shading import strand_table

MAKEUP: Final[Mapping[str, Iterable[str]]] = {
    "brow": EYEBROW_STYLES,
    "lipstick": LIPSTICK_STYLES,
    "beard": BEARD_STYLES,
}


def write_textures(folder: Path) -> None:
    """Write every texture of every head; they share one layout."""
    for name, pixels in _textures():
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        channels = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., [2, 1, 0, 3]])
        path.write_bytes(cv2.imencode(".png", channels)[1].tobytes())


def _textures() -> Iterator[tuple[str, Bytes]]:
    skin = fill_gaps(load_head("adult_female").skin)
    yield "skin", skin[..., :4]
    yield "coverage", skin[..., 4]
    yield "parts", skin[..., 5]
    yield "strands", np.round(255.0 * (strand_table() + 0.5)).astype(np.uint8)[None]
    for kind, styles in MAKEUP.items():
        for style in styles:
            coverage = load_makeup(kind, style)
            yield f"{kind}/{style}", np.zeros(skin.shape[:2], np.uint8) if coverage is None else coverage
