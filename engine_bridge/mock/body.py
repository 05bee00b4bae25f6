"""Head and hair joined into one list of triangles, with everything about their vertices that the shader reads.

N  vertices, the head's first      M  opaque triangles
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.mock.assets import Bytes, Floats, Hair, Head, Indices, Ints, load_hair, load_head
from engine_bridge.mock.compiler import kernel
from engine_bridge.mock.rig import deform, follow_anchors, keep_off_eyes, smooth_normals
from engine_bridge.mock.surfaces import Shader, Surface

#: Columns of ``attributes``: normal, uv (texels of the skin, or a strand's coordinates), occlusion, three more (colour
#: of skin and mouth, place on the unit eyeball, or the direction of a strand), and zone.
NUM_ATTRIBUTES: Final = 10
NORMAL, UV, OCCLUSION, EXTRA, ZONE = slice(0, 3), slice(3, 5), 5, slice(6, 9), 9

#: Skin with a greater zone is face.
FACE_ZONE: Final = 0.5
#: Lids keep this distance from the eyeball's centre, in its radii.
LID_CLEARANCE: Final = 1.03
#: Share of the head's motion that the tip of a strand does not follow.
TIP_LOOSENESS: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class HeadParts:
    """What all bodies of one head share. Nobody may write to it.

    tris (M, 3), surface and shader (M,), attributes (N, 10): without lashes, whose triangles are ``lash_tris``
    lids           vertices near the eyeballs
    eye_vertices   of the left and of the right eyeball, of radius ``eye_radius``
    num_welded     vertices without those that a uv seam doubles
    """

    tris: Ints
    surface: Bytes
    shader: Bytes
    lash_tris: Ints
    attributes: Floats
    lids: Ints
    eye_vertices: tuple[Ints, Ints]
    eye_radius: float
    num_welded: int


@dataclass(frozen=True, kw_only=True)
class Body:
    """What is drawn for one head and hairstyle, and the buffers it is posed in."""

    head: Head
    hair: Hair | None
    parts: HeadParts
    tris: Indices
    surface: Bytes
    shader: Bytes
    two_sided: npt.NDArray[np.bool_]
    looseness: Floats
    positions: Floats
    attributes: Floats
    normal_sums: Floats

    def pose(self, offsets: Floats) -> None:
        """Move every vertex by the bones' offsets (B, 3, 4) and renew the normals."""
        head, count = self.head, len(self.head.positions)
        face = self.positions[:count]
        deform(head.positions, head.weight_start, head.weight_bone, head.weight, head.pivots, offsets, face)
        moves = offsets[[head.bones.index("eye.L"), head.bones.index("eye.R")], :, 3]
        for vertices, move in zip(self.parts.eye_vertices, moves, strict=True):
            face[vertices] = head.positions[vertices] + move  # the eyes keep looking at the camera
        eyes = (head.eyes + moves).astype(np.float32)
        keep_off_eyes(face, self.parts.lids, eyes, np.float32(self.parts.eye_radius * LID_CLEARANCE))
        smooth_normals(face, head.tris, head.weld, self.normal_sums, self.attributes)
        if self.hair is not None:
            hair = self.hair
            follow_anchors(hair.positions, hair.anchor, self.looseness, head.positions, face, self.positions[count:])


@lru_cache(maxsize=8)
def head_parts(head_name: str) -> HeadParts:
    """The parts of a head by name."""
    head = load_head(head_name)
    opaque, eyes, attributes = head.surface != Surface.LASH, _eye_vertices(head), _head_attributes(head)
    tris, surface = head.tris[opaque], head.surface[opaque]
    return HeadParts(
        tris=tris,
        surface=surface,
        shader=_shaders(tris, surface, attributes, len(head.skin)),
        lash_tris=head.tris[~opaque],
        attributes=attributes,
        lids=_lids(head),
        eye_vertices=eyes,
        eye_radius=float(np.linalg.norm(head.positions[eyes[0]] - head.eyes[0], axis=1).max()),
        num_welded=int(head.weld.max()) + 1,
    )


def build_body(head_name: str, hairstyle: str) -> Body:
    """A new body of a head with a hairstyle, at rest."""
    head, parts, hair = load_head(head_name), head_parts(head_name), load_hair(head_name, hairstyle)
    tris, surface, shader = parts.tris, parts.surface, parts.shader
    rest, attributes = head.positions, parts.attributes
    if hair is not None:
        front = np.argsort(-hair.positions[hair.tris, 2].max(1), kind="stable")
        tris = np.concatenate([tris, hair.tris[front] + len(rest)])
        surface = np.concatenate([surface, np.full(len(hair.tris), Surface.HAIR, np.uint8)])
        shader = np.concatenate([shader, np.full(len(hair.tris), Shader.HAIR, np.uint8)])
        attributes = np.concatenate([attributes, _hair_attributes(hair)])
        rest = np.concatenate([rest, hair.positions])
    return Body(
        head=head,
        hair=hair,
        parts=parts,
        tris=tris.astype(np.uint32),
        surface=surface,
        shader=shader,
        two_sided=surface == Surface.HAIR,
        looseness=TIP_LOOSENESS * np.clip(hair.strand[:, 1], 0.0, 1.0) if hair else np.zeros(0, np.float32),
        positions=rest.copy(),
        attributes=attributes.copy(),
        normal_sums=np.zeros((parts.num_welded, 3), np.float32),
    )


def _head_attributes(head: Head) -> Floats:
    attributes = np.zeros((len(head.positions), NUM_ATTRIBUTES), np.float32)
    u0, v0, u1, v1 = head.face_crop
    size = len(head.skin)
    attributes[:, 3] = (head.uv[:, 0] - u0) / (u1 - u0) * size - 0.5
    attributes[:, 4] = (v1 - head.uv[:, 1]) / (v1 - v0) * size - 0.5
    attributes[:, OCCLUSION], attributes[:, ZONE] = head.occlusion, head.zone
    attributes[:, EXTRA] = head.color
    for vertices, center, side in zip(_eye_vertices(head), head.eyes, (1.0, -1.0), strict=True):
        attributes[vertices, ZONE] = side
        from_center = head.positions[vertices] - center
        attributes[vertices, EXTRA] = from_center / np.linalg.norm(from_center, axis=1, keepdims=True)
    return attributes


def _hair_attributes(hair: Hair) -> Floats:
    attributes = np.zeros((len(hair.positions), NUM_ATTRIBUTES), np.float32)
    attributes[:, UV], attributes[:, OCCLUSION] = hair.strand, hair.shade
    attributes[:, NORMAL], attributes[:, EXTRA] = _hair_frames(hair)
    return attributes


def _hair_frames(hair: Hair) -> tuple[Floats, Floats]:
    """Unit normals and root-to-tip tangents (N, 3) from the triangles' strand coordinates."""
    corner, strand = hair.positions[hair.tris], hair.strand[hair.tris]
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    (du1, dv1), (du2, dv2) = (strand[:, 1] - strand[:, 0]).T, (strand[:, 2] - strand[:, 0]).T
    area = du1 * dv2 - du2 * dv1
    along = (du1[:, None] * second - du2[:, None] * first) * np.sign(area)[:, None]
    normals, tangents = np.zeros_like(hair.positions), np.zeros_like(hair.positions)
    add_to_corners(np.cross(first, second), hair.tris, normals)
    add_to_corners(along, hair.tris, tangents)
    return _unit(normals), _unit(tangents)


@kernel
def add_to_corners(vectors, tris, total):
    """Add each triangle's vector (M, 3) to those of its corners (N, 3)."""
    for corner in range(3):
        for t in range(tris.shape[0]):
            v = tris[t, corner]
            for axis in range(3):
                total[v, axis] += vectors[t, axis]


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8), np.float32)


def _shaders(tris: Ints, surface: Bytes, attributes: Floats, texture_side: int) -> Bytes:
    """Who shades each triangle; the simple shader for faces only takes those well inside the texture and the face."""
    uv, zone = attributes[:, UV], attributes[:, ZONE]
    in_face = ((uv > 1.0) & (uv < texture_side - 2.0)).all(1) & (zone > FACE_ZONE)
    shader = np.where(in_face[tris].all(1) & (surface == Surface.SKIN), Shader.FACE, Shader.BODY)
    shader[surface == Surface.EYE] = Shader.EYE
    return shader.astype(np.uint8)


def _eye_vertices(head: Head) -> tuple[Ints, Ints]:
    """Vertices of the left and of the right eyeball."""
    ball = np.unique(head.tris[head.surface == Surface.EYE]).astype(np.int32)
    return ball[head.positions[ball, 0] > 0], ball[head.positions[ball, 0] < 0]


def _lids(head: Head) -> Ints:
    """Skin and lash vertices near an eyeball."""
    skin = np.unique(head.tris[np.isin(head.surface, (Surface.SKIN, Surface.LASH))]).astype(np.int32)
    distance = np.linalg.norm(head.positions[skin][:, None] - head.eyes, axis=2).min(1)
    return np.asarray(skin[distance < 0.28])
