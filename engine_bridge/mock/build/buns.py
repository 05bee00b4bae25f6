"""Buns: hair coiled into a knot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine_bridge.mock.build.hair_shape import Bun
from engine_bridge.mock.build.ribbons import STRAND_WIDTH, Piece, grid_tris, merge, sweep, taper
from engine_bridge.mock.build.scalp import Floats, Scalp, normalized, smoothstep

ROWS, COLUMNS = 11, 21


@dataclass(frozen=True, kw_only=True)
class _Knot:
    """Where a bun sits: center (3,), three unit vectors, radius in decimetres, and the vertex it moves with."""

    center: Floats
    axis: Floats
    side: Floats
    other: Floats
    radius: float
    anchor: int

    def around(self, polar: Floats, turn: Floats) -> Floats:
        """Unit vectors (..., 3) from the center."""
        level = np.cos(turn)[..., None] * self.side + np.sin(turn)[..., None] * self.other
        return np.sin(polar)[..., None] * level + np.cos(polar)[..., None] * self.axis


def build_bun(scalp: Scalp, bun: Bun, rng: np.random.Generator) -> Piece:
    """A flattened ball whose strands wind around it, with a few locks on top."""
    pole = scalp.skin_towards(bun.azimuth_deg, bun.elevation_deg)
    axis, radius = normalized(pole - scalp.center), bun.radius * scalp.scale
    side = normalized(np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0.0, 0.0]))
    knot = _Knot(
        center=pole + axis * radius * bun.out,
        axis=axis,
        side=side,
        other=np.cross(axis, side),
        radius=radius,
        anchor=int(scalp.nearest_vertex(pole[None])[0]),
    )
    return merge([_ball(knot, bun.flatness), _wound_locks(knot, rng)])


def _ball(knot: _Knot, flatness: float) -> Piece:
    polar, turn = np.meshgrid(np.linspace(0.04, 2.5, ROWS), np.linspace(0, 2 * np.pi, COLUMNS), indexing="ij")
    coil = 1.0 + 0.07 * np.cos(3.0 * turn + 4.0 * polar) + 0.05 * np.cos(7.0 * polar - turn)
    coil[:, -1] = coil[:, 0]
    offset = knot.around(polar, turn) * (coil * knot.radius)[..., None]
    offset -= (1.0 - flatness) * (offset @ knot.axis)[..., None] * knot.axis
    strand = np.stack([polar * knot.radius / STRAND_WIDTH * 1.6 + 0.35 * turn, turn / (2 * np.pi)], -1)
    return Piece(
        positions=(knot.center + offset).reshape(-1, 3),
        tris=grid_tris(ROWS, COLUMNS),
        strand=strand.reshape(-1, 2),
        tint=1.0 - 0.25 * smoothstep(1.6, 2.4, polar).ravel(),
        anchor=np.full(ROWS * COLUMNS, knot.anchor),
    )


def _wound_locks(knot: _Knot, rng: np.random.Generator) -> Piece:
    count, along = 9, 9
    turn = rng.uniform(0, 2 * np.pi, count)[:, None] + np.linspace(0, 2.4, along)[None]
    polar = rng.uniform(0.45, 1.5, count)[:, None] + 0.12 * np.sin(np.linspace(0, 3, along))[None]
    outward = knot.around(polar, turn)
    height = 0.90 + 0.12 * np.sin(np.linspace(0, np.pi, along))
    curves = knot.center + outward * knot.radius * height[None, :, None]
    widths = knot.radius * 0.40 * taper(along, np.full(count, 0.8), root=0.2)
    return sweep(curves, outward, widths, np.full((count, along), knot.anchor), rng)
