"""The buffers of one picture size, filled step by step: background, visibility, samples."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.assets import Floats
from engine_bridge.mock.background import draw_background
from engine_bridge.mock.body import Body
from engine_bridge.mock.camera import Camera
from engine_bridge.mock.edges import find_edges
from engine_bridge.mock.kernels import (
    Mesh,
    empty_edge_colors,
    empty_edges,
    empty_planes,
    empty_samples,
    empty_tiles,
)
from engine_bridge.mock.keys import empty_keys
from engine_bridge.mock.lashes import draw_lashes
from engine_bridge.mock.raster import project, rasterize, rasterize_edges, set_up
from engine_bridge.mock.samples import expose, list_edge_samples, list_samples, tone_table
from engine_bridge.mock.surfaces import Shader
from engine_bridge.mock.tiles import find_farthest
from engine_bridge.scene import Scene

#: A step in depth of this many pixels is an edge.
EDGE_STEP_PX = 5.0
#: Width of the upper lid's shadow on the eyeball, in decimetres.
LID_SHADOW_DM = 0.055


class Canvas:
    """``side`` pixels squared. Buffers whose length depends on the picture only grow."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.background = np.zeros((side, side, 3), np.float32)
        self.backdrop = np.zeros((side, side, 3), np.uint8)
        self.lashes = np.zeros((side, side), np.float32)
        self.samples = empty_samples(len(Shader), side * side)
        self.num_edges = 0
        self.edges = empty_edges(side)
        self.edge_samples = empty_samples(len(Shader), 0)
        self.edge_colors = empty_edge_colors(0)
        self._background_key: object = None
        self._keys = empty_keys(side)
        self._planes = empty_planes(0)
        self._tiles = empty_tiles(side)
        self._edge_keys = np.zeros((0, 4), np.int64)
        self._points = np.zeros((0, 3), np.float32)

    def lay_background(self, scene: Scene) -> None:
        """Draw ``background`` (linear) and ``backdrop`` (finished) unless they are there already."""
        seed = scene.seed if scene.background_clutter else 0
        wanted = scene.background_color, scene.background_clutter, seed, scene.exposure, scene.gamma
        if wanted != self._background_key:
            draw_background(scene, self.background)
            expose(self.background, tone_table(scene.exposure, scene.gamma), self.backdrop)
            self._background_key = wanted

    def see(self, body: Body, camera: Camera, lash_strength: float) -> Mesh:
        """Find what every pixel sees: fills the samples, the edges and ``lashes``."""
        points = self._project(body.positions, camera)
        if len(body.tris) > len(self._planes.drawn):
            self._planes = empty_planes(len(body.tris))
        planes = self._planes
        num_drawn: int = set_up(points, body.tris, body.two_sided, self.side, planes)
        rasterize(planes, num_drawn, len(body.parts.tris), self._tiles, self._keys)
        draw_lashes(points, body.parts.lash_tris, body.head.lash, self._keys, lash_strength, self.lashes)
        self._see_edges(body, num_drawn, EDGE_STEP_PX * camera.pixel_size)
        mesh = Mesh(
            plane=planes.plane, tris=body.tris, surface=body.surface, shader=body.shader, attributes=body.attributes
        )
        self._list_samples(mesh, np.float32(LID_SHADOW_DM / camera.pixel_size))
        return mesh

    def _project(self, positions: Floats, camera: Camera) -> Floats:
        if len(positions) > len(self._points):
            self._points = np.zeros((len(positions), 3), np.float32)
        points = self._points[: len(positions)]
        project(positions, camera.matrix, camera.pixels, self.side, camera.shift_x, camera.shift_y, points)
        return points

    def _see_edges(self, body: Body, num_drawn: int, depth_step: float) -> None:
        edges = self.edges
        self.num_edges = find_edges(self._keys, body.surface, self.lashes, np.float32(depth_step), edges)
        if self.num_edges > len(self._edge_keys):
            self._reserve_edges(self.num_edges * 3 // 2)
        edge_keys = self._edge_keys[: self.num_edges]
        find_farthest(self._keys, self._tiles.line, self._tiles.farthest)
        rasterize_edges(self._planes, num_drawn, self._tiles, edges, self._keys, edge_keys)

    def _reserve_edges(self, count: int) -> None:
        self._edge_keys = np.zeros((count, 4), np.int64)
        self.edge_samples, self.edge_colors = empty_samples(len(Shader), 4 * count + 1), empty_edge_colors(count)

    def _list_samples(self, mesh: Mesh, lid_reach: np.float32) -> None:
        list_samples(self._keys, self.edges.is_edge, mesh, lid_reach, self.samples)
        list_edge_samples(
            self._keys,
            self.num_edges,
            self.edges,
            self._edge_keys,
            mesh,
            lid_reach,
            self.background,
            self.edge_samples,
            self.edge_colors,
        )
