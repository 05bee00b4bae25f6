"""Builds ``assets/head.npz``: the three heads, their rig and the skin they share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from engine_bridge.mock.build.archive import write_archive
from engine_bridge.mock.build.bones import bone_names
from engine_bridge.mock.build.makehuman import HEADS, Floats, HeadMesh, Ints, head_mesh
from engine_bridge.mock.build.occlusion import ambient_occlusion
from engine_bridge.mock.build.skin_maps import (
    FACE_CROP,
    SIDE_PX,
    candidate_parts,
    face_zone,
    mottling,
    nose_coverage,
    skin_color,
    texture_at,
    texture_in_crop,
    uv_places,
)
from engine_bridge.mock.build.weights import bone_pivots, bone_weights, eye_center
from engine_bridge.mock.surfaces import Surface

Arrays = dict[str, npt.NDArray[np.generic]]

#: The lips' own factor on the skin tone's linear albedo.
LIP_TINT = np.array((0.80, 0.50, 0.52))
#: Lashes of the lower lid are thinner and fewer.
LOWER_LASH_DENSITY = 0.22
MOUTH_COLOR, TEETH_COLOR, TONGUE_COLOR = (0.40, 0.14, 0.13), (0.92, 0.88, 0.80), (0.75, 0.38, 0.36)


def build_head(data: Path, out: Path) -> None:
    """Read the MakeHuman data and write ``out/head.npz``."""
    meshes = {head: head_mesh(data, head) for head in HEADS}
    reference = meshes["adult_female"]
    arrays = _topology(reference) | _skinning(reference) | _surface_look(data, reference)
    arrays |= _skin_texture(data, reference)
    for head, mesh in meshes.items():
        arrays |= _one_head(head, reference, mesh)
    write_archive(out / "head.npz", arrays)


def _topology(mesh: HeadMesh) -> Arrays:
    _, weld = np.unique(mesh.vertex_ids, return_inverse=True)
    return {
        "uv": mesh.uv.astype(np.float32),
        "tris": mesh.tris.astype(np.uint16),
        "surface": mesh.surface,
        "weld": weld.astype(np.uint16),
        "face_crop": np.array(FACE_CROP, np.float32),
    }


def _skinning(mesh: HeadMesh) -> Arrays:
    """Weights row by row: those of vertex i are entries start[i] .. start[i + 1]."""
    weights = bone_weights(mesh)
    vertex, bone = np.nonzero(weights)
    return {
        "bones": np.array(bone_names()),
        "weight_start": np.searchsorted(vertex, np.arange(len(weights) + 1)).astype(np.uint32),
        "weight_bone": bone.astype(np.uint8),
        "weight": weights[vertex, bone].astype(np.float16),
    }


def _surface_look(data: Path, mesh: HeadMesh) -> Arrays:
    """Per vertex: colour (square root of a factor on the skin tone), zone, and the lashes' coordinates."""
    ear = texture_at(data, "mpfb_ears", mesh.uv)
    color = skin_color(mesh.positions, ear)
    for surface, rgb in ((Surface.MOUTH, MOUTH_COLOR), (Surface.TEETH, TEETH_COLOR), (Surface.TONGUE, TONGUE_COLOR)):
        color[mesh.vertices_of(surface)] = rgb
    return {
        "color": np.round(255.0 * np.sqrt(np.clip(color / 1.1, 0.0, 1.0))).astype(np.uint8),
        "zone": np.round(127.0 * face_zone(mesh.positions, ear)).astype(np.int8),
        "lash": _lash_coordinates(mesh).astype(np.float16),
    }


def _lash_coordinates(mesh: HeadMesh) -> Floats:
    """(N, 3): along the lid in decimetres, 0 at the root .. 1 at the tip, and density; zero off the lashes."""
    skin, lashes = mesh.vertices_of(Surface.SKIN), mesh.vertices_of(Surface.LASH)
    height, _ = cKDTree(mesh.positions[skin]).query(mesh.positions[lashes])
    coordinates = np.zeros((len(mesh.positions), 3))
    coordinates[lashes, 0] = mesh.positions[lashes, 0]
    coordinates[lashes, 1] = np.clip(height / 0.045, 0.0, 1.0)
    coordinates[lashes, 2] = np.where(_on_upper_lid(mesh, lashes), 1.0, LOWER_LASH_DENSITY)
    return coordinates


def _on_upper_lid(mesh: HeadMesh, lashes: Ints) -> npt.NDArray[np.bool_]:
    """Whether each lash vertex lies above the line between the corners of its eye."""
    place = mesh.positions[lashes]
    corner_y = np.interp(np.abs(place[:, 0]), (0.16, 0.42), (-0.030, 0.0))
    return np.asarray(place[:, 1] > corner_y)


def _skin_texture(data: Path, mesh: HeadMesh) -> Arrays:
    """(S, S, 6): colour as in ``color``, gloss, coverage of nose and lips, and the part that coverage means."""
    places, known = uv_places(mesh)
    lips = texture_in_crop(data, "mpfb_lips")
    coarse, fine = mottling(places)
    color = skin_color(places, texture_in_crop(data, "mpfb_ears"))
    color *= 1.0 + coarse[..., None] * (0.02, 0.045, 0.05) + fine[..., None] * (0.03, 0.035, 0.035)
    color += lips[..., None] * (LIP_TINT * (1.0 + 0.05 * fine[..., None]) - color)
    gloss = 0.42 + 0.10 * fine + 0.45 * lips
    gloss += 0.22 * np.exp(-((places[..., 0] / 0.16) ** 2)) * (places[..., 1] > -0.45)
    coverage = np.maximum(nose_coverage(places), lips)
    crop_u = np.broadcast_to(np.arange(SIDE_PX, dtype=np.float64), (SIDE_PX, SIDE_PX))
    channels = [*np.moveaxis(np.sqrt(np.clip(color / 1.1, 0.0, 1.0)), -1, 0), np.clip(gloss, 0.0, 1.0), coverage]
    texture = np.round(255.0 * np.stack(channels, -1) * known[..., None]).astype(np.uint8)
    return {"skin": np.concatenate([texture, candidate_parts(places, crop_u, lips)[..., None]], -1)}


def _one_head(head: str, reference: HeadMesh, mesh: HeadMesh) -> Arrays:
    return {
        f"{head}/positions": mesh.positions.astype(np.float32),
        f"{head}/occlusion": np.round(255.0 * ambient_occlusion(mesh)).astype(np.uint8),
        f"{head}/pivots": bone_pivots(reference, mesh).astype(np.float32),
        f"{head}/eyes": np.array([eye_center(mesh, 1.0), eye_center(mesh, -1.0)], np.float32),
    }
