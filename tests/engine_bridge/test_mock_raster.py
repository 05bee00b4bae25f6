"""The visibility pass: no cracks, no lost samples, depth decides."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.edges import find_edges
from engine_bridge.mock.kernels import empty_edges, empty_planes, empty_tiles
from engine_bridge.mock.raster import NOTHING, rasterize_edges, rasterize_mesh, set_up
from engine_bridge.mock.tiles import TILE, find_farthest

SIDE = 32


def see(points, tris, side=SIDE):
    depth, ids = np.zeros((side, side), np.float32), np.zeros((side, side), np.int32)
    rasterize_mesh(np.float32(points), np.int32(tris), np.ones(len(tris), np.bool_), depth, ids)
    return depth, ids


def see_edges(points, tris, surface, side=SIDE):
    depth, ids = see(points, tris, side)
    edges, planes, tiles = empty_edges(side), empty_planes(len(tris)), empty_tiles(side)
    count = find_edges(depth, ids, np.uint8(surface), np.float32(1.0), edges)
    edge_depth, edge_ids = np.zeros((count, 4), np.float32), np.zeros((count, 4), np.int32)
    num_drawn = set_up(np.float32(points), np.int32(tris), np.ones(len(tris), np.bool_), side, planes)
    find_farthest(depth, tiles.line, tiles.farthest)
    rasterize_edges(planes, num_drawn, tiles, edges, ids, edge_depth, edge_ids)
    return edges.is_edge.astype(bool), edge_ids


def random_fan(random, rim=40):
    """A disc of slim triangles around a random middle."""
    angle = np.linspace(0.0, 2.0 * np.pi, rim, endpoint=False)
    points = 16.0 + 13.0 * np.stack([np.cos(angle), np.sin(angle), np.zeros(rim)], 1)
    middle = np.append(16.0 + random.uniform(-6.0, 6.0, 2), 1.0)
    points = np.concatenate([points, [middle]])
    points[:, 2] = 1.0
    return points, [(rim, i, (i + 1) % rim) for i in range(rim)]


def test_triangles_that_share_edges_leave_no_cracks():
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    inside = np.hypot(x - 16.0, y - 16.0) < 12.5
    for _ in range(50):
        _, ids = see(*random_fan(random))
        assert (ids[inside] != NOTHING).all()


def test_a_triangle_covers_its_own_area():
    points = [(3.0, 4.0, 1.0), (28.0, 6.0, 1.0), (10.0, 29.0, 1.0)]
    _, ids = see(points, [(0, 1, 2)])
    area = 0.5 * abs(25.0 * 25.0 - 7.0 * 2.0)
    assert abs((ids == 0).sum() - area) < 20


def test_the_nearer_triangle_wins_in_any_order():
    square = [(2, 2), (30, 2), (2, 30)]
    points = [(x, y, 1.0) for x, y in square] + [(x, y, 2.0) for x, y in square]
    for tris in ([(0, 1, 2), (3, 4, 5)], [(3, 4, 5), (0, 1, 2)]):
        depth, _ = see(points, tris)
        assert depth[8, 8] == 2.0


def test_a_triangle_outside_the_picture_is_harmless():
    _, ids = see([(-50.0, -60.0, 1.0), (-40.0, -60.0, 1.0), (-45.0, 90.0, 1.0)], [(0, 1, 2)])
    assert (ids == NOTHING).all()


def test_edge_samples_measure_a_half_covered_column():
    half = [(10.5, -5.0, 1.0), (60.0, -5.0, 1.0), (10.5, 60.0, 1.0)]
    is_edge, edge_ids = see_edges(half, [(0, 1, 2)], [0])
    column = np.nonzero(is_edge)[1] == 10
    assert column.sum() > 20
    assert ((edge_ids[column] == 0).mean(1) == 0.5).mean() > 0.9


def test_an_edge_runs_between_surfaces_but_not_within_one():
    points = [(-1, -1, 1), (16, -1, 1), (16, 40, 1), (-1, 40, 1), (40, -1, 1), (40, 40, 1)]
    tris = [(0, 1, 2), (0, 2, 3), (1, 4, 5), (1, 5, 2)]
    one, _ = see_edges(points, tris, [0, 0, 0, 0])
    two, _ = see_edges(points, tris, [0, 0, 1, 1])
    assert not one.any()
    assert two[:, 15:17].all()
    assert not two[:, :14].any()


def test_what_many_triangles_hide_is_drawn_no_more_and_leaves_no_hole():
    random = np.random.default_rng(1)
    wall = [(-1, -1, 2), (40, -1, 2), (40, 40, 2), (-1, 40, 2)]
    behind = random.uniform(-5.0, 37.0, (3 * 2000, 2))
    points = np.concatenate([wall, np.insert(behind, 2, 1.0, axis=1)])
    tris = np.concatenate([[(0, 1, 2), (0, 2, 3)], 4 + np.arange(3 * 2000).reshape(-1, 3)])
    _, ids = see(points, tris)
    _, edge_ids = see_edges(points, tris, np.zeros(len(tris)))
    assert set(np.unique(ids)) == {0, 1}
    assert NOTHING not in edge_ids


def test_the_farthest_depth_of_a_tile_counts_its_neighbours_rim():
    depth = np.full((SIDE, SIDE), 5.0, np.float32)
    depth[3, TILE] = 1.0
    tiles = empty_tiles(SIDE)
    find_farthest(depth, tiles.line, tiles.farthest)
    assert tiles.farthest[0].tolist() == [1.0, 1.0, 5.0, 5.0]
