"""The buffers of one picture size, filled step by step: background, visibility, samples."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.assets import Floats
from engine_bridge.mock.background import draw_background
from engine_bridge.mock.body import Body
from engine_bridge.mock.camera import Camera
from engine_bridge.mock.edges import find_edges
from engine_bridge.mock.kernels import Mesh, empty_edges, empty_planes, empty_samples, empty_tiles
from engine_bridge.mock.lashes import draw_lashes
from engine_bridge.mock.raster import project, rasterize, rasterize_edges, set_up
from engine_bridge.mock.samples import expose, list_samples, tone_table
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
        self.samples = empty_samples(0)
        self.num_samples = 0
        self._background_key: object = None
        self._depth = np.zeros((side, side), np.float32)
        self._ids = np.zeros((side, side), np.int32)
        self._planes = empty_planes(0)
        self._edges = empty_edges(side)
        self._tiles = empty_tiles(side)
        self._edge_depth = np.zeros((0, 4), np.float32)
        self._edge_ids = np.zeros((0, 4), np.int32)
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
        """Find what every pixel sees: fills ``samples`` and ``lashes``."""
        points = self._project(body.positions, camera)
        if len(body.tris) > len(self._planes.drawn):
            self._planes = empty_planes(len(body.tris))
        planes = self._planes
        num_drawn: int = set_up(points, body.tris, body.two_sided, self.side, planes)
        rasterize(planes, num_drawn, self._tiles, self._depth, self._ids)
        num_edges = self._see_edges(body, num_drawn, EDGE_STEP_PX * camera.pixel_size)
        self._reserve_samples(self.side * self.side + 3 * num_edges)
        lid_reach = LID_SHADOW_DM / camera.pixel_size
        self.num_samples = list_samples(
            self._ids, self._edges.first, self._edge_ids, body.surface, lid_reach, self.samples
        )
        draw_lashes(points, body.lash_tris, body.head.lash, self._depth, lash_strength, self.lashes)
        return Mesh(plane=planes.plane, tris=body.tris, surface=body.surface, attributes=body.attributes)

    def _project(self, positions: Floats, camera: Camera) -> Floats:
        if len(positions) > len(self._points):
            self._points = np.zeros((len(positions), 3), np.float32)
        points = self._points[: len(positions)]
        project(positions, camera.matrix, camera.pixels, self.side, camera.shift_x, camera.shift_y, points)
        return points

    def _see_edges(self, body: Body, num_drawn: int, depth_step: float) -> int:
        edges = self._edges
        num_edges: int = find_edges(self._depth, self._ids, body.surface, np.float32(depth_step), edges)
        if num_edges > len(self._edge_ids):
            self._edge_depth = np.zeros((num_edges * 3 // 2, 4), np.float32)
            self._edge_ids = np.zeros((num_edges * 3 // 2, 4), np.int32)
        depth, ids = self._edge_depth[:num_edges], self._edge_ids[:num_edges]
        find_farthest(self._depth, self._tiles.line, self._tiles.farthest)
        rasterize_edges(self._planes, num_drawn, self._tiles, edges, self._ids, depth, ids)
        return num_edges

    def _reserve_samples(self, count: int) -> None:
        if count > len(self.samples.tri):
            self.samples = empty_samples(count * 5 // 4)
