"""The built assets: complete, small, licensed, and rebuilt to the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.mock.assets import FOLDER, load_hair, load_head
from engine_bridge.mock.build.archive import write_archive
from engine_bridge.mock.build.bones import BONE_SITES, bone_names
from engine_bridge.mock.surfaces import Surface

HEADS = ("adult_female", "adult_male", "girl")


def test_the_assets_are_small_and_licensed():
    assert (FOLDER / "head.npz").stat().st_size < 3e6
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1e7
    assert "CC0" in (FOLDER / "LICENSE.md").read_text()


def test_the_rig_has_the_bones_of_its_sites():
    assert load_head("adult_female").bones == tuple(bone_names())
    assert len(BONE_SITES) == 29


def test_the_heads_share_their_topology_and_differ_in_shape():
    female, male, girl = (load_head(name) for name in HEADS)
    np.testing.assert_array_equal(female.tris, male.tris)
    assert np.ptp(girl.positions[:, 1]) < np.ptp(female.positions[:, 1]) < np.ptp(male.positions[:, 1])


@pytest.mark.parametrize("name", HEADS)
def test_pairs_of_bones_are_mirrored(name):
    head = load_head(name)
    for bone in (bone for bone in head.bones if bone.endswith(".L")):
        left, right = (head.pivots[head.bones.index(bone[:-1] + side)] for side in "LR")
        np.testing.assert_allclose(left * (-1, 1, 1), right, atol=0.02)


def test_weights_lie_between_zero_and_one():
    weight = load_head("adult_female").weight
    assert weight.min() > 0.0
    assert weight.max() <= 1.0


def test_the_upper_lip_hardly_follows_the_lower_one():
    head = load_head("adult_female")
    weights = np.zeros((len(head.positions), len(head.bones)))
    vertex = np.repeat(np.arange(len(head.positions)), np.diff(head.weight_start))
    weights[vertex, head.weight_bone] = head.weight
    upper = weights[:, head.bones.index("middle_upper_lip")] > 0.9
    assert upper.any()
    assert weights[upper, head.bones.index("middle_lower_lip")].max() < 0.2


@pytest.mark.parametrize("name", HEADS)
def test_the_skin_is_open_where_the_forehead_is_and_closed_inside_the_mouth(name):
    head = load_head(name)
    mouth = np.unique(head.tris[head.surface == Surface.MOUTH])
    forehead = (head.positions[:, 1] > 0.4) & (head.positions[:, 2] > 0.1)
    assert head.occlusion[forehead].min() > 0.7
    assert np.median(head.occlusion[mouth]) < 0.1


def test_hair_stays_with_its_head():
    hair, head = load_hair("adult_male", "crew_cut"), load_head("adult_male")
    assert hair is not None
    gap = np.linalg.norm(hair.positions - head.positions[hair.anchor], axis=1)
    assert gap.max() < 1.0


def test_an_archive_has_the_same_bytes_whenever_it_is_written(tmp_path):
    arrays = {"b": np.arange(3.0), "a": np.ones((2, 2), np.uint8)}
    write_archive(tmp_path / "one.npz", arrays)
    write_archive(tmp_path / "two.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    np.testing.assert_array_equal(np.load(tmp_path / "one.npz")["b"], arrays["b"])
