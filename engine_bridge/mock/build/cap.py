"""The cap: the scalp's own skin, cut at the hairline and lifted by the hair's volume."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.build.hair_shape import HairShape, Volume
from engine_bridge.mock.build.hairline import plot_of, rounded_edge
from engine_bridge.mock.build.ribbons import STRAND_WIDTH, Piece
from engine_bridge.mock.build.scalp import Floats, Ints, Scalp, normalized, smoothstep

#: Hair thinner than this would flicker through the skin.
THINNEST = 0.014


def thickness(scalp: Scalp, volume: Volume, points: Floats, normals: Floats) -> Floats:
    """Thickness of the hair over skin points (N,)."""
    local = scalp.local(points)
    up = normals[:, 1]
    front = np.exp(-(((local[:, 2] - 0.62) / 0.36) ** 2) - (local[:, 0] / 0.52) ** 2) * smoothstep(-0.1, 0.5, up)
    thick = volume.all + volume.top * smoothstep(0.25, 0.95, up) + volume.front * front
    thick = thick + volume.sides * smoothstep(0.35, 0.85, np.abs(normals[:, 0])) * smoothstep(-0.55, 0.1, local[:, 1])
    thick = thick + volume.back * smoothstep(0.2, 0.9, -normals[:, 2])
    thick = thick + volume.ridge * np.exp(-((local[:, 0] / 0.13) ** 2)) * smoothstep(0.0, 0.5, up + 0.2)
    return np.asarray(thick * scalp.scale)


def parting_groove(scalp: Scalp, shape: HairShape, points: Floats) -> Floats:
    """1 on the parting, 0 away from it or without one (N,)."""
    if shape.flow != "part":
        return np.zeros(len(points))
    local = scalp.local(points)
    return np.asarray(np.exp(-(((local[:, 0] - shape.parting) / 0.07) ** 2)) * smoothstep(-0.6, -0.2, local[:, 2]))


def bumpy(points: Floats, seed: float) -> Floats:
    """Curls as bumps in [0, 1], about 0.2 dm across."""
    x, y, z = np.moveaxis(points, -1, 0)
    a = np.sin(17 * x + 9 * y + seed) * np.sin(15 * y - 11 * z + 2 * seed) * np.sin(16 * z + 8 * x)
    b = np.sin(29 * x - 13 * z + seed) * np.sin(27 * y + 11 * x) * np.sin(26 * z - 9 * y + seed)
    return np.asarray(0.5 + 0.35 * a + 0.25 * b)


def build_cap(scalp: Scalp, shape: HairShape, pole: Floats) -> Piece:
    """The cap of a style; strands run away from ``pole`` (3,), a point on the skull."""
    plot = plot_of(scalp, shape.outline)
    points, normals, edge = plot.points, plot.normals, rounded_edge(shape.volume, plot.grown)
    thick = thickness(scalp, shape.volume, points, normals) * edge
    thick = thick * (1.0 - 0.55 * parting_groove(scalp, shape, points))
    thick = thick * (1.0 + shape.volume.bumps * (bumpy(points / scalp.scale, 0.3) - 0.5))
    lifted = points + normals * np.maximum(thick, THINNEST)[:, None]
    lifted[:, 1] += _box_height(scalp, shape.volume, lifted, normals) * edge
    strand = _strands(scalp, shape, points, pole)
    lifted, tris, strand, source = _split_seam(lifted, plot.tris, strand)
    return Piece(
        positions=lifted,
        tris=tris,
        strand=strand,
        tint=np.full(len(lifted), 0.9),
        anchor=scalp.nearest_vertex(points)[source],
    )


def _box_height(scalp: Scalp, volume: Volume, points: Floats, normals: Floats) -> Floats:
    """How far points (N,) rise to the plane of a flat top."""
    if not volume.flat_top:
        return np.zeros(len(points))
    missing = np.clip(volume.flat_top - scalp.local(points)[:, 1], 0.0, 0.5)
    return np.asarray(missing * smoothstep(0.12, 0.40, normals[:, 1]) * scalp.scale)


def _strands(scalp: Scalp, shape: HairShape, points: Floats, pole: Floats) -> Floats:
    """Strand coordinates (N, 2) of the cap."""
    local = scalp.local(points)
    if shape.flow == "part":
        around = np.arctan2(local[:, 2], local[:, 1])
        return np.stack([20 + around * 0.7 / STRAND_WIDTH, np.abs(local[:, 0] - shape.parting)], 1)
    if shape.flow == "back":
        around = np.arctan2(local[:, 0], np.maximum(local[:, 1], 0.05))
        return np.stack([30 + around * 0.7 / STRAND_WIDTH, np.clip((0.8 - local[:, 2]) / 1.6, 0.0, 1.0)], 1)
    axis = normalized(scalp.local(pole))
    side = normalized(np.cross(axis, [0.0, 0.0, 1.0]) if abs(axis[2]) < 0.9 else np.cross(axis, [0.0, 1.0, 0.0]))
    other = np.cross(axis, side)
    around = np.arctan2(local @ side, local @ other)
    polar = np.arccos(np.clip(normalized(local) @ axis, -1.0, 1.0)) / np.pi
    v = 1.0 - polar if shape.flow == "gather" else polar
    return np.stack([30 + around * 0.7 / STRAND_WIDTH, v], 1)


def _split_seam(points: Floats, tris: Ints, strand: Floats) -> tuple[Floats, Ints, Floats, Ints]:
    """Double the vertices where u wraps around, so that no triangle crosses the seam; also the source of each."""
    period = 2.0 * np.pi * 0.7 / STRAND_WIDTH
    u = strand[tris, 0]
    wraps = (u.max(1) - u.min(1)) > 0.5 * period
    low = np.zeros(len(points), bool)
    low[tris[wraps][u[wraps] < 30.0]] = True
    doubled = np.flatnonzero(low)
    if not len(doubled):
        return points, tris, strand, np.arange(len(points))
    twin = np.arange(len(points))
    twin[doubled] = len(points) + np.arange(len(doubled))
    tris = tris.copy()
    tris[wraps] = np.where(low[tris[wraps]], twin[tris[wraps]], tris[wraps])
    shifted = strand[doubled] + np.array([period, 0.0])
    return (
        np.concatenate([points, points[doubled]]),
        tris,
        np.concatenate([strand, shifted]),
        np.concatenate([np.arange(len(points)), doubled]),
    )
