"""Hairstyles as Panda3D geometry: strands' colours at the vertices, streaks in a texture that all styles share.

N  vertices
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from panda3d.core import NodePath

from engine_bridge.engines.panda3d import passes
from engine_bridge.engines.panda3d.colors import factor_on_srgb, levels, srgb_from_linear
from engine_bridge.engines.panda3d.materials import Lacquer
from engine_bridge.engines.panda3d.meshes import Surface, texture
from engine_bridge.mock.assets import Bytes, Floats, Hair, Head, load_hair
from engine_bridge.mock.background import linear_from_srgb
from engine_bridge.mock.catalog import HAIRSTYLES
from engine_bridge.scene import Rgb

#: Share of the head's motion that the tip of a strand does not follow.
TIP_LOOSENESS: Final = 0.5
#: Width and height of the texture of streaks, and how many units of a strand's coordinates it is wide.
STREAKS_PX: Final = (512, 64)
STREAKS_WIDTH: Final = 16.0


#: Hair scatters light among its strands: it is this much brighter than its pigment.
BRIGHTNESS: Final = 1.6
BRIGHTEST: Final = 0.95
#: Hairstyles whose geometry is kept for the next picture.
MOST_STYLES: Final = 32


@dataclass(frozen=True, kw_only=True)
class HairMesh:
    """A hairstyle on one head; ``share`` (N, 1) of the head's motion is what its vertices follow."""

    hair: Hair
    surface: Surface
    node: NodePath
    share: Floats


class HairRack:
    """The hairstyles of one head. At most one of them is in the scene graph, below ``parent``."""

    def __init__(self, head: Head, parent: NodePath, lacquer: Lacquer) -> None:
        self._head, self._worn = head, parent.attachNewNode("hair")
        self._worn.setTexture(texture("streaks", streaks(), repeat=True))
        self._worn.setMaterial(lacquer.shiny(0.24, 10.0))
        self._worn.setTwoSided(True)
        passes.tag(self._worn, "hair")
        passes.draw_in_order(self._worn, "hair")
        self._mesh_of = lru_cache(maxsize=MOST_STYLES)(self._build)
        self._mesh: HairMesh | None = None

    @property
    def worn(self) -> str:
        """The style in the scene graph; ``bald`` when there is none."""
        nodes = self._worn.getChildren()
        return str(nodes[0].getName()) if nodes else "bald"

    def wear(self, style: str, tint: Rgb) -> None:
        """Show a hairstyle in its own colours times ``tint``, a factor on linear light."""
        if self._mesh is not None:
            self._mesh.node.detachNode()
        self._mesh = self._mesh_of(style)
        if self._mesh is not None:
            self._mesh.node.reparentTo(self._worn)
        self._worn.setColorScale(*factor_on_srgb(tint).tolist(), 1.0)

    def follow(self, moved: Floats) -> None:
        """Move along with the head's vertices (N, 3), the less so the looser a strand hangs."""
        if self._mesh is not None:
            hair, rest = self._mesh.hair, self._head.positions
            moves = (moved - rest)[hair.anchor]
            self._mesh.surface.move(hair.positions + self._mesh.share * moves)

    def _build(self, style: str) -> HairMesh | None:
        hair = load_hair(self._head.name, style)
        if hair is None:
            return None
        along = np.clip(hair.strand[:, 1:], 0.0, 1.0)
        uv = (hair.strand / (STREAKS_WIDTH, 1.0)).astype(np.float32)
        front = np.argsort(-hair.positions[hair.tris, 2].max(1), kind="stable")
        surface = Surface(hair.tris[front], _colors(hair, along, style), uv, np.zeros_like(uv))
        surface.move(hair.positions, _normals_to_the_front(hair))
        share = (1.0 - TIP_LOOSENESS * along).astype(np.float32)
        return HairMesh(hair=hair, surface=surface, node=NodePath(surface.node(style)), share=share)


def _colors(hair: Hair, along: Floats, style: str) -> Bytes:
    root, tip = (linear_from_srgb(color) for color in (HAIRSTYLES[style].color, HAIRSTYLES[style].tip_color))
    color = srgb_from_linear(root + along**2 * (tip - root))
    shade = (0.45 + 0.55 * hair.shade[:, None]) * (0.85 + 0.15 * np.minimum(1.0, 4.0 * along))
    gain = np.minimum(BRIGHTNESS, BRIGHTEST / color.max(1, keepdims=True))  # the same for red, green and blue
    return np.concatenate([levels(gain * color * shade), np.full((len(color), 1), 255, np.uint8)], 1)


def _normals_to_the_front(hair: Hair) -> Floats:
    """Hair is a single layer seen from both sides, and the side that is seen is the one that must be lit."""
    corner = hair.positions[hair.tris]
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normals = np.zeros_like(hair.positions)
    for column in range(3):
        np.add.at(normals, hair.tris[:, column], across)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-8)
    return np.asarray(np.where(normals[:, 2:] < 0.0, -normals, normals), np.float32)


def streaks() -> Bytes:
    """Luminance that differs from strand to strand and a little along them; it wraps around in both directions."""
    width, height = STREAKS_PX
    random = np.random.Generator(np.random.Philox(key=(0x57AD, 1)))
    coarse, fine = (_wave(random, width, knots) for knots in (48, 192))
    bend = np.sin(2.0 * np.pi * np.arange(height) / height)[:, None]
    shine = 0.5 + 0.5 * np.cos(2.0 * np.pi * (np.arange(height)[:, None] / height - 0.35 + 0.03 * coarse))
    return levels(0.88 + 0.10 * coarse + 0.13 * fine * (1.0 + 0.2 * bend) + 0.10 * shine**4)


def _wave(random: np.random.Generator, length: int, knots: int) -> Floats:
    """Smooth periodic noise in [-1, 1]."""
    values = random.uniform(-1.0, 1.0, knots)
    places = np.arange(length) * knots / length
    return np.asarray(np.interp(places, np.arange(knots + 1), np.append(values, values[0])))
