"""Distances along the skin, so that a bone of the upper lip lets go of the lower one although they touch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from engine_bridge.mock.build.makehuman import Floats, HeadMesh, Ints
from engine_bridge.mock.surfaces import Surface


def skin_graph(mesh: HeadMesh) -> csr_matrix:
    """Edge lengths between MakeHuman vertices of the skin; uv seams are closed, quads have both diagonals."""
    tris = mesh.tris[np.isin(mesh.surface, (Surface.SKIN, Surface.MOUTH))]
    edges = np.concatenate([tris[:, [0, 1]], tris[:, [1, 2]], tris[:, [2, 0]], _other_diagonals(tris)])
    length = np.linalg.norm(mesh.positions[edges[:, 0]] - mesh.positions[edges[:, 1]], axis=1)
    joined = np.sort(mesh.vertex_ids[edges], axis=1)
    joined, first = np.unique(joined, axis=0, return_index=True)
    size = int(mesh.vertex_ids.max()) + 1
    return csr_matrix((np.maximum(length[first], 1e-9), (joined[:, 0], joined[:, 1])), shape=(size, size))


def distances(graph: csr_matrix, mesh: HeadMesh, sources: Ints, limit: float) -> Floats:
    """(N,) decimetres from the nearest source vertex; infinite beyond ``limit``."""
    ids = np.unique(mesh.vertex_ids[sources])
    nearest: npt.NDArray[np.float64] = dijkstra(graph, directed=False, indices=ids, limit=limit, min_only=True)
    return nearest[mesh.vertex_ids]


def _other_diagonals(tris: Ints) -> Ints:
    """The quads were cut along corners 0-2; consecutive triangles of one quad give the corners 1-3."""
    first, second = tris[:-1], tris[1:]
    twins = (first[:, 0] == second[:, 0]) & (first[:, 2] == second[:, 1])
    return np.stack([first[twins, 1], second[twins, 2]], 1)
