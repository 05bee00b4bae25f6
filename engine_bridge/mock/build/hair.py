"""Builds one hairstyle on one head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from engine_bridge.mock.build.braids import build_halo
from engine_bridge.mock.build.buns import build_bun
from engine_bridge.mock.build.cap import build_cap
from engine_bridge.mock.build.fringes import comb_fringe
from engine_bridge.mock.build.guides import Comb
from engine_bridge.mock.build.hair_shape import Bun, Fringe, HairShape, Locks, Tail
from engine_bridge.mock.build.puffs import build_puffs
from engine_bridge.mock.build.ribbons import Piece, merge, resample, stations, sweep, taper
from engine_bridge.mock.build.roots import scatter_roots
from engine_bridge.mock.build.scalp import Floats, Ints, Scalp, normalized, smoothstep
from engine_bridge.mock.build.tails import build_tail

#: Azimuth and elevation of the crown's whorl.
WHORL_DEG = (180.0, 66.0)


@dataclass(frozen=True, kw_only=True)
class HairMesh:
    """A hairstyle as it is stored; see the module docstring of ``engine_bridge.mock.catalog``."""

    positions: npt.NDArray[np.float16]
    tris: npt.NDArray[np.uint16]
    strand: npt.NDArray[np.float16]
    shade: npt.NDArray[np.uint8]
    anchor: npt.NDArray[np.uint16]


def build_hair(scalp: Scalp, shape: HairShape, rng: np.random.Generator) -> HairMesh:
    """The mesh of a style: the cap, the locks, the fringe and whatever is tied up."""
    poles = tie_points(scalp, shape)
    pieces = [build_cap(scalp, shape, poles[0])]
    pieces += [_grow(scalp, shape, locks, poles, rng) for locks in shape.locks]
    if shape.fringe is not None:
        pieces.append(_grow_fringe(scalp, shape.fringe, rng))
    pieces += [build_bun(scalp, bun, rng) for bun in shape.buns]
    pieces += [build_tail(scalp, tail, rng) for tail in shape.tails]
    if shape.puffs is not None:
        pieces.append(build_puffs(scalp, shape, shape.puffs, rng))
    if shape.halo is not None:
        pieces.append(build_halo(scalp, shape.halo, shape.volume.all, rng))
    return _finish(scalp, merge(pieces))


def tie_points(scalp: Scalp, shape: HairShape) -> list[Floats]:
    """Points (3,) that hair is gathered at, or the whorl when nothing is tied."""
    ties: tuple[Bun | Tail, ...] = (*shape.buns, *shape.tails)
    directions = [(tie.azimuth_deg, tie.elevation_deg) for tie in ties]
    return [scalp.skin_towards(*direction) for direction in directions or [WHORL_DEG]]


def _grow(scalp: Scalp, shape: HairShape, locks: Locks, poles: list[Floats], rng: np.random.Generator) -> Piece:
    roots = scatter_roots(scalp, shape, locks, poles, rng)
    guides = Comb(scalp, shape, locks, roots).grow(rng)
    pointed = np.clip(rng.normal(locks.pointed, 0.08, len(roots.points)), 0.0, 0.97)
    longest = float(guides.lengths.max()) / scalp.scale
    if locks.wave:
        num_along = int(np.clip(7.0 * longest / locks.wave_length, 9, 26))
        curves = resample(guides.curves, guides.lengths, num_along)
        curves = _waved(scalp, locks, curves, guides.lengths, rng)
    else:
        curves = resample(guides.curves, guides.lengths, int(np.clip(3.5 + 3.5 * longest, 5, 12)))
    widths = taper(curves.shape[1], pointed, root=0.30, ramp=0.15 / longest)
    return _ribbons(scalp, curves, locks.width * widths, rng)


def _grow_fringe(scalp: Scalp, fringe: Fringe, rng: np.random.Generator) -> Piece:
    guides = comb_fringe(scalp, fringe, rng)
    curves = resample(guides.curves, guides.lengths, 6)
    widths = taper(6, np.full(fringe.count, fringe.pointed), root=0.6)
    return _ribbons(scalp, curves, fringe.width * widths, rng)


def _ribbons(scalp: Scalp, curves: Floats, widths: Floats, rng: np.random.Generator) -> Piece:
    """Curves (L, K, 3) as ribbons that face away from the skin, ``widths`` (L, K) in the adult female's size."""
    varied = widths * scalp.scale * rng.uniform(0.75, 1.2, len(curves))[:, None]
    return sweep(curves, _facing(scalp, curves), varied, _anchors(scalp, curves), rng)


def _facing(scalp: Scalp, curves: Floats) -> Floats:
    _, normal = scalp.distance(curves.reshape(-1, 3))
    return normal.reshape(curves.shape)


def _waved(scalp: Scalp, locks: Locks, curves: Floats, lengths: Floats, rng: np.random.Generator) -> Floats:
    """Curves (L, K, 3) displaced sideways and outwards in waves."""
    outward = _facing(scalp, curves)
    sideways = normalized(np.cross(outward, normalized(np.gradient(curves, axis=1))))
    arc = stations(curves.shape[1])[None] * (lengths / scalp.scale)[:, None]
    phase = 2 * np.pi * arc / locks.wave_length + rng.uniform(-1.35, 1.35, len(curves))[:, None]
    strength = locks.wave * scalp.scale * smoothstep(0.05, 0.4, arc)
    moved = curves + (strength * np.sin(phase))[..., None] * sideways
    return np.asarray(moved + (strength * 0.7 * (1.0 + np.cos(phase)))[..., None] * outward)


def _anchors(scalp: Scalp, curves: Floats) -> Ints:
    """Each point moves with the scalp below it; what hangs free moves with the last scalp it touched (L, K)."""
    flat = curves.reshape(-1, 3)
    near = scalp.nearest_vertex(flat)
    skin = scalp.mesh.positions[near]
    touches = (scalp.above_hairline(skin) > -0.05) & (np.linalg.norm(flat - skin, axis=1) < 0.4 * scalp.scale)
    near, touches = near.reshape(curves.shape[:2]), touches.reshape(curves.shape[:2])
    for k in range(1, curves.shape[1]):
        near[:, k] = np.where(touches[:, k], near[:, k], near[:, k - 1])
    return near


def _finish(scalp: Scalp, hair: Piece) -> HairMesh:
    return HairMesh(
        positions=hair.positions.astype(np.float16),
        tris=hair.tris.astype(np.uint16),
        strand=hair.strand.astype(np.float16),
        shade=np.clip(255.0 * hair.tint * occlusion(scalp, hair), 0, 255).astype(np.uint8),
        anchor=hair.anchor.astype(np.uint16),
    )


def occlusion(scalp: Scalp, hair: Piece) -> Floats:
    """Ambient light (N,) in [0, 1]: less below other hair, at the roots and on the way into the neck."""
    height, _ = scalp.distance(hair.positions)
    tree = cKDTree(hair.positions)
    _, near = tree.query(hair.positions, k=24)
    above = np.quantile(height[near], 0.85, axis=1) - height
    buried = smoothstep(0.0, 0.16 * scalp.scale, above)
    root = 1.0 - smoothstep(0.0, 0.18, hair.strand[:, 1])
    return np.asarray((1.0 - 0.55 * buried) * (1.0 - 0.18 * root))
