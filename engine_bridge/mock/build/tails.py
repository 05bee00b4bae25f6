"""Tails: hair tied together that rises and falls."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.build.braids import plait, spine_frame, tassel
from engine_bridge.mock.build.hair_shape import Tail
from engine_bridge.mock.build.ribbons import Piece, merge, resample, sweep, taper
from engine_bridge.mock.build.scalp import Floats, Scalp, normalized, smoothstep


def build_tail(scalp: Scalp, tail: Tail, rng: np.random.Generator) -> Piece:
    """A tail: locks around a spine that leaves the skull at the tie, or a braid along that spine."""
    spine, pole = tail_spine(scalp, tail), scalp.skin_towards(tail.azimuth_deg, tail.elevation_deg)
    anchor = int(scalp.nearest_vertex(pole[None])[0])
    s = np.linspace(0.0, 1.0, spine.shape[0])
    full = tail.radius * scalp.scale * (0.35 + 0.65 * smoothstep(0.0, 0.3, s))
    if tail.braided:
        braid = plait(spine, full * (1.0 - 0.35 * s), np.full(len(spine), anchor), rng)
        return merge([braid, tassel(spine, full[-1] * 0.75, anchor, rng)])
    return _bundle(spine, full, tail, anchor, rng)


def tail_spine(scalp: Scalp, tail: Tail) -> Floats:
    """Middle line (24, 3) of a tail: out of the skull, then down, off the skin."""
    pole = scalp.skin_towards(tail.azimuth_deg, tail.elevation_deg)
    out = normalized(pole - scalp.center)
    step = tail.length * scalp.scale / 60
    point, points = pole.copy(), [pole]
    direction = normalized(out + np.array([0.0, tail.rise, 0.0]))
    for index in range(60):
        pull = np.array([tail.lean, -1.0, tail.forward]) * (0.05 + 0.30 * smoothstep(0.0, 0.4, index / 60.0))
        direction = normalized(direction + pull)
        point = point + step * direction
        clearance = np.array([tail.radius * scalp.scale * min(1.0, 0.3 + index / 15.0) + 0.03])
        point = scalp.push_out(point[None], clearance)[0]
        points.append(point)
    return np.asarray(resample(np.array(points)[None], np.array([np.inf]), 24)[0])


def _bundle(spine: Floats, full: Floats, tail: Tail, anchor: int, rng: np.random.Generator) -> Piece:
    """Locks side by side around the spine, some shorter."""
    first, second = spine_frame(spine)
    angle = np.linspace(0, 2 * np.pi, tail.count, endpoint=False) + rng.uniform(-0.2, 0.2, tail.count)
    ring = np.where(np.arange(tail.count) % 4 == 3, 0.45, 0.9)
    outward = np.cos(angle)[:, None, None] * first + np.sin(angle)[:, None, None] * second
    curves = spine + outward * (ring[:, None] * full)[..., None]
    shortened = np.linalg.norm(np.diff(curves, axis=1), axis=2).sum(1) * rng.uniform(0.72, 1.0, tail.count)
    along = 12
    curves, facing = resample(curves, shortened, along), outward[:, np.linspace(0, len(spine) - 1, along).astype(int)]
    widths = 1.25 * full.max() * taper(along, rng.uniform(0.7, 0.95, tail.count), root=0.45)
    return sweep(curves, facing, widths, np.full((tail.count, along), anchor), rng)
