"""The buffers of one picture size, filled step by step: background, visibility, samples."""

from __future__ import annotations

import numpy as np

from engine_bridge.mock.assets import Floats
from engine_bridge.mock.background import draw_background
from engine_bridge.mock.body import Body
from engine_bridge.mock.camera import Camera
from engine_bridge.mock.kernels import Mesh, empty_samples
from engine_bridge.mock.lashes import draw_lashes
from engine_bridge.mock.raster import SAMPLE_X, SAMPLE_Y, find_edges, project, rasterize, rasterize_edges
from engine_bridge.mock.samples import expose, list_samples, tone_table
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
        self._is_edge = np.zeros((side, side), np.bool_)
        self._first_edge = np.zeros(side * side + 1, np.int32)
        self._edge_places = np.zeros(side * side, np.int32)
        self._edge_depth = np.zeros((0, 4), np.float32)
        self._edge_ids = np.zeros((0, 4), np.int32)
        self._points = np.zeros((0, 3), np.float32)

    def lay_background(self, scene: Scene) -> None:
        """Draw ``background`` (linear) and ``backdrop`` (finished) unless they are there already."""
        seed = scene.seed if scene.background_clutter else 0
        wanted = scene.background_color, scene.background_clutter, seed, scene.exposure, scene.gamma
        if wanted != self._background_key:
            draw_background(scene, self.background)
            self.backdrop = expose(self.background, tone_table(scene.exposure, scene.gamma))
            self._background_key = wanted

    def see(self, body: Body, camera: Camera, lash_strength: float) -> Mesh:
        """Find what every pixel sees: fills ``samples`` and ``lashes``."""
        points = self._project(body.positions, camera)
        rasterize(points, body.tris, body.two_sided, self.side, self._depth, self._ids)
        num_edges = self._see_edges(body, points, EDGE_STEP_PX * camera.pixel_size)
        self._reserve_samples(int(np.count_nonzero(self._ids >= 0)) + 4 * num_edges)
        lid_reach = LID_SHADOW_DM / camera.pixel_size
        self.num_samples = list_samples(
            self._ids, self._first_edge, self._edge_ids, body.surface, lid_reach, self.samples
        )
        draw_lashes(points, body.lash_tris, body.head.lash, self._depth, lash_strength, self.lashes)
        return Mesh(points=points, tris=body.tris, surface=body.surface, attributes=body.attributes)

    def _project(self, positions: Floats, camera: Camera) -> Floats:
        if len(positions) > len(self._points):
            self._points = np.zeros((len(positions), 3), np.float32)
        points = self._points[: len(positions)]
        project(positions, camera.matrix, camera.pixels, self.side, camera.shift_x, camera.shift_y, points)
        return points

    def _see_edges(self, body: Body, points: Floats, depth_step: float) -> int:
        num_edges: int = find_edges(
            self._depth,
            self._ids,
            body.surface,
            self.side,
            np.float32(depth_step),
            self._is_edge,
            self._first_edge,
            self._edge_places,
        )
        if num_edges > len(self._edge_ids):
            self._edge_depth = np.zeros((num_edges * 3 // 2, 4), np.float32)
            self._edge_ids = np.zeros((num_edges * 3 // 2, 4), np.int32)
        rasterize_edges(
            points,
            body.tris,
            body.two_sided,
            self.side,
            self._first_edge,
            self._edge_places,
            SAMPLE_X,
            SAMPLE_Y,
            self._edge_depth[:num_edges],
            self._edge_ids[:num_edges],
        )
        return num_edges

    def _reserve_samples(self, count: int) -> None:
        if count > len(self.samples.tri):
            self.samples = empty_samples(count * 5 // 4)
