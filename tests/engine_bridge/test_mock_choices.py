"""A discrete choice changes what it should, and nothing else."""

from __future__ import annotations

import numpy as np

from engine_bridge.parts import Part

SIDE = 160


def test_lipstick_colors_only_the_mouth(render):
    nude = render("justice_female", SIDE, lipstick_color="nude_beige")
    plum = render("justice_female", SIDE, lipstick_color="plum")
    rows, columns = np.nonzero((nude.picture != plum.picture).any(-1))
    lips = np.isin(nude.mask, (Part.UPPER_LIP, Part.LOWER_LIP, Part.INNER_MOUTH))
    lip_rows, lip_columns = np.nonzero(lips)
    margin = 5
    assert lip_rows.min() - margin <= rows.min() <= rows.max() <= lip_rows.max() + margin
    assert lip_columns.min() - margin <= columns.min() <= columns.max() <= lip_columns.max() + margin


def test_eyebrow_styles_change_the_brows_in_the_mask(render):
    thin = render("justice_female", SIDE, eyebrow_style="straight_thin").mask
    thick = render("justice_female", SIDE, eyebrow_style="straight_thick").mask
    assert (thick == Part.LEFT_BROW).sum() > 1.3 * (thin == Part.LEFT_BROW).sum()


def test_a_bald_head_has_no_hair_in_the_mask(render):
    assert Part.HAIR not in render("justice_male", SIDE, hairstyle="bald").mask


def test_a_beard_leaves_the_mask_alone(render):
    shaven = render("justice_male", SIDE, beard_style="clean_shaven")
    bearded = render("justice_male", SIDE, beard_style="full_beard")
    np.testing.assert_array_equal(shaven.mask, bearded.mask)
    assert np.abs(shaven.picture.astype(int) - bearded.picture).mean() > 1.0
