"""Pieces of hair mesh, and ribbons swept along curves.

L locks   K points along a lock   A points across a lock
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine_bridge.mock.build.scalp import Floats, Ints, normalized

#: Width of one strand in decimetres: the unit of u. A strand is a bundle of some visible hairs.
STRAND_WIDTH = 0.075


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a hairstyle.

    positions (N, 3), tris (M, 3), strand (N, 2) u in strand widths and v root to tip, tint (N,) own brightness near 1,
    anchor (N,) vertex of the head that each vertex moves along with
    """

    positions: Floats
    tris: Ints
    strand: Floats
    tint: Floats
    anchor: Ints


def merge(pieces: Sequence[Piece]) -> Piece:
    """All pieces as one."""
    starts = np.cumsum([0] + [len(piece.positions) for piece in pieces])
    return Piece(
        positions=np.concatenate([piece.positions for piece in pieces]),
        tris=np.concatenate([piece.tris + start for piece, start in zip(pieces, starts, strict=False)]),
        strand=np.concatenate([piece.strand for piece in pieces]),
        tint=np.concatenate([piece.tint for piece in pieces]),
        anchor=np.concatenate([piece.anchor for piece in pieces]),
    )


def grid_tris(num_along: int, num_across: int) -> Ints:
    """Triangles (2 (K-1) (A-1), 3) of a grid whose vertices run across first; facing along x across."""
    row, column = np.meshgrid(np.arange(num_along - 1), np.arange(num_across - 1), indexing="ij")
    corner = (row * num_across + column).ravel()
    near, far = corner, corner + num_across
    quads = np.stack([near, near + 1, far + 1, near, far + 1, far], 1)
    return np.asarray(quads.reshape(-1, 3), np.int64)


def sweep(
    curves: Floats,
    outward: Floats,
    widths: Floats,
    anchors: Ints,
    rng: np.random.Generator,
    *,
    num_across: int = 3,
    bulge: float = 0.22,
    tint_spread: float = 0.10,
) -> Piece:
    """Arched ribbons along ``curves`` (L, K, 3) that face ``outward`` (L, K, 3), ``widths`` (L, K) wide."""
    across = np.linspace(-0.5, 0.5, num_across)
    positions = _cross_sections(curves, outward, widths, across, bulge)
    strand = _strand_coordinates(widths, across, rng)
    tint = np.broadcast_to(rng.normal(1.0, tint_spread, len(curves))[:, None, None], strand.shape[:3])
    size = curves.shape[1] * num_across
    tris = grid_tris(curves.shape[1], num_across)[None] + (np.arange(len(curves)) * size)[:, None, None]
    return Piece(
        positions=positions.reshape(-1, 3),
        tris=tris.reshape(-1, 3),
        strand=strand.reshape(-1, 2),
        tint=tint.reshape(-1),
        anchor=np.repeat(anchors.reshape(-1), num_across),
    )


def _cross_sections(curves: Floats, outward: Floats, widths: Floats, across: Floats, bulge: float) -> Floats:
    """Points (L, K, A, 3) of arches over the curves."""
    tangents = normalized(np.gradient(curves, axis=1))
    sideways = normalized(np.cross(outward, tangents))
    facing = np.cross(tangents, sideways)
    arch = bulge * (0.5 - (2.0 * across) ** 2)
    aside = (widths[..., None] * across)[..., None] * sideways[:, :, None]
    return np.asarray(curves[:, :, None] + aside + (widths[..., None] * arch)[..., None] * facing[:, :, None])


def _strand_coordinates(widths: Floats, across: Floats, rng: np.random.Generator) -> Floats:
    """(L, K, A, 2): every lock shows another stretch of the streak pattern."""
    start = rng.uniform(0.0, 60.0, len(widths))[:, None, None]
    num_strands = widths.max(1)[:, None, None] / STRAND_WIDTH
    u = start + num_strands * (across + 0.5)[None, None]
    v = stations(widths.shape[1])[None, :, None]
    shape = (*widths.shape, len(across))
    return np.stack([np.broadcast_to(u, shape), np.broadcast_to(v, shape)], -1)


def stations(num_points: int) -> Floats:
    """Shares of a lock's length, denser at the root, where it bends over the skull."""
    return np.asarray(np.linspace(0.0, 1.0, num_points) ** 1.35)


def resample(curves: Floats, lengths: Floats, num_points: int) -> Floats:
    """The first ``lengths`` (L,) of each curve (L, S, 3), its points at the stations: (L, num_points, 3)."""
    steps = np.linalg.norm(np.diff(curves, axis=1), axis=2)
    arc = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(steps, 1)], 1)
    out = np.empty((len(curves), num_points, 3))
    for lock, (curve, at) in enumerate(zip(curves, arc, strict=True)):
        wanted = min(float(lengths[lock]), float(at[-1])) * stations(num_points)
        for axis in range(3):
            out[lock, :, axis] = np.interp(wanted, at, curve[:, axis])
    return out


def taper(num_along: int, pointed: npt.ArrayLike, *, root: float = 0.75, ramp: float = 0.28) -> Floats:
    """Relative width (L, K) along a lock: a slim root, a full middle, a tip narrowed by ``pointed`` in [0, 1].

    ``ramp`` is the share of the length over which it reaches its full width.
    """
    s = stations(num_along)[None]
    tip = np.atleast_1d(np.asarray(pointed, np.float64))[:, None]
    ramp = max(min(ramp, 0.4), 1.0 / num_along)
    full = root + (1.0 - root) * np.clip(s / ramp, 0.0, 1.0)
    return np.asarray(full * (1.0 - tip * np.clip(s - 0.35, 0.0, 1.0) ** 2 / 0.4225))
