"""Camera and lights: how a scene is set up around a head in Panda3D."""

from __future__ import annotations

import numpy as np
from panda3d.core import AmbientLight, DirectionalLight, LColor, LMatrix4f, NodePath, PerspectiveLens

from engine_bridge.engines.panda3d.colors import Colors, factor_on_srgb
from engine_bridge.engines.panda3d.joints import Doubles
from engine_bridge.mock.camera import FILM_MM, PIVOT, Framing, head_rotation
from engine_bridge.scene import Scene

#: Decimetres in front of and behind the head's middle that can be seen, and the nearest that is drawn.
NEAR_REACH, FAR_REACH, NEAREST = 2.4, 6.0, 0.3
#: Brightness of the lights on sRGB fractions. The ambient one is warm, as if skin had passed it on; the fill comes from
#: the other side. Their sum stays below one, so that highlights have room.
AMBIENT, KEY, FILL = np.array((0.345, 0.31, 0.305)), 0.47, 0.11


class Studio:
    """``world`` is the root of the scene graph, ``stage`` the place of the head that is turned."""

    def __init__(self) -> None:
        self.world = NodePath("world")
        self.stage = self.world.attachNewNode("stage")
        self.lens = PerspectiveLens()
        self.camera = self.world.attachNewNode("camera")
        self._ambient, self._key, self._fill = (
            AmbientLight("ambient"),
            DirectionalLight("key"),
            DirectionalLight("fill"),
        )
        self._key_node, self._fill_node = self.world.attachNewNode(self._key), self.world.attachNewNode(self._fill)
        for light in (self.world.attachNewNode(self._ambient), self._key_node, self._fill_node):
            self.stage.setLight(light)
        self._rotation = np.eye(3)

    def arrange(self, scene: Scene, framing: Framing, nudge: float) -> None:
        """Turn the head, place the camera and set the lights.

        ``nudge`` moves the picture right and down, in fractions of its side.
        """
        self._rotation = head_rotation(scene.yaw_deg, scene.pitch_deg, scene.roll_deg)
        self._turn_stage()
        self._aim(scene, framing, nudge)
        self._light(scene)

    def halfway(self, scene: Scene) -> Doubles:
        """The unit vector between the key light and the camera, as the turned head sees it."""
        halfway = _unit(np.array(scene.light_direction)) + np.array((0.0, 0.0, 1.0))
        return np.asarray(self._rotation.T @ _unit(halfway))

    def _turn_stage(self) -> None:
        matrix = np.eye(4)
        matrix[:3, :3] = self._rotation.T
        matrix[3, :3] = PIVOT - self._rotation @ PIVOT
        self.stage.setMat(LMatrix4f(*matrix.ravel().tolist()))

    def _aim(self, scene: Scene, framing: Framing, nudge: float) -> None:
        """The focal length changes the perspective, not the head's size in the picture."""
        distance = framing.side * scene.focal_length_mm / FILM_MM
        film = FILM_MM / scene.zoom
        self.camera.setPos(0.0, framing.center_y, distance)
        self.lens.setFilmSize(film, film)
        self.lens.setFocalLength(scene.focal_length_mm)
        self.lens.setFilmOffset(-(scene.shift_x + nudge) * film, (nudge - scene.shift_y) * film)
        self.lens.setNearFar(max(NEAREST, distance - NEAR_REACH), distance + FAR_REACH)

    def _light(self, scene: Scene) -> None:
        key, ambient = factor_on_srgb(scene.light_color), factor_on_srgb(scene.ambient_color)
        towards = _unit(np.array(scene.light_direction))
        self._key.setColor(_color(KEY * key))
        self._ambient.setColor(_color(AMBIENT * ambient))
        self._fill.setColor(_color(FILL * ambient))
        self._key.setDirection(tuple((-towards).tolist()))
        self._fill.setDirection(tuple(_unit(np.array((towards[0], -0.15, -0.55))).tolist()))


def _color(fractions: Colors) -> LColor:
    return LColor(*fractions.tolist(), 1.0)


def _unit(vector: Doubles) -> Doubles:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0.0 else np.array((0.0, 0.0, 1.0))
