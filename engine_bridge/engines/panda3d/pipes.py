"""The renderers that Panda3D comes with and that need no window system, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from panda3d.core import GraphicsPipe, GraphicsPipeSelection, loadPrcFileData

from engine_bridge.errors import EngineUnavailableError, InputError

#: Unused states are freed at once; a task of Panda3D's own main loop, which is not run here, would do it later.
SETTINGS: Final = """
garbage-collect-states false
transform-cache false
coordinate-system y-up-right
audio-library-name null
sync-video false
framebuffer-srgb false
allow-incomplete-render false
notify-level-display error
"""


@dataclass(frozen=True, kw_only=True)
class Renderer:
    """One of Panda3D's graphics pipes.

    module, kind        the shared library and the type of pipe in it
    takes_colors_twice  a lit surface whose material leaves its colour to the vertices is dimmed by them twice
    nudge_px            how far right and down the picture has to be moved, because vertices are rounded down to pixels
    """

    module: str
    kind: str
    takes_colors_twice: bool = False
    nudge_px: float = 0.0

    def open(self) -> GraphicsPipe:
        """Start the renderer. Raises EngineUnavailableError."""
        loadPrcFileData("engine_bridge", SETTINGS)
        pipe = GraphicsPipeSelection.getGlobalPtr().makePipe(self.kind, self.module)
        if pipe is None:
            raise EngineUnavailableError(f"panda3d: {self.module} does not start on this machine; use {SOFTWARE}")
        return pipe


#: Draws on any machine.
SOFTWARE: Final = "p3tinydisplay"
RENDERERS: Final[Mapping[str, Renderer]] = {
    SOFTWARE: Renderer(module=SOFTWARE, kind="TinyOffscreenGraphicsPipe", takes_colors_twice=True, nudge_px=0.25),
    "p3headlessgl": Renderer(module="p3headlessgl", kind="eglGraphicsPipe"),
}


def find_renderer(name: str) -> Renderer:
    """A renderer by the name of its module. Raises InputError."""
    if name not in RENDERERS:
        raise InputError(f"pipe: panda3d has no {name!r} that needs no window; it has {', '.join(RENDERERS)}")
    return RENDERERS[name]
