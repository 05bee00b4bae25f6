"""The mock engine: the two verbs of an engine bridge on top of the software renderer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.characters import load_schema
from engine_bridge.errors import EngineUnavailableError
from engine_bridge.frames import Frame, RenderRequest, settle_vector
from engine_bridge.mock.assets import assets_hash, load_head
from engine_bridge.mock.choices import check_choices
from engine_bridge.mock.renderer import Renderer
from engine_bridge.mock.rig import RIG_RESPONSE, SliderMap, bone_offsets
from engine_bridge.scene import BRIDGE_SCENE_FIELDS, ENGINE_SCENE_FIELDS
from engine_bridge.schema import ParameterSchema, Vector

#: Raise it whenever the code may draw the same vector differently.
RENDERER_VERSION: Final = 3


class MockEngine:
    """A software engine for tests and development. It needs neither a display nor a GPU.

    ``characters_folders`` are searched for character files before the shipped ones. Behind the wire it goes by another
    ``name``: there the bridge adds the camera's faults to finished pictures, so photo-like ones differ by a rounding.
    """

    def __init__(self, characters_folders: Sequence[Path] = (), *, name: str = "mock") -> None:
        self._name, self._folders = name, tuple(characters_folders)
        self._characters: dict[str, tuple[ParameterSchema, SliderMap]] = {}
        self._renderer: Renderer | None = Renderer()
        self._num_frames = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def build(self) -> str:
        """``mock-`` and 12 hex digits of the assets and the renderer's version."""
        return "mock-" + hashlib.sha256(f"{assets_hash()} {RENDERER_VERSION}".encode()).hexdigest()[:12]

    @property
    def scene_fields(self) -> frozenset[str]:
        """All of them."""
        return ENGINE_SCENE_FIELDS | BRIDGE_SCENE_FIELDS

    def describe(self, character: str) -> ParameterSchema:
        """The schema of a character type.

        Raises UnknownCharacterError, InputError for a head and SchemaError for a rig or a choice it does not have.
        """
        return self._character(character)[0]

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """Frames in the order of the requests. Raises SchemaError for a vector that does not fit."""
        if self._renderer is None:
            raise EngineUnavailableError("mock engine: it was closed; open a new one")
        vectors = [self.describe(request.character).check_vector(request.vector) for request in requests]
        return [self._frame(self._renderer, request, vector) for request, vector in zip(requests, vectors, strict=True)]

    def close(self) -> None:
        self._renderer = None

    def _frame(self, renderer: Renderer, request: RenderRequest, vector: Vector) -> Frame:
        schema, sliders = self._character(request.character)
        values = sliders.values(vector[: schema.num_continuous])
        channels = sliders.channels(values, len(load_head(schema.head).bones))
        offsets = bone_offsets(channels, RIG_RESPONSE.get(schema.head, 1.0))
        choices = {
            parameter.name: parameter.choices[int(np.argmax(vector[schema.blocks[parameter.name]]))]
            for parameter in schema.discrete
        }
        picture, mask = renderer.render(schema.head, offsets, choices, request.scene, request.resolution)
        self._num_frames += 1
        asked = schema.harden(vector)
        applied = np.concatenate([sliders.encode(values), asked[schema.num_continuous :]])
        return Frame(
            request_id=request.request_id,
            frame_id=self._num_frames,
            vector=settle_vector(applied, asked),
            picture=picture,
            mask=mask,
        )

    def _character(self, character: str) -> tuple[ParameterSchema, SliderMap]:
        if character not in self._characters:
            schema = load_schema(character, self._folders)
            sliders = SliderMap.of(schema, load_head(schema.head).bones)
            check_choices(schema)
            self._characters[character] = schema, sliders
        return self._characters[character]
