"""Where hair grows and what it must not enter: the skull's frame, its hairline and its distance field.

Everything is scaled so that the adult female's numbers hold for every head: ``scale`` is the height of the crown above
the eyes over the adult female's. Azimuth is the angle around the vertical axis through the skull: 0 at the
nose, 90 at the ears, 180 at the nape, the same on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.spatial import cKDTree

from engine_bridge.mock.build.makehuman import HeadMesh
from engine_bridge.mock.surfaces import Surface

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REFERENCE_CROWN_Y: Final = 1.037
SKULL_CENTER: Final = np.array([0.0, 0.30, -0.66])

#: Azimuth in degrees -> height of the natural hairline: forehead, temple, sideburn, over the ear, nape.
HAIRLINE: Final = (
    (0, 0.66),
    (20, 0.67),
    (34, 0.64),
    (44, 0.54),
    (54, 0.34),
    (62, 0.12),
    (67, -0.04),
    (73, -0.12),
    (78, -0.06),
    (83, 0.13),
    (90, 0.19),
    (99, 0.14),
    (107, -0.08),
    (116, -0.30),
    (130, -0.50),
    (150, -0.64),
    (180, -0.68),
)


@dataclass(frozen=True)
class Scalp:
    """The skin of one head as hair sees it. Points are (..., 3) in decimetres of the head's rest mesh."""

    mesh: HeadMesh

    @cached_property
    def scale(self) -> float:
        return float(self._skin[:, 1].max()) / REFERENCE_CROWN_Y

    @cached_property
    def center(self) -> Floats:
        """The middle of the skull."""
        depth = self._skin[np.abs(self._skin[:, 1] - 0.3 * self.scale) < 0.1, 2]
        middle = 0.5 * (depth.min() + depth.max())
        return np.array([0.0, SKULL_CENTER[1] * self.scale, middle])

    @cached_property
    def _skin(self) -> Floats:
        return self.mesh.positions[self.mesh.vertices_of(Surface.SKIN)]

    @cached_property
    def skin_without_ears(self) -> Ints:
        """Vertex ids of the skin that hair lies upon; ears stick through it or are covered by extra clearance."""
        ids = self.mesh.vertices_of(Surface.SKIN).astype(np.int64)
        local = self.local(self.mesh.positions[ids])
        window = (np.abs(local[:, 1] + 0.40) < 0.27) & (np.abs(local[:, 2]) < 0.34)
        kept: Ints = ids[~(window & (np.abs(local[:, 0]) > 0.70))]
        return kept

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.mesh.positions[self.skin_without_ears])

    @cached_property
    def _anchors(self) -> cKDTree:
        return cKDTree(self._skin)

    def local(self, points: Floats) -> Floats:
        """Points about the skull's centre in the adult female's size."""
        return np.asarray((points - self.center) / self.scale)

    def world(self, local: Floats) -> Floats:
        """Inverse of :meth:`local`."""
        return np.asarray(local) * self.scale + self.center

    def azimuth_deg(self, points: Floats) -> Floats:
        local = self.local(points)
        return np.asarray(np.degrees(np.arctan2(np.abs(local[..., 0]), local[..., 2])))

    def height(self, points: Floats) -> Floats:
        """Height above the eyes in the adult female's size."""
        return np.asarray(points[..., 1] / self.scale)

    def above_hairline(self, points: Floats) -> Floats:
        """Height above the natural hairline, negative on the face and neck."""
        azimuth, line = np.array(HAIRLINE, np.float64).T
        return np.asarray(self.height(points) - PchipInterpolator(azimuth, line)(self.azimuth_deg(points)))

    def distance(self, points: Floats) -> tuple[Floats, Floats]:
        """Signed distance (N,) to the skin and its outward normal (N, 3), both smoothed over the eight nearest."""
        gap, near = self._tree.query(points, k=8)
        ids = self.skin_without_ears[near]
        weight = 1.0 / (gap + 0.02) ** 2
        weight /= weight.sum(1, keepdims=True)
        normals = self.mesh.normals[ids]
        signed = ((points[:, None] - self.mesh.positions[ids]) * normals).sum(-1)
        normal = (normals * weight[..., None]).sum(1)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        plane = (signed * weight).sum(1)
        return np.where(gap[:, 0] > 0.25, np.maximum(plane, gap[:, 0]), plane), normal

    def push_out(self, points: Floats, clearance: Floats, cling: float = 0.0) -> Floats:
        """The points moved outwards until they keep their clearance (N,); ``cling`` pulls in those beyond it."""
        signed, normal = self.distance(points)
        missing = clearance - signed
        return np.asarray(points + normal * np.where(missing > 0.0, missing, cling * missing)[:, None])

    def skin_towards(self, azimuth_deg: float, elevation_deg: float) -> Floats:
        """The point (3,) of the skin in a direction seen from the skull's centre; azimuth is signed, left positive."""
        azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
        level = np.cos(elevation)
        direction = np.array([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)])
        skin = self.mesh.positions[self.skin_without_ears] - self.center
        near = np.argsort(-(normalized(skin) @ direction))[:6]
        return np.asarray(self.center + direction * (skin[near] @ direction).mean())

    def nearest_vertex(self, points: Floats) -> Ints:
        """Ids (N,) of the skin vertices next to the points."""
        return np.asarray(self.mesh.vertices_of(Surface.SKIN)[self._anchors.query(points)[1]], np.int64)


def normalized(vectors: Floats) -> Floats:
    """Unit vectors along the last axis."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def smoothstep(low: float, high: float, x: npt.ArrayLike) -> Floats:
    """0 below ``low``, 1 above ``high``, smooth in between."""
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))
