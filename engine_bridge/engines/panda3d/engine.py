"""Panda3D as an engine bridge: sliders move joints, choices change meshes and textures, and its own renderer draws."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from panda3d.core import PandaSystem

from engine_bridge.characters import load_schema
from engine_bridge.engines.panda3d.colors import factor_on_srgb
from engine_bridge.engines.panda3d.darkroom import Darkroom
from engine_bridge.engines.panda3d.figure import Figure
from engine_bridge.engines.panda3d.joints import Doubles
from engine_bridge.engines.panda3d.materials import Lacquer
from engine_bridge.engines.panda3d.pipes import SOFTWARE, find_renderer
from engine_bridge.engines.panda3d.studio import Studio
from engine_bridge.errors import EngineUnavailableError, InputError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock.assets import assets_hash, load_head
from engine_bridge.mock.camera import FRAMINGS
from engine_bridge.mock.choices import check_choices
from engine_bridge.mock.look import look_of
from engine_bridge.mock.rig import SliderMap
from engine_bridge.remote.wire.stamps import Stamp
from engine_bridge.scene import ENGINE_SCENE_FIELDS
from engine_bridge.schema import ParameterSchema, Vector

#: Side of the largest picture.
LARGEST_PX: Final = 1024


class PandaEngine:
    """Panda3D with the heads and the wardrobe of the shipped asset.

    ``pipe`` is ``p3tinydisplay`` (software, needs nothing) or ``p3headlessgl`` (EGL: a GPU where there is one).
    ``characters_folders`` are searched for character files before the shipped ones.
    """

    def __init__(self, characters_folders: Sequence[Path] = (), *, pipe: str = SOFTWARE) -> None:
        self._folders, self._renderer = tuple(characters_folders), find_renderer(pipe)
        self._characters: dict[str, tuple[ParameterSchema, SliderMap]] = {}
        self._figures: dict[str, Figure] = {}
        graphics = self._renderer.open()
        self._studio = Studio()
        self._darkroom: Darkroom | None = Darkroom(graphics, self._studio.camera, self._studio.lens)
        self._num_frames = 0

    @property
    def name(self) -> str:
        return "panda3d"

    @property
    def build(self) -> str:
        """Panda3D's version, the pipe, and 12 hex digits of the assets and the adapter's own source."""
        return f"panda3d-{PandaSystem.getVersionString()}-{self._renderer.module}-{_content_hash()}"

    @property
    def scene_fields(self) -> frozenset[str]:
        return ENGINE_SCENE_FIELDS

    def describe(self, character: str) -> ParameterSchema:
        """The schema of a character type.

        Raises UnknownCharacterError, InputError for a head and SchemaError for a rig or a choice it does not have.
        """
        return self._character(character)[0]

    def set_stamp(self, stamp: Stamp | None) -> None:
        """Draw this stamp from the next frame on; None draws none."""
        self._open().set_stamp(stamp)

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """Frames in the order of the requests. Raises InputError for what cannot be drawn: vector, resolution."""
        darkroom = self._open()
        for request in requests:
            if request.resolution > LARGEST_PX:
                raise InputError(f"resolution: panda3d draws up to {LARGEST_PX} pixels, not {request.resolution}")
        vectors = [self.describe(request.character).check_vector(request.vector) for request in requests]
        return [self._frame(darkroom, request, vector) for request, vector in zip(requests, vectors, strict=True)]

    def close(self) -> None:
        """Free the buffers. Idempotent."""
        if self._darkroom is not None:
            self._darkroom.close()
            self._darkroom = None

    def _open(self) -> Darkroom:
        if self._darkroom is None:
            raise EngineUnavailableError("panda3d: the engine was closed; open a new one")
        return self._darkroom

    def _frame(self, darkroom: Darkroom, request: RenderRequest, vector: Vector) -> Frame:
        schema, sliders = self._character(request.character)
        scene, figure = request.scene, self._figure(darkroom, schema.head)
        choices = {name: _choice(schema, name, vector[block]) for name, block in schema.blocks.items()}
        figure.dress(choices, look_of(schema.head, choices, scene), scene.hair_tint)
        values = sliders.values(vector[: schema.num_continuous])
        applied = figure.pose(sliders.channels(values, len(load_head(schema.head).bones)))
        self._studio.arrange(scene, FRAMINGS[schema.head], self._renderer.nudge_px / request.resolution)
        figure.shine(self._studio.halfway(scene), factor_on_srgb(scene.light_color))
        picture, mask = darkroom.expose(request.resolution, scene.background_color)
        self._num_frames += 1
        return Frame(
            request_id=request.request_id,
            frame_id=self._num_frames,
            vector=_read_back(schema, sliders, applied, figure),
            picture=picture,
            mask=mask,
        )

    def _figure(self, darkroom: Darkroom, head: str) -> Figure:
        """The head's figure, alone on the stage."""
        if head not in self._figures:
            self._figures[head] = Figure(load_head(head), Lacquer(takes_colors_twice=self._renderer.takes_colors_twice))
        figure = self._figures[head]
        if figure.node.getParent() != self._studio.stage:
            for other in self._figures.values():
                other.node.detachNode()
            figure.node.reparentTo(self._studio.stage)
            darkroom.draw_parts_by(figure.part_states)
        return figure

    def _character(self, character: str) -> tuple[ParameterSchema, SliderMap]:
        if character not in self._characters:
            schema = load_schema(character, self._folders)
            sliders = SliderMap.of(schema, load_head(schema.head).bones)
            check_choices(schema)
            self._characters[character] = schema, sliders
        return self._characters[character]


def _choice(schema: ParameterSchema, name: str, block: Vector) -> str:
    parameter = next(parameter for parameter in schema.discrete if parameter.name == name)
    return parameter.choices[int(np.argmax(block))]


def _read_back(schema: ParameterSchema, sliders: SliderMap, channels: Doubles, figure: Figure) -> Vector:
    """The vector (V,) that the joints' channels (B, 9) and the figure's clothes stand for."""
    vector = np.zeros(schema.vector_size, np.float32)
    vector[: schema.num_continuous] = sliders.encode(channels.reshape(-1)[sliders.target].astype(np.float32))
    for parameter in schema.discrete:
        start = schema.blocks[parameter.name].start
        vector[start + parameter.choices.index(figure.worn(parameter.name))] = 1.0
    return vector


@lru_cache(maxsize=1)
def _content_hash() -> str:
    digest = hashlib.sha256(assets_hash().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
