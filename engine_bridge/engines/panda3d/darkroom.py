"""The buffers that a pose is drawn into, picture and mask in one go of the engine, and their way into memory.

H W  picture
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    Camera,
    CardMaker,
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    LColor,
    NodePath,
    OrthographicLens,
    PerspectiveLens,
    RenderState,
    Texture,
    WindowProperties,
)

from engine_bridge.engines.panda3d import passes
from engine_bridge.engines.panda3d.skin import LEVELS_PER_PART
from engine_bridge.errors import EngineError, EngineUnavailableError
from engine_bridge.frames import Mask, Picture
from engine_bridge.remote.wire.stamps import STAMP_PX, Stamp
from engine_bridge.scene import Rgb

_PART_OF_LEVEL: Final = ((np.arange(256) + LEVELS_PER_PART // 2) // LEVELS_PER_PART).astype(np.uint8)


class Darkroom:
    """Draws what ``camera`` sees through ``lens``, at one size until another is asked for."""

    def __init__(self, pipe: GraphicsPipe, camera: NodePath, lens: PerspectiveLens) -> None:
        self._engine, self._pipe = GraphicsEngine.getGlobalPtr(), pipe
        self._picture_camera, self._mask_camera = Camera("picture"), passes.mask_camera()
        self._picture_camera.setCameraMask(passes.PICTURE_PASS)
        self._cameras = [camera.attachNewNode(node) for node in (self._picture_camera, self._mask_camera)]
        for node in (self._picture_camera, self._mask_camera):
            node.setLens(lens)
        self._picture_stamp, self._mask_stamp = _Overlay(), _Overlay()
        self._side, self._outputs, self._captures = 0, list[GraphicsOutput](), list[Texture]()

    def draw_parts_by(self, states: Mapping[str, RenderState]) -> None:
        """Say how the mask camera draws the nodes of each tag."""
        for name, state in states.items():
            self._mask_camera.setTagState(name, state)

    def set_stamp(self, stamp: Stamp | None) -> None:
        """Draw a stamp over both passes from now on."""
        self._picture_stamp.show(None if stamp is None else LColor(*(level / 255.0 for level in stamp.color), 1.0))
        self._mask_stamp.show(None if stamp is None else passes.part_color(stamp.part))

    def expose(self, side: int, background: Rgb) -> tuple[Picture, Mask]:
        """One frame of the engine: (H, W, 3) sRGB and (H, W) part ids."""
        if side != self._side:
            self._resize(side)
        self._outputs[0].setClearColor(LColor(*background, 1.0))
        for output in self._outputs:
            output.setActive(True)
        self._engine.renderFrame()
        for output in self._outputs:
            output.setActive(False)
        shown, levels = (_pixels(capture, side) for capture in self._captures)
        picture = np.empty((side, side, 3), np.uint8)
        for channel in range(3):  # three planes are copied faster than reordered pixels
            picture[..., channel] = shown[::-1, :, 2 - channel]
        return picture, np.take(_PART_OF_LEVEL, levels[::-1, :, 0])

    def close(self) -> None:
        """Free the buffers."""
        for output in self._outputs:
            self._engine.removeWindow(output)
        self._outputs, self._captures, self._side = [], [], 0

    def _resize(self, side: int) -> None:
        self.close()
        for name, camera, overlay in zip(
            ("picture", "mask"), self._cameras, (self._picture_stamp, self._mask_stamp), strict=True
        ):
            output, capture = self._make_output(name, side), Texture(name)
            output.makeDisplayRegion().setCamera(camera)
            overlay.lay_over(output, side)
            output.addRenderTexture(capture, GraphicsOutput.RTMCopyRam)
            self._outputs.append(output)
            self._captures.append(capture)
        self._side = side

    def _make_output(self, name: str, side: int) -> GraphicsOutput:
        kind = FrameBufferProperties()
        kind.setRgbaBits(8, 8, 8, 8)
        kind.setDepthBits(24)
        size = WindowProperties.size(side, side)
        host = self._outputs[0] if self._outputs else None
        share = (host.getGsg(), host) if host else ()
        output = self._engine.makeOutput(self._pipe, name, 0, kind, size, GraphicsPipe.BFRefuseWindow, *share)
        if output is None:
            raise EngineUnavailableError(f"panda3d: {self._pipe.getInterfaceName()} opens no buffer of {side} pixels")
        output.setClearColor(LColor(0.0, 0.0, 0.0, 1.0))
        return output


class _Overlay:
    """A square in the top left corner, drawn over everything else."""

    def __init__(self) -> None:
        self._root = NodePath("overlay")
        self._root.setDepthTest(False)
        self._root.setDepthWrite(False)
        self._lens = OrthographicLens()
        camera = Camera("overlay")
        camera.setLens(self._lens)
        self._camera = self._root.attachNewNode(camera)
        card = CardMaker("stamp")
        card.setFrame(0.0, STAMP_PX, -STAMP_PX, 0.0)
        self._card = self._root.attachNewNode(card.generate())
        self._card.hide()

    def show(self, color: LColor | None) -> None:
        if color is None:
            self._card.hide()
        else:
            self._card.setColor(color)
            self._card.show()

    def lay_over(self, output: GraphicsOutput, side: int) -> None:
        """Be drawn last in ``output``, one unit to a pixel."""
        self._lens.setFilmSize(side, side)
        self._lens.setNearFar(-1.0, 1.0)
        self._camera.setPos(0.5 * side, -0.5 * side, 0.0)
        region = output.makeDisplayRegion()
        region.setSort(10)
        region.setClearDepthActive(True)
        region.setCamera(self._camera)


def _pixels(capture: Texture, side: int) -> npt.NDArray[np.uint8]:
    """(H, W, C) blue before green before red, the bottom row first: a view of the engine's memory."""
    if not capture.hasRamImage():
        raise EngineError("panda3d: the frame was drawn, but its pixels did not arrive")
    return np.frombuffer(memoryview(capture.getRamImage()), np.uint8).reshape(side, side, -1)
