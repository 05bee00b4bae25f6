from __future__ import annotations

import numpy as np

from engine_bridge.parts import PART_COLORS, Part, paint_mask


def test_a_painted_mask_has_the_color_of_each_part() -> None:
    mask = np.arange(len(Part), dtype=np.uint8)[None]
    assert paint_mask(mask).tolist() == [[list(color) for color in PART_COLORS]]
