"""Bone pivots and smooth vertex weights from the bone sites."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from engine_bridge.mock.build.bones import BONE_SITES, LEFT, RIGHT, BoneSite, Xy, bone_names
from engine_bridge.mock.build.geodesic import distances, skin_graph
from engine_bridge.mock.build.makehuman import Floats, HeadMesh, Ints
from engine_bridge.mock.surfaces import Surface

#: Weights below this are dropped; the largest jump it can leave is 0.2 % of a bone's motion.
SMALLEST_WEIGHT = 0.002


def site_vertices(mesh: HeadMesh, points: tuple[Xy, ...], side: float = 1.0) -> Ints:
    """The foremost skin vertex at each (x, y); ``side`` is -1 for the right twin."""
    skin = mesh.vertices_of(Surface.SKIN)
    front = skin[(mesh.normals[skin, 2] > 0.0) & (mesh.positions[skin, 2] > -0.7)]
    offsets = mesh.positions[front][:, None, :2] - np.array(points) * (side, 1.0)
    distance = np.linalg.norm(offsets, axis=2) - 0.05 * mesh.positions[front][:, None, 2]
    return np.asarray(front[np.argmin(distance, axis=0)])


def bone_weights(mesh: HeadMesh) -> Floats:
    """(N, bones) weights in [0, 1] of the adult female's mesh; other heads share them with its topology."""
    graph = skin_graph(mesh)
    columns = [
        _falloff(distances(graph, mesh, _held_vertices(mesh, site, side), site.reach), site.reach)
        for _, site, side in _bones()
    ]
    weights = np.stack(columns, axis=1)
    weights[weights < SMALLEST_WEIGHT] = 0.0
    _attach_inner_parts(mesh, weights)
    return weights


def bone_pivots(reference: HeadMesh, mesh: HeadMesh) -> Floats:
    """(bones, 3) pivots on ``mesh`` at the vertices that the sites name on the reference head."""
    pivots = []
    for name, site, side in _bones():
        pivot = mesh.positions[_held_vertices(reference, site, side)].mean(0) - (0.0, 0.0, site.behind)
        pivots.append(eye_center(mesh, side) if name == "eye" else pivot)
    return np.array(pivots)


def eye_center(mesh: HeadMesh, side: float) -> Floats:
    """Centre (3,) of the left (1) or right (-1) eyeball."""
    ball = mesh.positions[mesh.vertices_of(Surface.EYE)]
    ball = ball[np.sign(ball[:, 0]) == side]
    return np.asarray((ball.max(0) + ball.min(0)) / 2)


def _bones() -> list[tuple[str, BoneSite, float]]:
    """(group, site, side) in the order of bone_names()."""
    return [
        (name, site, side) for name, site in BONE_SITES.items() for side in ((1.0, -1.0) if site.mirrored else (0.0,))
    ]


def _held_vertices(mesh: HeadMesh, site: BoneSite, side: float) -> Ints:
    """A bone on the midline holds its points on both sides."""
    sides = (side,) if site.mirrored else (1.0, -1.0)
    return np.unique(np.concatenate([site_vertices(mesh, site.points, each) for each in sides]))


def _falloff(distance: Floats, reach: float) -> Floats:
    inside = np.minimum(distance / reach, 1.0)
    return (1.0 - inside**2) ** 2


def _attach_inner_parts(mesh: HeadMesh, weights: Floats) -> None:
    """Eyeballs follow the eye bone, teeth and tongue the mouth, lashes the lid they grow on."""
    names = bone_names()
    for surface in (Surface.TEETH, Surface.TONGUE):
        weights[mesh.vertices_of(surface)] = np.eye(len(names))[names.index("mouth")]
    eyes = mesh.vertices_of(Surface.EYE)
    for side, suffix in ((1.0, LEFT), (-1.0, RIGHT)):
        ball = eyes[np.sign(mesh.positions[eyes, 0]) == side]
        weights[ball] = np.eye(len(names))[names.index("eye" + suffix)]
    skin, lashes = mesh.vertices_of(Surface.SKIN), mesh.vertices_of(Surface.LASH)
    _, nearest = cKDTree(mesh.positions[skin]).query(mesh.positions[lashes])
    weights[lashes] = weights[skin[nearest]]
