"""Where hair grows: the outline of a style, and the scalp's skin cut along it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine_bridge.mock.build.hair_shape import Outline, Volume
from engine_bridge.mock.build.scalp import Floats, Ints, Scalp, normalized, smoothstep


@dataclass(frozen=True, kw_only=True)
class Plot:
    """The skin on which a style grows: points and normals (N, 3), height above the hairline (N,), tris (M, 3)."""

    points: Floats
    normals: Floats
    grown: Floats
    tris: Ints


def growth(scalp: Scalp, outline: Outline, points: Floats) -> Floats:
    """Height above the hairline of the style in decimetres; hair grows where it is positive."""
    azimuth, height = scalp.azimuth_deg(points), scalp.height(points)
    above = scalp.above_hairline(points)
    above = above - outline.forehead * (1.0 - smoothstep(38.0, 58.0, azimuth))
    above = above - outline.recession * np.exp(-(((azimuth - 34.0) / 15.0) ** 2))
    above = above - outline.sides * smoothstep(50.0, 75.0, azimuth)
    if outline.strip:
        above = np.minimum(above, 1.5 * (outline.strip - np.abs(scalp.local(points)[..., 0])))
    if outline.bald_top:
        above = np.minimum(above, 1.5 * (outline.bald_top - height))
    return np.asarray(above + 0.018 * ragged(points / scalp.scale))


def ragged(points: Floats) -> Floats:
    """A fine irregular pattern in [-1, 1] that keeps the hairline from looking cut with a knife."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.asarray((np.sin(47 * x + 5 * y) + np.sin(31 * y - 23 * x + 1.3) + np.sin(41 * z + 37 * x + 0.7)) / 3.0)


def rounded_edge(volume: Volume, grown: Floats) -> Floats:
    """Share of the full thickness (N,) at a height above the hairline: the cap's edge is round, not a step."""
    rise = np.clip(grown / (0.10 + 1.2 * volume.all), 0.0, 1.0)
    return np.asarray(np.sqrt(rise * (2.0 - rise)))


def plot_of(scalp: Scalp, outline: Outline) -> Plot:
    """The scalp's triangles, cut where the style stops growing; new vertices lie on the hairline."""
    ids, tris = _scalp_tris(scalp)
    shears = _Shears(scalp, outline, list(scalp.mesh.positions[ids]), list(scalp.mesh.normals[ids]))
    grown = growth(scalp, outline, scalp.mesh.positions[ids])
    kept = [piece for tri in tris.tolist() for piece in shears.cut(tri, [bool(grown[corner] > 0.0) for corner in tri])]
    used, local = np.unique(np.array(kept, np.int64), return_inverse=True)
    return Plot(
        points=np.array(shears.points)[used],
        normals=normalized(np.array(shears.normals)[used]),
        grown=np.concatenate([grown, np.zeros(len(shears.points) - len(grown))])[used],
        tris=local.reshape(-1, 3).astype(np.int64),
    )


@dataclass(frozen=True)
class _Shears:
    """Cuts triangles at the hairline and remembers where it cut each edge."""

    scalp: Scalp
    outline: Outline
    points: list[Floats]
    normals: list[Floats]
    cuts: dict[tuple[int, int], int] = field(default_factory=dict)

    def cut(self, tri: list[int], inside: list[bool]) -> list[tuple[int, int, int]]:
        """What is left of a triangle: nothing, itself, a corner, or what a corner leaves."""
        if all(inside) or not any(inside):
            return [(tri[0], tri[1], tri[2])] if inside[0] else []
        lone = inside.index(True) if inside.count(True) == 1 else inside.index(False)
        corner, after, before = tri[lone], tri[(lone + 1) % 3], tri[(lone + 2) % 3]
        if inside[lone]:
            return [(corner, self.split(corner, after), self.split(corner, before))]
        first, second = self.split(after, corner), self.split(before, corner)
        return [(after, before, second), (after, second, first)]

    def split(self, inside: int, outside: int) -> int:
        """The vertex where the edge crosses the hairline."""
        if (inside, outside) not in self.cuts:
            share = self._crossing(self.points[inside], self.points[outside])
            self.cuts[inside, outside] = len(self.points)
            for values in (self.points, self.normals):
                values.append(values[inside] + share * (values[outside] - values[inside]))
        return self.cuts[inside, outside]

    def _crossing(self, inside: Floats, outside: Floats) -> float:
        """Share of the way from inside to outside at which hair stops growing."""
        shares = np.linspace(0.0, 1.0, 17)
        grown = growth(self.scalp, self.outline, inside + shares[:, None] * (outside - inside))
        bare = np.flatnonzero(grown <= 0)
        return float(shares[bare[0]]) if len(bare) else 1.0


def _scalp_tris(scalp: Scalp) -> tuple[Ints, Ints]:
    """Skin triangles well around the hairline, with uv seams welded: vertex ids (N,) and tris (M, 3) into them."""
    mesh = scalp.mesh
    _, first, welded = np.unique(mesh.vertex_ids, return_index=True, return_inverse=True)
    kept = np.zeros(len(mesh.positions), bool)
    kept[scalp.skin_without_ears] = scalp.above_hairline(mesh.positions[scalp.skin_without_ears]) > -0.4
    tris = mesh.tris[kept[mesh.tris].all(1)]
    used, local = np.unique(welded[tris], return_inverse=True)
    return first[used].astype(np.int64), local.reshape(-1, 3).astype(np.int64)
