"""Where the locks of a hairstyle are rooted.

L locks
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine_bridge.mock.build.hair_shape import HairShape, Locks
from engine_bridge.mock.build.hairline import growth
from engine_bridge.mock.build.scalp import Floats, Scalp


@dataclass(frozen=True, kw_only=True)
class Roots:
    """points (L, 3) on the skin, side (L,) of the parting they fall to (+1 left), and their tie or whorl (L, 3)."""

    points: Floats
    side: Floats
    poles: Floats


def scatter_roots(scalp: Scalp, shape: HairShape, locks: Locks, poles: list[Floats], rng: np.random.Generator) -> Roots:
    """Roots spread evenly over the hair-growing scalp, each with the nearest of the ``poles``.

    A share of them lines the forehead, so that the hairline is made of hair, and another both sides of the parting.
    """
    points = scalp_points(scalp, shape, rng)
    points = points[(scalp.height(points) > locks.lowest) & (scalp.height(points) < locks.highest)]
    edge, parted = _forehead_row(scalp, shape, locks, points), _parting_row(scalp, shape, locks, points)
    rest = points[farthest_points(points, max(1, locks.count - len(edge) - 2 * len(parted)))]
    roots = np.concatenate([rest, edge, parted, parted])
    side = np.where(roots[:, 0] > shape.parting * scalp.scale, 1.0, -1.0)
    side[len(rest) + len(edge) :] = np.repeat([1.0, -1.0], len(parted))
    nearest = np.argmin([np.linalg.norm(roots - pole, axis=1) for pole in poles], 0)
    return Roots(points=roots, side=side, poles=np.array(poles)[nearest])


def scalp_points(scalp: Scalp, shape: HairShape, rng: np.random.Generator) -> Floats:
    """Many random points (N, 3) of the skin where hair grows."""
    tris = scalp.mesh.tris[np.isin(scalp.mesh.tris, scalp.skin_without_ears).all(1)]
    weight = rng.dirichlet(np.ones(3), (len(tris), 6))
    points = (weight[..., None] * scalp.mesh.positions[tris][:, None]).sum(2).reshape(-1, 3)
    points = points[scalp.above_hairline(points) > -0.3]
    return np.asarray(points[growth(scalp, shape.outline, points) > 0.02])


def farthest_points(points: Floats, count: int) -> list[int]:
    """Indices of points chosen one after the other, each the farthest from those before."""
    if not len(points):
        return []
    chosen = [int(points[:, 1].argmax())]
    gap = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(gap.argmax()))
        gap = np.minimum(gap, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return chosen


def _forehead_row(scalp: Scalp, shape: HairShape, locks: Locks, points: Floats) -> Floats:
    if (locks.flow or shape.flow) not in ("part", "back", "gather"):
        return points[:0]
    grown = growth(scalp, shape.outline, points)
    row = points[(grown < 0.07) & (scalp.azimuth_deg(points) < 62.0) & (scalp.height(points) > 0.1)]
    return row[farthest_points(row, locks.count // 5)]


def _parting_row(scalp: Scalp, shape: HairShape, locks: Locks, points: Floats) -> Floats:
    if (locks.flow or shape.flow) != "part":
        return points[:0]
    local = scalp.local(points)
    row = points[(np.abs(local[:, 0] - shape.parting) < 0.035) & (local[:, 1] > 0.25) & (local[:, 2] > -0.55)]
    return row[farthest_points(row, locks.count // 8)]
