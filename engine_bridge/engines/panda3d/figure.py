"""One head in Panda3D's scene graph: posed by its puppet, dressed by its choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from panda3d.core import NodePath, RenderState, TransparencyAttrib

from engine_bridge.engines.panda3d import anatomy, passes
from engine_bridge.engines.panda3d.colors import Colors, levels, srgb_from_linear
from engine_bridge.engines.panda3d.eyes import Eyes, eye_uv
from engine_bridge.engines.panda3d.hair import HairRack
from engine_bridge.engines.panda3d.joints import Doubles, Floats
from engine_bridge.engines.panda3d.materials import Lacquer, SkinMaterial, lash_pixels
from engine_bridge.engines.panda3d.meshes import Surface, texture, zone_stage
from engine_bridge.engines.panda3d.puppet import Puppet
from engine_bridge.mock.assets import Head
from engine_bridge.mock.look import LASH_COLOR, LASH_STRENGTH, PLAIN, Look
from engine_bridge.mock.rig import RIG_RESPONSE, keep_off_eyes, smooth_normals
from engine_bridge.mock.shading import CLOTH, IRIS, SKIN_TONE
from engine_bridge.mock.surfaces import Surface as Material
from engine_bridge.parts import Part
from engine_bridge.scene import Rgb

#: Place of a lash's tip in the texture: inside, for the engine may wrap around at its border.
TIP_ROW: Final = 0.97
#: The lights leave room for highlights; skin makes up for it.
SKIN_BRIGHTNESS: Final = 1.6
#: Exponents on the openness of a place: light that has bounced on skin is red.
SHADOW_TINT: Final = (0.30, 0.46, 0.52)


class Figure:
    """A head that can be posed and dressed; ``node`` is its place in the scene graph."""

    def __init__(self, head: Head, lacquer: Lacquer) -> None:
        self.node = NodePath(head.name)
        self._head, self._puppet = head, Puppet(head, RIG_RESPONSE.get(head.name, 1.0))
        colors, uv, zone = _vertex_colors(head), _texture_places(head), _zone_places(head)
        groups = anatomy.triangle_groups(head)
        self._surfaces = {name: Surface(tris, colors, uv, zone) for name, tris in groups.items()}
        self._skin, self._eyes = SkinMaterial(head, lacquer), Eyes(head, self.node)
        self._hair = HairRack(head, self.node, lacquer)
        self._lids, self._eyeballs = anatomy.lids(head), anatomy.eyeballs(head)
        self._clearance = np.float32(anatomy.LID_CLEARANCE * anatomy.eye_radius(head))
        self._centers, self._normals = head.eyes.copy(), np.zeros_like(head.positions)
        self._normal_sums = np.zeros((int(head.weld.max()) + 1, 3), np.float32)
        self._assemble(lacquer)

    @property
    def part_states(self) -> dict[str, RenderState]:
        """How the mask camera draws the nodes of each tag."""
        flat = {"left_eye": Part.LEFT_EYE, "right_eye": Part.RIGHT_EYE, "mouth": Part.INNER_MOUTH, "hair": Part.HAIR}
        states = {name: passes.flat_part(part) for name, part in flat.items()}
        states |= dict.fromkeys(("face", "lips"), self._skin.face_state)
        return states | dict.fromkeys(("jaw", "body"), self._skin.body_state)

    def pose(self, channels: Floats) -> Doubles:
        """Move the joints to their channels (B, 9) and the surfaces with them. Returns the channels read back."""
        self._puppet.pose(channels)
        skinned, applied = self._puppet.skinned()
        positions = skinned.copy()
        rest = self._head.positions
        for eye, ball in enumerate(self._eyeballs):
            self._centers[eye] = self._head.eyes[eye] + positions[ball[0]] - rest[ball[0]]
        keep_off_eyes(positions, self._lids, self._centers, self._clearance)
        smooth_normals(positions, self._head.tris, self._head.weld, self._normal_sums, self._normals)
        for surface in self._surfaces.values():
            surface.move(positions, self._normals)
        self._hair.follow(positions)
        return applied

    def dress(self, choices: Mapping[str, str], look: Look, hair_tint: Rgb) -> None:
        """Put on hair, skin, makeup and eyes. To be followed by :meth:`pose`."""
        palette = look.palette.astype(np.float64)
        self._hair.wear(choices.get("hairstyle", PLAIN["hairstyle"]), hair_tint)
        self._skin.wear(SKIN_BRIGHTNESS * palette[SKIN_TONE], palette[CLOTH], look.layers)
        self._eyes.paint(palette[IRIS])
        for name, choice in choices.items():
            self.node.setTag(name, choice)

    def worn(self, name: str) -> str:
        """The choice of a discrete parameter that the figure wears now."""
        return self._hair.worn if name == "hairstyle" else str(self.node.getTag(name))

    def shine(self, halfway: Colors, brightness: Colors) -> None:
        """Put highlights on the eyes where a light is mirrored: ``halfway`` between it and the camera."""
        self._eyes.shine(self._centers, halfway, brightness)

    def _assemble(self, lacquer: Lacquer) -> None:
        parts = {}
        for name, surface in self._surfaces.items():
            parts[name] = self.node.attachNewNode(surface.node(name))
            passes.tag(parts[name], name)
            passes.draw_in_order(parts[name], name)
        for name in ("face", "jaw", "body"):
            parts[name].setMaterial(lacquer.shiny(0.12, 16.0))
        parts["lips"].setMaterial(self._skin.lips)
        parts["mouth"].setMaterial(lacquer.shiny(0.3, 30.0))
        parts["mouth"].setTwoSided(True)
        for name in ("face", "jaw", "lips"):
            parts[name].setTexture(self._skin.face)
        parts["body"].setTexture(zone_stage("body"), self._skin.body)
        for name in ("left_eye", "right_eye"):
            parts[name].setTexture(self._eyes.texture)
            parts[name].setMaterial(lacquer.shiny(0.25, 60.0))
        _hang_lashes(parts["lashes"])


def _hang_lashes(lashes: NodePath) -> None:
    lashes.setTexture(texture("lashes", lash_pixels(np.array(LASH_COLOR))))
    lashes.setTransparency(TransparencyAttrib.MBinary)
    lashes.setDepthWrite(False)
    lashes.setTwoSided(True)
    lashes.setLightOff()
    passes.leave_out_of_mask(lashes)


def _vertex_colors(head: Head) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """(N, 4): what dims the textures, the colour of the mouth, the opacity of the lashes."""
    colors = np.ones((len(head.positions), 4))
    inside = _vertices(head, Material.TEETH, Material.TONGUE, Material.MOUTH)
    colors[inside, :3] = srgb_from_linear(head.color[inside].astype(np.float64) ** 2)
    colors[:, :3] *= (0.12 + 0.88 * head.occlusion)[:, None] ** SHADOW_TINT
    lashes = _vertices(head, Material.LASH)
    colors[lashes, :3], colors[lashes, 3] = 1.0, LASH_STRENGTH[head.name] * head.lash[lashes, 2]
    return levels(colors)


def _texture_places(head: Head) -> Floats:
    """(N, 2) texture coordinates: on the skin's map, on the front of the eye, along and across the lashes."""
    uv = anatomy.uv_in_crop(head)
    balls, places = eye_uv(head)
    uv[balls] = places
    lashes = _vertices(head, Material.LASH)
    uv[lashes] = head.lash[lashes, :2] * (0.0, TIP_ROW)
    return uv


def _zone_places(head: Head) -> Floats:
    """(N, 2) texture coordinates in the textures that go by zone."""
    return np.stack([0.5 + anatomy.ZONE_REACH * head.zone, np.full_like(head.zone, 0.5)], 1)


def _vertices(head: Head, *surfaces: Material) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.unique(head.tris[np.isin(head.surface, surfaces)])
