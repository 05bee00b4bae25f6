"""Draws one head: pose, visibility, light, camera faults. Buffers are kept between pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from engine_bridge.frames import Mask, Picture
from engine_bridge.mock.assets import Bytes, Floats, load_head
from engine_bridge.mock.body import build_body
from engine_bridge.mock.camera import FRAMINGS, Camera
from engine_bridge.mock.camera_faults import add_blur_and_noise, add_occluder
from engine_bridge.mock.canvas import Canvas
from engine_bridge.mock.kernels import Lighting, Mesh, Rows
from engine_bridge.mock.look import PLAIN, Look, light_of, look_of
from engine_bridge.mock.makeup import SkinPainter
from engine_bridge.mock.samples import develop, tone_table
from engine_bridge.mock.shaders import SCRATCH_SIZE, shade_eye_samples, shade_hair_samples, shade_skin_samples
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
        self._scratch = np.zeros(SCRATCH_SIZE, np.float32)
        self._strands = strand_table()

    def render(
        self, head_name: str, offsets: Floats, choices: Mapping[str, str], scene: Scene, side: int
    ) -> tuple[Picture, Mask]:
        """Picture (H, W, 3) and mask (H, W) of a head whose bones are moved by ``offsets`` (B, 3, 4).

        ``choices`` are names in the catalog by discrete parameter.
        """
        body = self._body_of(head_name, choices.get("hairstyle", PLAIN["hairstyle"]))
        body.pose(offsets)
        camera, look = Camera.of(scene, FRAMINGS[head_name], side), look_of(head_name, choices, scene)
        canvas = self._canvas_of(side)
        canvas.lay_background(scene)
        mesh = canvas.see(body, camera, look.lash_strength)
        lighting = Lighting(light=_rows(light_of(scene, camera)), palette=_rows(look.palette))
        skin = self._painter(head_name).paint(look.layers)
        self._shade(canvas, mesh, skin, lighting, camera.pixel_size / body.eye_radius)
        picture, mask = self._develop(canvas, look, scene)
        if scene.occluder is not None:
            add_occluder(scene.occluder, picture, mask)
        if scene.blur_sigma > 0.0 or scene.noise_sigma > 0.0:
            add_blur_and_noise(scene, picture)
        return picture, mask

    def _shade(self, canvas: Canvas, mesh: Mesh, skin: Bytes, lighting: Lighting, eye_pixel: float) -> None:
        samples = canvas.samples
        shade_skin_samples(samples, mesh, skin, lighting, self._scratch)
        detail = np.float32(min(1.0, canvas.side / FINE_STREAKS_PX))
        shade_hair_samples(samples, mesh, self._strands, detail, lighting, self._scratch)
        shade_eye_samples(samples, mesh, np.float32(eye_pixel), lighting, self._scratch)

    def _develop(self, canvas: Canvas, look: Look, scene: Scene) -> tuple[Picture, Mask]:
        picture, mask = canvas.backdrop.copy(), np.zeros((canvas.side, canvas.side), np.uint8)
        tone = tone_table(scene.exposure, scene.gamma)
        lash_color = look.palette[LASH]
        develop(canvas.num_samples, canvas.samples, canvas.lashes, lash_color, canvas.background, tone, picture, mask)
        return picture, mask

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
