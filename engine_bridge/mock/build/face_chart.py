"""The face laid out in UV space, for painting what follows the skin: brows, lipstick, beards.

Places are decimetres of the adult female's rest head from the midpoint between the eyes; every head shares the UV
layout, so what is painted at a place lands on the same feature of every head.

S   side of the chart in texels
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from engine_bridge.mock.build.makehuman import HeadMesh
from engine_bridge.mock.build.scalp import SKULL_CENTER, Floats
from engine_bridge.mock.build.skin_maps import texture_in_crop, uv_places


@dataclass(frozen=True, kw_only=True)
class FaceChart:
    """places (S, S, 3), covered (S, S) where there is skin, lips (S, S) coverage of both lips in [0, 1]."""

    places: Floats
    covered: npt.NDArray[np.bool_]
    lips: Floats

    @property
    def x(self) -> Floats:
        """Distance from the midline."""
        return np.abs(self.places[..., 0])

    @property
    def y(self) -> Floats:
        """Height above the eyes."""
        return self.places[..., 1]

    @cached_property
    def azimuth_deg(self) -> Floats:
        """Angle around the vertical axis through the skull: 0 at the nose, 90 at the ears."""
        return np.asarray(np.degrees(np.arctan2(self.x, self.places[..., 2] - SKULL_CENTER[2])))

    @cached_property
    def texels_per_dm(self) -> float:
        """Resolution on the lips."""
        inside = self.lips > 0.5
        rate = np.linalg.norm(np.gradient(self.places[..., 0]), axis=0)
        return float(1.0 / np.median(rate[inside]))

    @cached_property
    def inside_lips(self) -> Floats:
        """Distance (S, S) in decimetres from the outer contour of the mouth, positive on the lips."""
        both = ndimage.binary_fill_holes(ndimage.binary_closing(self.lips > 0.5, iterations=4))
        smooth = ndimage.gaussian_filter(both.astype(np.float64), 1.5) > 0.5
        inner, outer = ndimage.distance_transform_edt(smooth), ndimage.distance_transform_edt(~smooth)
        return np.asarray(ndimage.gaussian_filter(inner - outer, 0.7) / self.texels_per_dm)

    @cached_property
    def seam_height(self) -> Floats:
        """Height (S, S) above the line where the lips meet, negative on the lower lip."""
        inside = self.lips > 0.5
        return self.y - np.interp(self.x, *_seam(self.x[inside], self.y[inside], self.places[..., 2][inside]))


def load_face_chart(data: Path, mesh: HeadMesh) -> FaceChart:
    """Bake the chart from the adult female's mesh."""
    places, covered = uv_places(mesh)
    return FaceChart(places=places, covered=covered, lips=texture_in_crop(data, "mpfb_lips") * covered)


def _seam(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Points of the line between the lips: on both sides of it the lips recede most."""
    edges = np.linspace(0.0, float(x.max()), 12)
    middle, height = [], []
    for low, high in pairwise(edges):
        column = (x >= low) & (x <= high)
        deepest = column & (z <= np.quantile(z[column], 0.15))
        middle.append(0.5 * (low + high))
        height.append(float(np.median(y[deepest])))
    return np.array(middle), np.array(height)


def hair_noise(across: Floats, along: Floats, seed: int) -> Floats:
    """Value noise in [0, 1] with unit cells, for strokes: fine across the hair, long along it."""
    column, row = np.floor(across), np.floor(along)
    right, down = across - column, along - row
    right, down = right * right * (3 - 2 * right), down * down * (3 - 2 * down)
    upper = _hash(column, row, seed) * (1 - right) + _hash(column + 1, row, seed) * right
    lower = _hash(column, row + 1, seed) * (1 - right) + _hash(column + 1, row + 1, seed) * right
    return np.asarray(upper * (1 - down) + lower * down)


def _hash(column: Floats, row: Floats, seed: int) -> Floats:
    cells = column.astype(np.int64) * 374761393 + row.astype(np.int64) * 668265263 + seed * 974711
    mixed = (cells ^ (cells >> 13)) & 0xFFFFFFFF
    mixed = (mixed * 1274126177) & 0xFFFFFFFF
    return np.asarray((mixed ^ (mixed >> 16)) / 4294967295.0)
