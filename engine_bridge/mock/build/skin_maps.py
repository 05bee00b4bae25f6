"""The skin's colour and the parts it carries, as functions of the place on the adult female's rest head.

Colours are square roots of linear albedo, which eight bits hold well. Places are decimetres from the midpoint between
the eyes, so one map in uv space serves all heads.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine_bridge.mock.build.makehuman import Floats, HeadMesh
from engine_bridge.mock.raster import NOTHING, rasterize_mesh
from engine_bridge.mock.surfaces import Surface
from engine_bridge.parts import Part

#: u0, v0, u1, v1 of the square of uv space that holds the face, and the map's side in pixels.
FACE_CROP = (0.695, 0.333, 0.995, 0.633)
SIDE_PX = 512
#: Height in which the zone goes from neck to clothes. Shorter than a few triangles, it would make a ragged collar.
COLLAR_SLOPE_DM = 0.5

#: (x, y) centre, radii, strength and tint (a factor on linear albedo) of what is redder or darker than the rest.
BLUSHES = (
    ((0.36, -0.27), (0.20, 0.15), (0.99, 0.82, 0.80)),  # cheek
    ((0.00, -0.34), (0.11, 0.09), (0.99, 0.80, 0.76)),  # nose tip
    ((0.10, -0.36), (0.07, 0.07), (0.97, 0.80, 0.77)),  # nose wing
    ((0.00, -0.93), (0.16, 0.10), (1.00, 0.90, 0.88)),  # chin
    ((0.29, 0.085), (0.17, 0.05), (0.92, 0.80, 0.78)),  # upper lid
    ((0.26, -0.10), (0.17, 0.05), (0.93, 0.83, 0.86)),  # under the eye
    ((0.00, 0.45), (0.45, 0.25), (1.00, 1.02, 0.97)),  # forehead, a little yellower
    ((0.00, -0.75), (0.14, 0.03), (0.90, 0.83, 0.82)),  # under the lower lip
)


def skin_color(places: Floats, ear: Floats) -> Floats:
    """(..., 3) factors on the skin tone's linear albedo at (..., 3) places; ``ear`` is 1 on the ears."""
    color = np.ones((*places.shape[:-1], 3))
    front = _smooth(-0.55, -0.15, places[..., 2])
    for (x, y), (radius_x, radius_y), tint in BLUSHES:
        square = ((np.abs(places[..., 0]) - x) / radius_x) ** 2 + ((places[..., 1] - y) / radius_y) ** 2
        color *= 1.0 + (np.exp(-square) * front)[..., None] * (np.array(tint) - 1.0)
    return np.asarray(color * (1.0 + 0.8 * ear[..., None] * (np.array((0.98, 0.78, 0.74)) - 1.0)))


def mottling(places: Floats, rng_seed: int = 7) -> tuple[Floats, Floats]:
    """Blotches and pores in about [-1, 1] at (..., 3) places: noise of a coarse and of a fine grain."""
    coarse = 0.6 * _noise(places * 9.0, rng_seed) + 0.4 * _noise(places * 22.0, rng_seed + 1)
    fine = 0.5 * _noise(places * 70.0, rng_seed + 2) + 0.5 * _noise(places * 120.0, rng_seed + 3)
    return coarse, fine


def uv_places(mesh: HeadMesh) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Rest position (S, S, 3) of every texel of the face crop, and where there is one; row 0 is v1."""
    tris = np.ascontiguousarray(mesh.tris[mesh.surface == Surface.SKIN])
    u0, v0, u1, v1 = FACE_CROP
    points = np.ones((len(mesh.uv), 3), np.float32)
    points[:, 0] = (mesh.uv[:, 0] - u0) / (u1 - u0) * SIDE_PX
    points[:, 1] = (v1 - mesh.uv[:, 1]) / (v1 - v0) * SIDE_PX
    depth, ids = np.zeros((SIDE_PX, SIDE_PX), np.float32), np.zeros((SIDE_PX, SIDE_PX), np.int32)
    rasterize_mesh(points, tris, np.ones(len(tris), np.bool_), depth, ids)
    rows, columns = np.nonzero(ids != NOTHING)
    corners = tris[ids[rows, columns]]
    weights = _barycentric(
        np.asarray(points[corners][..., :2], np.float64), np.stack([columns, rows], 1).astype(np.float64) + 0.5
    )
    places = np.zeros((SIDE_PX, SIDE_PX, 3))
    places[rows, columns] = np.einsum("pk,pkc->pc", weights, mesh.positions[corners])
    return places, ids != NOTHING


def texture_in_crop(data: Path, name: str) -> Floats:
    """A MakeHuman uv mask (S, S) in [0, 1], cut to the face crop."""
    with Image.open(data / "mpfb2" / "textures" / f"{name}.jpg") as picture:
        side = picture.width
        u0, v0, u1, v1 = FACE_CROP
        box = (u0 * side, (1 - v1) * side, u1 * side, (1 - v0) * side)
        cut = picture.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, box=box)
    return np.asarray(cut, np.float64) / 255.0


def texture_at(data: Path, name: str, uv: Floats) -> Floats:
    """A MakeHuman uv mask in [0, 1] at (N, 2) uv."""
    with Image.open(data / "mpfb2" / "textures" / f"{name}.jpg") as picture:
        values = np.asarray(picture.convert("L"), np.float64) / 255.0
    column, row = (uv * (1, -1) + (0, 1)).T * len(values)
    return np.asarray(
        values[np.clip(row.astype(int), 0, len(values) - 1), np.clip(column.astype(int), 0, len(values) - 1)]
    )


def nose_coverage(places: Floats) -> Floats:
    """[0, 1]: the nose from between the eyes to its base."""
    x, y = np.abs(places[..., 0]), places[..., 1]
    half_width = np.interp(y, (-0.42, -0.35, -0.28, -0.15, 0.02), (0.12, 0.155, 0.135, 0.085, 0.065))
    inside = 1.0 - _smooth(half_width - 0.012, half_width + 0.012, x)
    return np.asarray(inside * _smooth(-0.425, -0.405, y) * (1.0 - _smooth(-0.01, 0.03, y)))


def candidate_parts(places: Floats, crop_u: Floats, lips: Floats) -> npt.NDArray[np.uint8]:
    """(S, S) uint8: the part each texel belongs to once its coverage passes one half."""
    parts = np.full(places.shape[:-1], Part.NOSE, np.uint8)
    brows = (places[..., 1] > 0.05) | (np.abs(places[..., 0]) > 0.2) & (places[..., 1] > -0.2)
    parts[brows & (places[..., 0] > 0)] = Part.LEFT_BROW
    parts[brows & (places[..., 0] <= 0)] = Part.RIGHT_BROW
    mouth = (places[..., 1] < -0.44) & (places[..., 2] > -0.3)
    middle = np.average(crop_u, weights=lips)
    parts[mouth & (crop_u < middle)] = Part.UPPER_LIP
    parts[mouth & (crop_u >= middle)] = Part.LOWER_LIP
    return parts


def face_zone(places: Floats, ear: Floats) -> Floats:
    """1 on the face, 0 on ears and neck (background in the Helen classes), -1 on clothes; linear between."""
    y, z = places[..., 1], places[..., 2]
    jaw_line = np.interp(z, (-0.75, -0.58, -0.36, 0.12), (-0.30, -0.42, -0.84, -1.03))
    face = np.clip((y - jaw_line) / 0.10 + 0.5, 0.0, 1.0) * (1.0 - ear)
    face = np.minimum(face, np.clip((z + 0.95) / 0.1 + 0.5, 0.0, 1.0) + (y > 0.0))
    collar = -1.50 + 0.22 * np.clip(-z - 0.1, 0.0, 2.0)
    clothes = np.clip((collar - y) / COLLAR_SLOPE_DM + 0.5, 0.0, 1.0)
    return np.asarray(np.minimum(face, 1.0) - clothes)


def _smooth(low: Floats | float, high: Floats | float, value: Floats) -> Floats:
    share = np.clip((value - low) / (np.asarray(high) - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def _barycentric(corners: Floats, points: Floats) -> Floats:
    """(P, 3) weights of 2-D points in their triangles (P, 3, 2)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    offset = points - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    w1 = (offset[:, 0] * second[:, 1] - offset[:, 1] * second[:, 0]) / area
    w2 = (first[:, 0] * offset[:, 1] - first[:, 1] * offset[:, 0]) / area
    return np.stack([1.0 - w1 - w2, w1, w2], 1)


def _noise(places: Floats, seed: int) -> Floats:
    """Smooth value noise of unit cell size in [-1, 1]."""
    cell = np.floor(places).astype(np.int64)
    share = places - cell
    share = share * share * (3.0 - 2.0 * share)
    total = np.zeros(places.shape[:-1])
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, share, 1.0 - share), axis=-1)
        total += weight * _hash(cell + corner, seed)
    return total


def _hash(cells: npt.NDArray[np.int64], seed: int) -> Floats:
    mixed = (cells * np.array((73856093, 19349663, 83492791))).sum(-1) ^ (seed * 2654435761)
    mixed = (mixed ^ (mixed >> 13)) * 1274126177 & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 2246822519) & 0xFFFFFFFF
    return np.asarray(mixed / 2147483647.5 - 1.0)
