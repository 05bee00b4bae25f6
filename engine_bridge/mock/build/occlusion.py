"""Ambient occlusion per vertex: how much of the sky over a point the head itself leaves open."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.build.makehuman import Floats, HeadMesh
from engine_bridge.mock.raster import project, rasterize_mesh
from engine_bridge.mock.surfaces import Surface

NUM_DIRECTIONS, SIDE_PX, FRAME_DM, FAR_DM = 220, 640, 4.6, 60.0
#: A vertex counts as hidden when something lies this far before it; less would let surfaces shade themselves.
BIAS_DM = 0.012


def ambient_occlusion(mesh: HeadMesh) -> Floats:
    """(N,) in [0, 1]: cosine-weighted share of directions that reach each vertex; 1 is open."""
    tris = np.ascontiguousarray(mesh.tris[mesh.surface != Surface.LASH])
    positions = (mesh.positions - (0.0, -0.6, -0.5)).astype(np.float32)
    lifted = (positions + 0.004 * mesh.normals).astype(np.float32)
    depth, ids = np.zeros((SIDE_PX, SIDE_PX), np.float32), np.zeros((SIDE_PX, SIDE_PX), np.int32)
    points, two_sided = np.zeros_like(positions), np.zeros(len(tris), np.bool_)
    total, seen = np.full(len(positions), 1e-9), np.zeros(len(positions))
    scale, zero = np.float32(SIDE_PX * FAR_DM / FRAME_DM), np.float32(0.0)
    for direction in _directions(NUM_DIRECTIONS):
        camera = _look_along(direction)
        project(positions, camera, scale, SIDE_PX, zero, zero, points)
        rasterize_mesh(points, tris, two_sided, depth, ids)
        project(lifted, camera, scale, SIDE_PX, zero, zero, points)
        column, row = np.clip(points[:, :2].astype(int), 0, SIDE_PX - 1).T
        nearest = 1.0 / np.maximum(depth[row, column], 1e-6)
        cosine = np.maximum(mesh.normals @ direction, 0.0)
        total += cosine
        seen += cosine * (1.0 / points[:, 2] < nearest + BIAS_DM)
    return np.asarray(seen / total)


def _directions(count: int) -> Floats:
    """Unit vectors spread evenly over the sphere (golden spiral)."""
    index = np.arange(count) + 0.5
    height, turn = 1.0 - 2.0 * index / count, index * np.pi * (3.0 - np.sqrt(5.0))
    radius = np.sqrt(1.0 - height**2)
    return np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], 1)


def _look_along(direction: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Camera matrix (3, 4) of a far camera that sees the origin from ``direction``."""
    right = np.cross([0.0, 1.0, 0.0], direction)
    right /= np.linalg.norm(right)
    up = np.cross(direction, right)
    rotation = np.stack([right, up, direction])
    return np.concatenate([rotation, [[0.0], [0.0], [-FAR_DM]]], axis=1).astype(np.float32)
