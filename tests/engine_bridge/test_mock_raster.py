"""The visibility pass: no cracks, no lost samples, depth decides."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.edges import find_edges
from engine_bridge.mock.kernels import empty_edges, empty_planes, empty_tiles
from engine_bridge.mock.keys import EMPTY, empty_keys, inverse_of, key_of, read_keys, triangle_of
from engine_bridge.mock.raster import NOTHING, rasterize, rasterize_edges, rasterize_mesh, set_up
from engine_bridge.mock.tiles import TILE, find_farthest

SIDE = 32


def see(points, tris, side=SIDE):
    depth, ids = np.zeros((side, side), np.float32), np.zeros((side, side), np.int32)
    rasterize_mesh(np.float32(points), np.int32(tris), np.ones(len(tris), np.bool_), depth, ids)
    return depth, ids


def see_edges(points, tris, surface, side=SIDE, lashes=None):
    edges, planes, tiles, keys = empty_edges(side), empty_planes(len(tris)), empty_tiles(side), empty_keys(side)
    num_drawn = set_up(np.float32(points), np.int32(tris), np.ones(len(tris), np.bool_), side, planes)
    rasterize(planes, num_drawn, 0, tiles, keys)
    lashes = np.zeros((side, side), np.float32) if lashes is None else lashes
    count = find_edges(keys, np.uint8(surface), lashes, np.float32(1.0), edges)
    edge_keys = np.zeros((count, 4), np.int64)
    find_farthest(keys, tiles.line, tiles.farthest)
    rasterize_edges(planes, num_drawn, tiles, edges, keys, edge_keys)
    depth, edge_ids = np.zeros((count, 4), np.float32), np.zeros((count, 4), np.int32)
    read_keys(edge_keys, depth, edge_ids)
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


def test_an_edge_near_the_bottom_ends_beside_it():
    wall = [(-1, -1, 1), (40, -1, 1), (40, SIDE - 2, 1), (-1, SIDE - 2, 1)]
    is_edge, _ = see_edges(wall, [(0, 1, 2), (0, 2, 3)], [0, 0])
    assert np.flatnonzero(is_edge.any(1)).tolist() == [SIDE - 3, SIDE - 2]


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
    keys, tiles = empty_keys(SIDE), empty_tiles(SIDE)
    keys[:] = key_of(np.float32(5.0), 0)
    keys[3, TILE] = key_of(np.float32(1.0), 0)
    find_farthest(keys, tiles.line, tiles.farthest)
    assert tiles.farthest[0].tolist() == [1.0, 1.0, 5.0, 5.0]


def test_a_lash_makes_an_edge_of_its_pixel():
    lashes = np.zeros((SIDE, SIDE), np.float32)
    lashes[9, 4] = 0.5
    is_edge, edge_ids = see_edges([(-1, -1, 1), (80, -1, 1), (-1, 80, 1)], [(0, 1, 2)], [0], lashes=lashes)
    assert np.argwhere(is_edge).tolist() == [[9, 4]]
    assert edge_ids.tolist() == [[0, 0, 0, 0]]


def test_the_larger_key_is_the_nearer_triangle_or_the_first_of_two_at_one_distance():
    near, far = np.float32(0.31), np.float32(0.3)
    assert key_of(near, 9) > key_of(far, 2) > key_of(far, 3) > EMPTY
    assert (inverse_of(key_of(near, 9)), triangle_of(key_of(near, 9))) == (near, 9)
    assert (inverse_of(EMPTY), triangle_of(EMPTY)) == (0.0, NOTHING)


def test_a_triangle_is_drawn_alike_however_wide_it_is():
    side, y, x = 200, *(np.mgrid[:200, :200] + 0.5)
    _, ids = see([(10.0, 20.0, 1.0), (190.0, 20.0, 1.0), (10.0, 180.0, 1.0)], [(0, 1, 2)], side)
    inside = (x > 10.0) & (y > 20.0) & ((x - 10.0) / 180.0 + (y - 20.0) / 160.0 < 1.0)
    assert ((ids == 0) != inside).sum() < 3 * side / 100
