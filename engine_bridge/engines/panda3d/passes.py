"""Two passes over one pose: the picture with its lights, and the mask in flat colours that stand for parts.

Nodes are tagged with how the mask camera draws them, Panda3D's own way of giving a camera other materials.
"""

from __future__ import annotations

from typing import Final

from panda3d.core import (
    BitMask32,
    Camera,
    LColor,
    LightAttrib,
    MaterialAttrib,
    NodePath,
    RenderState,
    ShadeModelAttrib,
    Texture,
    TextureAttrib,
    TextureStage,
    TransparencyAttrib,
)

from engine_bridge.engines.panda3d.meshes import zone_stage
from engine_bridge.engines.panda3d.skin import LEVELS_PER_PART
from engine_bridge.parts import Part

PICTURE_PASS: Final = BitMask32.bit(0)
MASK_PASS: Final = BitMask32.bit(1)
PART_TAG: Final = "part"
#: Hair first: it hides most of what is drawn later. Lashes last, because they write no depth.
DRAWING_ORDER: Final = ("hair", "face", "lips", "jaw", "body", "left_eye", "right_eye", "mouth", "glint", "lashes")
_OVERRIDE: Final = 100


def tag(node: NodePath, name: str) -> None:
    """Let the mask camera draw a node the way that was told it under ``name``."""
    node.setTag(PART_TAG, name)


def draw_in_order(node: NodePath, name: str) -> None:
    """Give a node its turn. Left to itself the engine sorts by where its objects happen to lie in memory."""
    node.setBin("fixed", DRAWING_ORDER.index(name))


def leave_out_of_mask(node: NodePath) -> None:
    """Lashes and highlights lie over a part without being one."""
    node.hide(MASK_PASS)


def part_color(part: int) -> LColor:
    """The flat colour of a part."""
    level = part * LEVELS_PER_PART / 255.0
    return LColor(level, level, level, 1.0)


def flat_part(part: Part) -> RenderState:
    """Draw in a part's colour and nothing else."""
    return _plain(part_color(part)).compose(RenderState.make(TextureAttrib.makeAllOff(), _OVERRIDE))


def textured_parts(parts: Texture) -> RenderState:
    """Draw the parts in a texture of levels."""
    return _plain(LColor(1.0)).compose(_textured(TextureStage.getDefault(), parts))


def zoned_parts(face: Texture) -> RenderState:
    """Draw face skin where the zone is a face's, and background elsewhere."""
    return _plain(part_color(Part.FACE_SKIN)).compose(_textured(zone_stage("face"), face))


def _textured(stage: TextureStage, texture: Texture) -> RenderState:
    return RenderState.make(TextureAttrib.make().addOnStage(stage, texture), _OVERRIDE)


def _plain(color: LColor) -> RenderState:
    node = NodePath("plain")
    node.setColor(color, _OVERRIDE)
    node.setColorScaleOff(_OVERRIDE)
    node.setTransparency(TransparencyAttrib.MNone, _OVERRIDE)
    flat = ShadeModelAttrib.make(ShadeModelAttrib.MFlat)
    unlit = RenderState.make(LightAttrib.makeAllOff(), MaterialAttrib.makeOff(), flat, _OVERRIDE)
    return node.getState().compose(unlit)


def mask_camera() -> Camera:
    """A camera that draws tagged nodes only by their tags."""
    camera = Camera("mask")
    camera.setCameraMask(MASK_PASS)
    camera.setTagStateKey(PART_TAG)
    return camera
