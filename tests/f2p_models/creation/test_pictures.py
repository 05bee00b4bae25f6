from __future__ import annotations

import numpy as np
import pytest

from f2p_models.creation import Panel, side_by_side

RED, GREEN = (200, 30, 30), (30, 200, 30)


def plain(color, side=64):
    return np.full((side, side, 3), color, np.uint8)


def test_panels_stand_side_by_side_in_order():
    sheet = side_by_side(
        [Panel(title="a", picture=plain(RED)), Panel(title="b", picture=plain(GREEN, 32))], side_px=160
    )

    middle = sheet[sheet.shape[0] // 2]
    red = np.flatnonzero((middle == RED).all(1))
    green = np.flatnonzero((middle == GREEN).all(1))
    assert (len(red), len(green)) == (160, 160)
    assert red.max() < green.min()


def test_a_title_leaves_ink_above_its_panel():
    titled, bare = (side_by_side([Panel(title=t, picture=plain(RED))], side_px=160) for t in ("photo", ""))

    top = np.flatnonzero((titled == RED).all(2).any(1))[0]
    assert (titled[:top] != bare[:top]).any()
    np.testing.assert_array_equal(titled[top:], bare[top:])


def test_a_long_title_does_not_write_over_the_neighbour():
    def sheet(first_title):
        panels = [Panel(title=first_title, picture=plain(RED)), Panel(title="", picture=plain(GREEN))]
        return side_by_side(panels, side_px=160)

    green = np.flatnonzero((sheet("")[100] == GREEN).all(1))[0]
    np.testing.assert_array_equal(sheet("engine " * 30)[:, green:], sheet("")[:, green:])


@pytest.mark.parametrize("caption", ["", "photo.jpg, mode hybrid"])
def test_the_same_panels_give_the_same_bytes(caption):
    panels = [Panel(title="photo", picture=plain(RED), note="0.71")]

    np.testing.assert_array_equal(side_by_side(panels, caption=caption), side_by_side(panels, caption=caption))
