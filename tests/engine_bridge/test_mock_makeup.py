"""The skin texture: nothing of what lies between its islands reaches the picture."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.makeup import fill_gaps
from engine_bridge.parts import Part
from engine_bridge.scene import Scene


def test_an_islands_color_is_carried_two_texels_beyond_its_rim_but_its_part_is_not():
    skin = np.zeros((8, 8, 6), np.uint8)
    skin[3:5, 3:5] = (200, 150, 120, 90, 255, int(Part.NOSE))
    filled = fill_gaps(skin)
    assert filled[3, 1].tolist() == [200, 150, 120, 90, 0, 0]
    assert not filled[3, 0].any()
    np.testing.assert_array_equal(filled[3:5, 3:5], skin[3:5, 3:5])


def test_a_turned_heads_jaw_has_no_dark_dots(render):
    frame = render("justice_male", 512, Scene(yaw_deg=-38.0), hairstyle="bald", beard_style="clean_shaven")
    jaw = frame.picture[395:470, 260:350].astype(int).sum(-1)
    around = np.stack([jaw[:-2, 1:-1], jaw[2:, 1:-1], jaw[1:-1, :-2], jaw[1:-1, 2:]]).min(0)
    assert (around - jaw[1:-1, 1:-1]).max() < 60
