"""Contact sheets: many faces beside their part masks, to see an engine or a character at one glance.

H, W   pixels of the sheet      S   pixels of one tile
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError
from engine_bridge.frames import Picture, RenderRequest, check_frame
from engine_bridge.parts import paint_mask
from f2p_datasets.samplers import build_sampler

NUM_PAIRS: Final = 24
BACKGROUND: Final = (23, 24, 27)
#: Gutters as shares of a tile's side: between a face and its mask, between pairs, and around the sheet.
INNER_GUTTER, OUTER_GUTTER, MARGIN = 1 / 64, 1 / 16, 1 / 10
CORNER_RADIUS: Final = 1 / 24
#: Rendered at once, so that a big sheet does not hold all frames.
BATCH_SIZE: Final = 8


def engine_sheet(
    engine: EngineBridge, character: str, *, count: int = NUM_PAIRS, seed: int = 0, resolution: int = 256
) -> Picture:
    """Random faces, rendered now, with their coloured masks as one picture (H, W, 3) uint8 sRGB.

    Sliders are uniform over their whole range and choices equally likely, as in the data imitators are trained on. The
    first faces of a larger sheet are those of a smaller one with the same seed.
    Raises InputError for a count below one, UnknownCharacterError, and what the engine raises.
    """
    if count < 1:
        raise InputError(f"count: a contact sheet shows at least one face, got {count}")
    vectors = build_sampler("uniform", engine.describe(character), seed).vectors(0, count)
    requests = [
        RenderRequest(request_id=index, character=character, vector=vector, resolution=resolution)
        for index, vector in enumerate(vectors)
    ]
    tiles: list[Picture] = []
    for start in range(0, count, BATCH_SIZE):
        batch = requests[start : start + BATCH_SIZE]
        for frame in (check_frame(*answer) for answer in zip(engine.render(batch), batch, strict=True)):
            tiles += [frame.picture, paint_mask(frame.mask)]
    return arrange_pairs(tiles)


def arrange_pairs(tiles: list[Picture]) -> Picture:
    """Tiles (S, S, 3), a face and its mask in turn, on a dark sheet about as wide as a screen."""
    side = tiles[0].shape[0]
    inner, outer, margin = (max(1, round(share * side)) for share in (INNER_GUTTER, OUTER_GUTTER, MARGIN))
    num_pairs = len(tiles) // 2
    columns = max(1, math.ceil(math.sqrt(num_pairs * 2 / 3)))
    rows = math.ceil(num_pairs / columns)
    pair_width = 2 * side + inner
    height = 2 * margin + rows * side + (rows - 1) * outer
    width = 2 * margin + columns * pair_width + (columns - 1) * outer
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = BACKGROUND
    for index, tile in enumerate(tiles):
        row, column = divmod(index // 2, columns)
        top = margin + row * (side + outer)
        left = margin + column * (pair_width + outer) + (index % 2) * (side + inner)
        sheet[top : top + side, left : left + side] = round_corners(tile, outer_side=index % 2)
    return sheet


def round_corners(tile: Picture, *, outer_side: int) -> Picture:
    """The tile with the two corners of its left (0) or right (1) side rounded off into the background."""
    side = tile.shape[0]
    radius = CORNER_RADIUS * side
    across, down = np.arange(side) + 0.5, np.arange(side) + 0.5
    edge = across if outer_side == 0 else side - across
    past_x = np.maximum(radius - edge, 0.0)[None, :]
    past_y = np.maximum(radius - np.minimum(down, side - down), 0.0)[:, None]
    cover = np.clip(radius - np.hypot(past_x, past_y) + 0.5, 0.0, 1.0)[..., None]
    rounded: Picture = np.rint(cover * tile + (1.0 - cover) * np.array(BACKGROUND)).astype(np.uint8)
    return rounded
