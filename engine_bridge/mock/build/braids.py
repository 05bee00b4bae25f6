"""Braids: three strands around a spine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engine_bridge.mock.build.hair_shape import Halo
from engine_bridge.mock.build.ribbons import Piece, sweep, taper
from engine_bridge.mock.build.scalp import Floats, Ints, Scalp, normalized

#: Length of one full turn of a braid's strands over the braid's radius.
PLAIT_PITCH: Final = 4.2


def spine_frame(spine: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors (K, 3) across a spine: the first lies level, the second completes the frame."""
    tangents = normalized(np.gradient(spine, axis=0))
    first = normalized(np.cross(tangents, np.array([0.02, 0.05, 1.0])))
    return first, np.cross(first, tangents)


def plait(
    spine: Floats,
    radius: Floats,
    anchors: Ints,
    rng: np.random.Generator,
    facing: Callable[[Floats], Floats] | None = None,
) -> Piece:
    """Three strands that cross each other along a spine (K, 3); seen from one side only when ``facing`` is given.

    ``radius`` (K,) of the braid, ``anchors`` (K,) vertices that the spine moves with; ``facing`` maps points (N, 3) to
    unit vectors off the surface that the braid lies on.
    """
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(spine, axis=0), axis=1))])
    num_along = int(np.clip(8.0 * arc[-1] / (PLAIT_PITCH * radius.mean()), 24, 80))
    wanted = np.linspace(0.0, arc[-1], num_along)
    fine = np.stack([np.interp(wanted, arc, spine[:, axis]) for axis in range(3)], 1)
    wide = np.interp(wanted, arc, radius)
    first, second = spine_frame(fine) if facing is None else _facing_frame(fine, facing(fine))
    sides = (second, -second) if facing is None else (second,)
    turn = 2 * np.pi * wanted / (PLAIT_PITCH * wide.mean())
    phases = [turn + strand * 2 * np.pi / 3 for strand in range(3)]
    curves = np.stack([fine + _figure_eight(phase, wide, first, second) for phase in phases for _ in sides])
    outward = np.stack([side for _ in phases for side in sides])
    widths = np.broadcast_to(1.15 * wide, curves.shape[:2])
    followed = anchors[np.linspace(0, len(anchors) - 1, num_along).astype(int)]
    return sweep(curves, outward, widths, np.tile(followed, (len(curves), 1)), rng, bulge=0.42, tint_spread=0.05)


def _figure_eight(phase: Floats, wide: Floats, first: Floats, second: Floats) -> Floats:
    """How far (K, 3) a strand is off the spine: it swings across, over its neighbours one way and under them back."""
    return (0.72 * np.sin(phase) * wide)[:, None] * first + (0.42 * np.sin(2 * phase) * wide)[:, None] * second


def _facing_frame(spine: Floats, outward: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors (K, 3) across a spine that lies on a surface: along the surface, and off it."""
    tangents = normalized(np.gradient(spine, axis=0))
    first = normalized(np.cross(outward, tangents))
    return first, np.cross(tangents, first)


def tassel(spine: Floats, radius: float, anchor: int, rng: np.random.Generator) -> Piece:
    """The loose end of a braid."""
    count, along = 6, 6
    tangent = normalized(spine[-1] - spine[-3])
    first, second = spine_frame(spine)
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    outward = np.cos(angle)[:, None, None] * first[-1] + np.sin(angle)[:, None, None] * second[-1]
    s = np.linspace(0.0, 1.0, along)
    spread = radius * (0.4 + 0.5 * np.sin(np.pi * s))
    curves = spine[-1] + (s[:, None] * tangent * 3.2 * radius)[None] + outward * spread[None, :, None]
    widths = 1.3 * radius * taper(along, np.full(count, 0.9), root=0.5)
    outward = np.broadcast_to(outward, curves.shape)
    return sweep(curves, outward, widths, np.full((count, along), anchor), rng)


def build_halo(scalp: Scalp, halo: Halo, lift: float, rng: np.random.Generator) -> Piece:
    """A braid around the head."""
    around = np.linspace(-np.pi, np.pi, 49)
    share = 0.5 - 0.5 * np.cos(around)
    height = (halo.front * (1 - share) + halo.back * share) * scalp.scale
    points = scalp.center + np.stack([np.sin(around), np.zeros(49), np.cos(around)], 1) * 0.9 * scalp.scale
    points[:, 1] = height
    wanted = np.full(49, (halo.radius * 0.55 + lift) * scalp.scale)
    for _ in range(8):
        signed, normal = scalp.distance(points)
        points = points + normal * (wanted - signed)[:, None]
        points[:, 1] = 0.5 * points[:, 1] + 0.5 * height
    anchors = scalp.nearest_vertex(points)
    radius = np.full(49, halo.radius * scalp.scale)
    return plait(points, radius, anchors, rng, facing=lambda fine: scalp.distance(fine)[1])
