"""Hair combed over the forehead.

L locks   S steps of a guide
"""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.build.guides import NUM_STEPS, Guides
from engine_bridge.mock.build.hair_shape import Fringe
from engine_bridge.mock.build.scalp import Floats, Scalp
from engine_bridge.mock.build.scissors import arc_lengths


def comb_fringe(scalp: Scalp, fringe: Fringe, rng: np.random.Generator) -> Guides:
    """Locks from above the forehead's hairline down to the fringe's tips."""
    roots, tips = _ends(fringe, rng)
    s = np.linspace(0.0, 1.0, NUM_STEPS + 1)
    across = roots[:, :1] + (tips - roots)[:, :1] * s**1.3
    height = roots[:, 1:] + (tips - roots)[:, 1:] * s
    depth = np.sqrt(np.maximum(1.0 - (across / 0.80) ** 2, 0.05)) * (0.62 + 0.5 * s)
    points = np.stack([across, height, depth], -1) * scalp.scale + scalp.center * np.array([0.0, 0.0, 1.0])
    bow = 0.35 + 2.0 * s * (1.15 - s)
    clearance = rng.uniform(0.5, 1.0, (fringe.count, 1)) * fringe.volume * scalp.scale * bow + 0.012
    curves = _at_clearance(scalp, points.reshape(-1, 3), clearance.ravel()).reshape(points.shape)
    return Guides(curves=curves, lengths=arc_lengths(curves)[:, -1])


def _ends(fringe: Fringe, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """(x, y) of roots and tips (L, 2) in the adult female's size."""
    place = np.linspace(-1.0, 1.0, fringe.count) + rng.uniform(-0.4, 0.4, fringe.count) / fringe.count
    root_x = 0.55 * fringe.reach * place - 0.35 * fringe.sweep
    root_y = 0.72 + fringe.root * rng.uniform(0.5, 1.5, fringe.count)
    opening = fringe.gap * np.where(place >= 0, 1.0, -1.0) * (1.0 - np.abs(place))
    tip_x = fringe.reach * place + 0.45 * fringe.sweep + opening
    tip_y = fringe.tip - fringe.arch * place**2 + fringe.jitter * rng.uniform(-1.0, 1.0, fringe.count)
    return np.stack([root_x, root_y], 1), np.stack([tip_x, tip_y - 0.25 * fringe.sweep * place], 1)


def _at_clearance(scalp: Scalp, points: Floats, clearance: Floats) -> Floats:
    """Points (N, 3) moved along the skin's normals to their clearance (N,)."""
    for _ in range(3):
        signed, normal = scalp.distance(points)
        points = points + normal * (clearance - signed)[:, None]
    return points
