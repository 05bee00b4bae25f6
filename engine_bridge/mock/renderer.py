"""Draws one head: pose, visibility, light, camera faults. Buffers are kept between pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from engine_bridge.frames import Mask, Picture
from engine_bridge.mock.assets import Floats, load_head
from engine_bridge.mock.body import build_body
from engine_bridge.mock.camera import FRAMINGS, Camera
from engine_bridge.mock.camera_faults import add_blur_and_noise, add_occluder
from engine_bridge.mock.canvas import Canvas
from engine_bridge.mock.kernels import Lighting, Materials, Mesh, Output, Paper, Rows
from engine_bridge.mock.look import PLAIN, Look, light_of, look_of
from engine_bridge.mock.makeup import SkinPainter
from engine_bridge.mock.samples import develop_edges, tone_table
from engine_bridge.mock.shaders import empty_scratch, shade
from engine_bridge.mock.shading import LASH, strand_table
from engine_bridge.scene import Scene

#: Pixels per picture at which the finest hair streaks are fully there.
FINE_STREAKS_PX = 800.0
#: Heads with hair that are kept for the next picture, a megabyte each.
MOST_BODIES = 64


class Renderer:
    """Single-threaded. Returned arrays are the caller's."""

    def __init__(self) -> None:
        self._body_of = lru_cache(maxsize=MOST_BODIES)(build_body)  # its own: a body is posed in place
        self._canvas = Canvas(0)
        self._painters: dict[str, SkinPainter] = {}
        self._scratch = empty_scratch()
        self._strands = strand_table()
        self._last_view: tuple[tuple[str, Scene, int], tuple[Camera, Rows]] | None = None

    def render(
        self, head_name: str, offsets: Floats, choices: Mapping[str, str], scene: Scene, side: int
    ) -> tuple[Picture, Mask]:
        """Picture (H, W, 3) and mask (H, W) of a head whose bones are moved by ``offsets`` (B, 3, 4).

        ``choices`` are names in the catalog by discrete parameter.
        """
        body = self._body_of(head_name, choices.get("hairstyle", PLAIN["hairstyle"]))
        body.pose(offsets)
        (camera, light), look = self._view(head_name, scene, side), look_of(head_name, choices, scene)
        canvas = self._canvas_of(side)
        canvas.lay_background(scene)
        mesh = canvas.see(body, camera, look.lash_strength)
        lighting = Lighting(light=light, palette=_rows(look.palette))
        materials = self._materials(head_name, look, side, camera.pixel_size / body.parts.eye_radius)
        picture, mask = canvas.backdrop.copy(), np.zeros((side, side), np.uint8)
        tone = tone_table(scene.exposure, scene.gamma)
        paper = Paper(picture=picture.reshape(-1, 3), mask=mask.reshape(-1), tone=tone)
        self._draw(canvas, mesh, materials, lighting, paper)
        if scene.occluder is not None:
            add_occluder(scene.occluder, picture, mask)
        if scene.blur_sigma > 0.0 or scene.noise_sigma > 0.0:
            add_blur_and_noise(scene, picture)
        return picture, mask

    def _view(self, head_name: str, scene: Scene, side: int) -> tuple[Camera, Rows]:
        """Camera and light, those of the picture before if nothing changed."""
        wanted = head_name, scene, side
        if self._last_view is None or self._last_view[0] != wanted:
            camera = Camera.of(scene, FRAMINGS[head_name], side)
            self._last_view = wanted, (camera, _rows(light_of(scene, camera)))
        return self._last_view[1]

    def _materials(self, head_name: str, look: Look, side: int, eye_pixel: float) -> Materials:
        skin = self._painter(head_name).paint(look.layers)
        return Materials(
            skin=skin,
            texels=skin.view(np.uint32),
            strands=self._strands,
            streaks=np.float32(min(1.0, side / FINE_STREAKS_PX)),
            eye_pixel=np.float32(eye_pixel),
        )

    def _draw(self, canvas: Canvas, mesh: Mesh, materials: Materials, lighting: Lighting, paper: Paper) -> None:
        for samples, finished in ((canvas.samples, True), (canvas.edge_samples, False)):
            out = Output(finished=finished, paper=paper, colors=canvas.edge_colors)
            shade(samples, mesh, materials, lighting, self._scratch, out)
        lashes = canvas.lashes.reshape(-1)
        develop_edges(canvas.num_edges, canvas.edges.places, canvas.edge_colors, lashes, lighting.palette[LASH], paper)

    def _canvas_of(self, side: int) -> Canvas:
        """Only the last size is kept: a large picture's buffers take hundreds of megabytes."""
        if self._canvas.side != side:
            self._canvas = Canvas(side)
        return self._canvas

    def _painter(self, head_name: str) -> SkinPainter:
        if head_name not in self._painters:
            self._painters[head_name] = SkinPainter(load_head(head_name))
        return self._painters[head_name]


def _rows(table: Floats) -> Rows:
    """A small table as tuples: the compiler keeps their numbers in registers."""
    return tuple(tuple(row) for row in table)
