"""What the skin, the clothes and the lashes are made of: Panda3D textures and materials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from panda3d.core import LColor, Material, RenderState, Texture

from engine_bridge.engines.panda3d import passes
from engine_bridge.engines.panda3d.anatomy import FACE_ZONE, ZONE_REACH
from engine_bridge.engines.panda3d.colors import Colors, levels, srgb_from_linear
from engine_bridge.engines.panda3d.meshes import texture
from engine_bridge.engines.panda3d.skin import LEVELS_PER_PART, SkinPainter, part_texture
from engine_bridge.mock.assets import Bytes, Head
from engine_bridge.mock.makeup import Layer

#: Texels of the textures that go by zone, and where the clothes begin, softly.
ZONE_STEPS: Final = 1024
COLLAR_ZONE, COLLAR_WIDTH = -0.5, 0.024
LASHES_PX: Final = 32


class Lacquer:
    """Makes materials whose colour is their vertices' for one renderer."""

    def __init__(self, *, takes_colors_twice: bool) -> None:
        self._takes_colors_twice = takes_colors_twice

    def shiny(self, strength: float, sharpness: float) -> Material:
        """A material with highlights ``strength`` bright."""
        material = Material()
        material.setSpecular(LColor(strength, strength, strength, 1.0))
        material.setShininess(sharpness)
        if self._takes_colors_twice:  # once is enough
            material.setAmbient(LColor(1.0))
            material.setDiffuse(LColor(1.0))
        return material


class SkinMaterial:
    """The textures of one head's skin, repainted in place when tone, makeup or clothes change."""

    def __init__(self, head: Head, lacquer: Lacquer) -> None:
        self._head_name, self._painter = head.name, SkinPainter(head)
        self._brows = ""
        self.face = texture("face", self._painter.texture, smooth=True)
        self.body = texture("body", np.zeros((1, ZONE_STEPS, 3), np.uint8))
        self.parts = texture("parts", np.full(head.skin.shape[:2], LEVELS_PER_PART, np.uint8))
        self.lips = lacquer.shiny(0.2, 20.0)
        face_only = texture("face zone", _is_face())
        self.face_state: RenderState = passes.textured_parts(self.parts)
        self.body_state: RenderState = passes.zoned_parts(face_only)

    def wear(self, tone: Colors, cloth: Colors, layers: Sequence[Layer]) -> None:
        """Skin of linear albedo ``tone`` under ``layers`` of makeup, above clothes of albedo ``cloth``."""
        _fill(self.face, self._painter.paint(tone, layers))
        _fill(self.body, _skin_above_cloth(tone, cloth))
        gloss = next((layer.gloss for layer in layers if layer.kind == "lipstick"), 0.42)
        self.lips.setSpecular(LColor(*(0.06 + 0.34 * gloss,) * 3, 1.0))
        self.lips.setShininess(8.0 + 40.0 * gloss)
        brows = next(layer.style for layer in layers if layer.kind == "brow")
        if brows != self._brows:
            _fill(self.parts, part_texture(self._head_name, brows))
            self._brows = brows


def _fill(target: Texture, pixels: Bytes) -> None:
    target.setRamImage(np.ascontiguousarray(pixels).data.cast("B"))


def _zones() -> Colors:
    return ((np.arange(ZONE_STEPS) + 0.5) / ZONE_STEPS - 0.5) / ZONE_REACH


def _is_face() -> Bytes:
    """(1, Z) white where the zone is a face's."""
    return np.where(_zones() > FACE_ZONE, np.uint8(255), np.uint8(0))[None]


def _skin_above_cloth(tone: Colors, cloth: Colors) -> Bytes:
    """(1, Z, 3) blue-green-red of the body by zone."""
    bare = np.clip((_zones() - COLLAR_ZONE) / COLLAR_WIDTH + 0.5, 0.0, 1.0)[:, None]
    return levels(srgb_from_linear(cloth + bare * (tone - cloth)))[None, :, ::-1]


def lash_pixels(color: Colors) -> Bytes:
    """(L, 1, 4) blue-green-red-opacity of lashes too fine to be told apart, their roots in the bottom row."""
    out = (np.arange(LASHES_PX) + 0.5) / LASHES_PX
    pixels = np.empty((LASHES_PX, 1, 4), np.uint8)
    pixels[..., :3], pixels[:, 0, 3] = levels(srgb_from_linear(color))[::-1], levels((1.0 - out) ** 1.5)
    return pixels
