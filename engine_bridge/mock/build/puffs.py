"""Clumps of tight curls."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.build.cap import thickness
from engine_bridge.mock.build.hair_shape import HairShape, Puffs
from engine_bridge.mock.build.hairline import growth, rounded_edge
from engine_bridge.mock.build.ribbons import STRAND_WIDTH, Piece, grid_tris
from engine_bridge.mock.build.roots import farthest_points, scalp_points
from engine_bridge.mock.build.scalp import Floats, Scalp, normalized

ROWS, COLUMNS = 4, 7


def build_puffs(scalp: Scalp, shape: HairShape, puffs: Puffs, rng: np.random.Generator) -> Piece:
    """Uneven half balls on the cap's surface; their strands wind up like springs."""
    skin = scalp_points(scalp, shape, rng)
    skin = skin[growth(scalp, shape.outline, skin) > 0.45 * puffs.radius]
    roots = skin[farthest_points(skin, puffs.count)]
    _, normal = scalp.distance(roots)
    edge = rounded_edge(shape.volume, growth(scalp, shape.outline, roots))
    lift = thickness(scalp, shape.volume, roots, normal) * edge
    radius = puffs.radius * scalp.scale * rng.uniform(1.0 - puffs.spread, 1.0 + puffs.spread, len(roots))
    centers = roots + normal * (lift - 0.5 * radius)[:, None]
    outward = normalized(normal + 0.25 * rng.normal(size=normal.shape))
    positions = _balls(centers, outward, radius, rng)
    size = ROWS * COLUMNS
    tris = (grid_tris(ROWS, COLUMNS)[None] + (np.arange(len(roots)) * size)[:, None, None]).reshape(-1, 3)
    return Piece(
        positions=positions.reshape(-1, 3),
        tris=tris,
        strand=_springs(radius, rng).reshape(-1, 2),
        tint=np.repeat(rng.normal(1.0, 0.12, len(roots)), size),
        anchor=np.repeat(scalp.nearest_vertex(roots), size),
    )


def _balls(centers: Floats, outward: Floats, radius: Floats, rng: np.random.Generator) -> Floats:
    """Points (P, rows * columns, 3) of dented balls."""
    side = normalized(np.cross(outward, rng.normal(size=outward.shape)))
    other = np.cross(outward, side)
    polar, around = (
        axis.ravel()
        for axis in np.meshgrid(np.linspace(0.05, 1.75, ROWS), np.linspace(0, 2 * np.pi, COLUMNS), indexing="ij")
    )
    phase = rng.uniform(0, 2 * np.pi, (len(centers), 1))
    dent = 1.0 + 0.16 * np.sin(2 * around + 3 * polar + phase) + 0.10 * np.sin(3 * around - 2 * polar + 2 * phase)
    reach = radius[:, None] * dent
    level = (reach * np.sin(polar))[..., None]
    across = np.cos(around)[None, :, None] * side[:, None] + np.sin(around)[None, :, None] * other[:, None]
    return np.asarray(centers[:, None] + level * across + (reach * np.cos(polar))[..., None] * outward[:, None])


def _springs(radius: Floats, rng: np.random.Generator) -> Floats:
    """Strand coordinates (P, rows * columns, 2)."""
    polar, around = np.meshgrid(np.linspace(0.0, 1.0, ROWS), np.linspace(0.0, 1.0, COLUMNS), indexing="ij")
    turns = (polar + 0.25 * around).ravel()[None] * (2.0 * radius / STRAND_WIDTH)[:, None]
    u = rng.uniform(0.0, 60.0, (len(radius), 1)) + turns
    v = np.broadcast_to(1.0 - 0.6 * polar.ravel(), u.shape)
    return np.stack([u, v], -1)
