"""Heads and hair as Godot's surface arrays.

N  vertices      M  triangles      B  bones
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine_bridge.engines.godot_assets.slopes import slope_texture
from engine_bridge.engines.godot_assets.variants import Strings, Variant, Vectors
from engine_bridge.mock.assets import BRIGHTEST, Floats, Hair, Head, Ints
from engine_bridge.mock.body import TIP_LOOSENESS
from engine_bridge.mock.rig import RIG_RESPONSE
from engine_bridge.mock.surfaces import Surface

#: A vertex follows at most so many bones in Godot 3; Godot 4 could do with eight.
NUM_INFLUENCES: Final = {3: 4, 4: 8}
#: Eyeballs have bones of their own, which follow the eye's without turning: the eyes keep looking at the camera.
EYEBALLS: Final = ("eyeball.L", "eyeball.R")
NODES: Final[Mapping[str, tuple[Surface, ...]]] = {
    "Skin": (Surface.SKIN,),
    "Eyes": (Surface.EYE,),
    "Lashes": (Surface.LASH,),
    "Mouth": (Surface.TEETH, Surface.TONGUE, Surface.MOUTH),
}


@dataclass(frozen=True, kw_only=True)
class Influences:
    """Which bones (N, K) a vertex follows and how much (N, K). What is missing to one stays with the head."""

    bones: Ints
    weights: Floats

    @classmethod
    def strongest(cls, head: Head, count: int) -> Influences:
        """The ``count`` strongest of every vertex of a head."""
        num_weights = np.diff(head.weight_start)
        rows = np.repeat(np.arange(len(num_weights)), num_weights)
        table = np.zeros((len(num_weights), len(head.bones)), np.float32)
        table[rows, head.weight_bone] = head.weight
        bones = np.argsort(-table, axis=1, kind="stable")[:, :count].astype(np.int32)
        return cls(bones=bones, weights=np.take_along_axis(table, bones, 1))

    def pick(self, vertices: Ints, share: Floats | None = None) -> Influences:
        """Those of some vertices, weakened by ``share`` (N,) if given."""
        weights = self.weights[vertices] * (1.0 if share is None else share[:, None])
        return Influences(bones=self.bones[vertices], weights=weights.astype(np.float32))


def head_variant(head: Head, godot: int) -> Variant:
    """Everything that ``face_rig.gd`` needs to build a head."""
    pivots = np.concatenate([head.pivots, head.eyes])
    slopes, steepest_slope = slope_texture(head, _vertices(head, "Skin"))
    return {
        "bones": Strings(items=(*head.bones, *EYEBALLS)),
        "pivots": Vectors(rows=pivots),
        "eyes": Vectors(rows=head.eyes),
        "eye_radius": eye_radius(head),
        "slopes": slopes.tobytes(),
        "steepest_slope": steepest_slope,
        "response": float(RIG_RESPONSE.get(head.name, 1.0)),
        "surfaces": {node: _head_surface(head, node, godot) for node in NODES},
    }


def hair_variant(head: Head, hair: Hair, godot: int) -> Variant:
    """One hairstyle's surface. Hair moves with the head under it, less so the looser it hangs."""
    share = 1.0 - TIP_LOOSENESS * np.clip(hair.strand[:, 1], 0.0, 1.0)
    influences = Influences.strongest(head, NUM_INFLUENCES[godot]).pick(hair.anchor, share.astype(np.float32))
    normals, tangents = hair_frames(hair)
    color = np.concatenate([np.ones_like(hair.positions), hair.shade[:, None]], 1)
    front_first = np.argsort(-hair.positions[hair.tris, 2].max(1), kind="stable")
    return _surface(
        godot,
        positions=hair.positions,
        normals=normals,
        tangents=tangents,
        color=color,
        uv=hair.strand,
        uv2=np.zeros_like(hair.strand),
        influences=influences,
        tris=hair.tris[front_first],
    )


def eye_radius(head: Head) -> float:
    """Of the eyeballs, in decimetres."""
    ball = np.unique(head.tris[head.surface == Surface.EYE])
    return float(np.linalg.norm(head.positions[ball][:, None] - head.eyes, axis=2).min(1).max())


def _head_surface(head: Head, node: str, godot: int) -> Variant:
    vertices = _vertices(head, node)
    tris = np.searchsorted(vertices, head.tris[np.isin(head.surface, NODES[node])]).astype(np.int32)
    influences = Influences.strongest(head, NUM_INFLUENCES[godot]).pick(vertices)
    normals, uv, uv2 = (
        smooth_normals(head)[vertices],
        _texture_uv(head)[vertices],
        np.zeros((len(vertices), 2), np.float32),
    )
    uv2[:, 0], uv2[:, 1] = head.zone[vertices], np.arange(len(vertices))
    if node == "Eyes":
        normals, influences = _eyeballs(head, head.positions[vertices], len(head.bones), NUM_INFLUENCES[godot])
    if node == "Lashes":
        uv, uv2[:, 0] = head.lash[vertices, :2], head.lash[vertices, 2]
    return _surface(
        godot,
        positions=head.positions[vertices],
        normals=normals,
        tangents=np.tile(np.array((1.0, 0.0, 0.0), np.float32), (len(vertices), 1)),
        color=np.concatenate([head.color[vertices] / np.sqrt(BRIGHTEST), head.occlusion[vertices, None]], 1),
        uv=uv,
        uv2=uv2,
        influences=influences,
        tris=tris,
    )


def _vertices(head: Head, node: str) -> Ints:
    """The head's vertices that a node's mesh has, ascending."""
    return np.unique(head.tris[np.isin(head.surface, NODES[node])]).astype(np.int32)


def _eyeballs(head: Head, positions: Floats, first_bone: int, count: int) -> tuple[Floats, Influences]:
    """Places on the unit eyeball, and each eye wholly on its own bone."""
    side = (positions[:, 0] < 0).astype(np.int32)
    bones, weights = np.zeros((len(side), count), np.int32), np.zeros((len(side), count), np.float32)
    bones[:, 0], weights[:, 0] = first_bone + side, 1.0
    return unit(positions - head.eyes[side]), Influences(bones=bones, weights=weights)


def _texture_uv(head: Head) -> Floats:
    """UV in the crop of the skin texture that covers the face; the top row has v = 0, as in Godot."""
    u0, v0, u1, v1 = head.face_crop
    u, v = head.uv.T
    return np.stack([(u - u0) / (u1 - u0), (v1 - v) / (v1 - v0)], 1).astype(np.float32)


def smooth_normals(head: Head) -> Floats:
    """Unit normals (N, 3) at rest, smooth across seams of the texture."""
    corners = head.positions[head.tris]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros((int(head.weld.max()) + 1, 3))
    for column in range(3):
        np.add.at(total, head.weld[head.tris[:, column]], area)
    return unit(np.asarray(total[head.weld], np.float32))


def hair_frames(hair: Hair) -> tuple[Floats, Floats]:
    """Unit normals and root-to-tip tangents (N, 3) from the triangles' strand coordinates."""
    corner, strand = hair.positions[hair.tris], hair.strand[hair.tris]
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    (du1, dv1), (du2, dv2) = (strand[:, 1] - strand[:, 0]).T, (strand[:, 2] - strand[:, 0]).T
    sign = np.sign(du1 * dv2 - du2 * dv1)[:, None]
    along = (du1[:, None] * second - du2[:, None] * first) * sign
    normals, tangents = np.zeros_like(hair.positions), np.zeros_like(hair.positions)
    for column in range(3):
        np.add.at(normals, hair.tris[:, column], np.cross(first, second))
        np.add.at(tangents, hair.tris[:, column], along)
    return unit(normals), unit(tangents)


def unit(vectors: Floats) -> Floats:
    """Rows (N, 3) of length one."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8), np.float32)


def _surface(
    godot: int,
    *,
    positions: Floats,
    normals: Floats,
    tangents: Floats,
    color: Floats,
    uv: Floats,
    uv2: Floats,
    influences: Influences,
    tris: Ints,
) -> Variant:
    """The argument of ``ArrayMesh.add_surface_from_arrays``. Godot's front faces are clockwise."""
    ones = np.ones((len(positions), 1), np.float32)
    index, direction = tris[:, [0, 2, 1]].ravel(), np.concatenate([tangents, ones], 1).ravel()
    shape: list[Variant] = [Vectors(rows=positions), Vectors(rows=normals), direction, Vectors(rows=color)]
    texture: list[Variant] = [Vectors(rows=uv), Vectors(rows=uv2)]
    bones, weights = influences.bones.ravel(), influences.weights
    if godot == 3:
        return [*shape, *texture, bones, weights.ravel(), index]
    # Godot 4 wants weights that add up to one and skins before the shader runs, so the surface at rest and the sum
    # that the weights had travel beside it.
    total = weights.sum(1, keepdims=True)
    scaled = np.where(total > 0.0, weights / np.maximum(total, 1e-8), np.eye(1, weights.shape[1], dtype=np.float32))
    rest, normal = np.concatenate([positions, total], 1).ravel(), np.concatenate([normals, ones], 1).ravel()
    return [*shape, *texture, rest, normal, direction, None, bones, scaled.ravel(), index]
