"""What a mirror image does to parts: the person's left becomes right.

B batch, P parts, H W pixels
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from engine_bridge.parts import Part

_MIRRORED: Final = {
    Part.LEFT_BROW: Part.RIGHT_BROW,
    Part.RIGHT_BROW: Part.LEFT_BROW,
    Part.LEFT_EYE: Part.RIGHT_EYE,
    Part.RIGHT_EYE: Part.LEFT_EYE,
}


def exchange_sides(masks: Tensor) -> Tensor:
    """Part ids, uint8 of any shape, with left and right exchanged. Numbers that are no part stay."""
    table = torch.arange(256, dtype=torch.uint8, device=masks.device)
    for part, mirrored in _MIRRORED.items():
        table[part] = mirrored
    return table[masks.long()]


def mirror_maps(maps: Tensor) -> Tensor:
    """Maps of all parts (B, P, H, W) as the mirror image has them: flipped, left and right exchanged."""
    order = [_MIRRORED.get(part, part) for part in Part]
    return maps[:, order].flip(-1)
