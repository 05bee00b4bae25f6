"""Eyeballs: a painted iris, and a highlight that sits where the key light is mirrored."""

from __future__ import annotations

from typing import Final

import numpy as np
from panda3d.core import GeomNode, NodePath

from engine_bridge.engines.panda3d import passes
from engine_bridge.engines.panda3d.anatomy import eye_radius, eyeballs
from engine_bridge.engines.panda3d.colors import Colors, levels, srgb_from_linear
from engine_bridge.engines.panda3d.meshes import Surface, texture
from engine_bridge.mock.assets import Bytes, Floats, Head

#: Radii on the unit eyeball.
PUPIL_RADIUS: Final = 0.17
IRIS_RADIUS: Final = 0.42
GLINT_RADIUS: Final = 0.075
EYE_PX: Final = 128
#: Distance of the highlight from the eyeball's centre, in its radii.
GLINT_LIFT: Final = 1.02
SCLERA: Final = np.array((0.86, 0.82, 0.80))
_GLINT_CORNERS: Final = 10


class Eyes:
    """The look of one head's eyes; the eyeballs themselves are part of its surface."""

    def __init__(self, head: Head, parent: NodePath) -> None:
        self.texture = texture("eye", np.zeros((EYE_PX, EYE_PX, 3), np.uint8), smooth=True)
        self._iris: Colors | None = None
        self._radius = eye_radius(head)
        self._glints = [parent.attachNewNode(_glint_node()) for _ in head.eyes]
        for glint in self._glints:
            glint.setScale(self._radius)
            glint.setLightOff()
            passes.leave_out_of_mask(glint)
            passes.draw_in_order(glint, "glint")

    def paint(self, iris: Colors) -> None:
        """Give the irises a linear colour."""
        if self._iris is None or (iris != self._iris).any():
            self.texture.setRamImage(np.ascontiguousarray(paint_eye(iris)).data.cast("B"))
            self._iris = iris.copy()

    def shine(self, centers: Floats, halfway: Colors, brightness: Colors) -> None:
        """Put the highlights on the eyeballs around ``centers`` (2, 3), towards the unit vector ``halfway``."""
        for glint, center in zip(self._glints, centers, strict=True):
            glint.setPos(*(center + GLINT_LIFT * self._radius * halfway).tolist())
            glint.setColorScale(*brightness.tolist(), 1.0)


def eye_uv(head: Head) -> tuple[Floats, Floats]:
    """Vertices (E,) of both eyeballs, and their places (E, 2) in the eye's texture, which lies on its front."""
    places = []
    for vertices, center in zip(eyeballs(head), head.eyes, strict=True):
        from_center = head.positions[vertices] - center
        places.append(from_center[:, :2] / np.linalg.norm(from_center, axis=1, keepdims=True) * 0.5 + 0.5)
    return np.concatenate(eyeballs(head)), np.concatenate(places).astype(np.float32)


def paint_eye(iris: Colors) -> Bytes:
    """(E, E, 3) blue-green-red, the bottom row first: sclera, an iris of the linear colour ``iris`` and pupil."""
    ticks = (np.arange(EYE_PX) + 0.5) / EYE_PX * 2.0 - 1.0
    x, y = np.meshgrid(ticks, ticks)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    fibers = 0.5 + 0.25 * np.sin(23.0 * angle + 2.0 * np.sin(5.0 * angle)) + 0.25 * np.sin(41.0 * angle + 30.0 * radius)
    glow = (0.8 + 0.7 * fibers) * (1.2 - 0.6 * y) * (1.0 - 0.7 * _step(IRIS_RADIUS - 0.1, IRIS_RADIUS, radius))
    in_iris = (1.0 - _step(IRIS_RADIUS - 0.02, IRIS_RADIUS + 0.02, radius))[..., None]
    in_pupil = (1.0 - _step(PUPIL_RADIUS - 0.02, PUPIL_RADIUS + 0.02, radius))[..., None]
    veins = (0.25 * _step(0.55, 1.0, radius))[..., None] * (0.3, 1.0, 1.0)
    linear = (SCLERA - veins) * (1.0 - in_iris) + 1.3 * iris * glow[..., None] * in_iris * (1.0 - in_pupil)
    lid_shadow = 0.45 + 0.55 * (1.0 - _step(0.05, 0.55, y))
    return levels(srgb_from_linear(linear) * np.sqrt(lid_shadow)[..., None])[..., ::-1]


def _step(low: float, high: float, value: Colors) -> Colors:
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def _glint_node() -> GeomNode:
    """A white disc that faces the front, for an eyeball of radius one."""
    angles = 2.0 * np.pi * np.arange(_GLINT_CORNERS) / _GLINT_CORNERS
    rim = GLINT_RADIUS * np.stack([np.cos(angles), np.sin(angles), 0.0 * angles], 1)
    corners = np.arange(1, _GLINT_CORNERS - 1)
    tris = np.stack([0 * corners, corners, corners + 1], 1).astype(np.int32)
    nowhere = np.zeros((len(rim), 2), np.float32)
    surface = Surface(tris, np.full((len(rim), 4), 255, np.uint8), nowhere, nowhere)
    surface.move(rim.astype(np.float32), np.tile(np.array((0.0, 0.0, 1.0), np.float32), (len(rim), 1)))
    return surface.node("glint")
