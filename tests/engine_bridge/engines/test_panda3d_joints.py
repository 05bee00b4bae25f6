"""Channels to joints and back."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("panda3d.core", reason="pip install '.[panda3d]'")

from panda3d.core import loadPrcFileData

from engine_bridge.engines.panda3d.anatomy import eyeballs
from engine_bridge.engines.panda3d.joints import REST, joint_matrices, probe_points, read_channels
from engine_bridge.engines.panda3d.puppet import Puppet
from engine_bridge.mock.assets import load_head
from engine_bridge.mock.rig import bone_offsets, deform


def random_channels(count):
    random = np.random.default_rng(2)
    reach = np.array([4, 4, 4, 30, 30, 30, 0.7, 0.7, 0.7])
    return (REST + reach * random.uniform(-1.0, 1.0, (count, 9))).astype(np.float32)


@pytest.mark.parametrize("response", [1.0, 0.75])
def test_channels_are_read_back_from_where_a_joint_carries_its_probes(response):
    pivots = np.random.default_rng(1).uniform(-1.0, 1.0, (20, 3)).astype(np.float32)
    channels = random_channels(20)
    matrices = joint_matrices(channels, pivots, response)
    local = (probe_points(pivots) - pivots[:, None]).astype(np.float64)
    moved = local @ matrices[:, :3, :3] + matrices[:, 3:, :3]
    np.testing.assert_allclose(read_channels(moved.astype(np.float32), pivots, response), channels, atol=1e-4)


@pytest.fixture(scope="module")
def puppet():
    loadPrcFileData("test", "coordinate-system y-up-right")
    return Puppet(load_head("girl"), 0.75)


def test_bones_add_up_as_in_the_reference_rig(puppet):
    head, channels = load_head("girl"), random_channels(49)
    puppet.pose(channels)
    ours, _ = puppet.skinned()
    reference = np.empty_like(head.positions)
    offsets = bone_offsets(channels, 0.75)
    deform(head.positions, head.weight_start, head.weight_bone, head.weight, head.pivots, offsets, reference)
    skin = np.setdiff1d(np.arange(len(reference)), np.concatenate(eyeballs(head)))
    np.testing.assert_allclose(ours[skin], reference[skin], atol=2e-3)


def test_eyeballs_move_without_turning(puppet):
    head, channels = load_head("girl"), random_channels(49)
    puppet.pose(channels)
    left = eyeballs(head)[0]
    moves = puppet.skinned()[0][left] - head.positions[left]
    expected = 0.75 * channels[head.bones.index("eye.L"), :3] / 100.0
    np.testing.assert_allclose(moves, np.broadcast_to(expected, moves.shape), atol=1e-5)
