"""Serve the mock engine over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine_bridge.characters import list_schemas
from engine_bridge.errors import InputError
from engine_bridge.frames import MINIMUM_RESOLUTION, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.engine_end.client import serve
from engine_bridge.remote.engine_end.faults import Fault
from engine_bridge.remote.engine_end.faulty_wire import FaultyWire
from engine_bridge.remote.wire.messages import Capabilities
from engine_bridge.scene import ENGINE_SCENE_FIELDS


def serve_mock(
    *,
    url: str,
    token: str,
    instance: str = "mock",
    characters: Sequence[str] = (),
    characters_folders: Sequence[Path] = (),
    faults: Sequence[Fault] = (),
    seed: int = 0,
    memory: Path | None = None,
    authority: Path | None = None,
) -> None:
    """Serve until the bridge says not to come again. No ``characters`` means all that can be loaded.

    ``faults`` happen to its messages; ``memory`` is the folder where those that happen once are remembered.
    Raises as :func:`engine_bridge.remote.engine_end.client.serve` does.
    """
    engine = MockEngine(characters_folders, name="mock_remote")
    names = characters or _drawable(engine, characters_folders)
    _warm_up(engine, names[0])
    capabilities = Capabilities(
        maximum_px=2048, encodings=("raw", "png"), stamp=True, scene=ENGINE_SCENE_FIELDS, longest_frame_s=10.0
    )
    serve(
        engine,
        url=url,
        token=token,
        instance=instance,
        characters=names,
        capabilities=capabilities,
        wire=FaultyWire(faults, seed=seed, memory=memory),
        authority=authority,
    )


def _drawable(engine: MockEngine, folders: Sequence[Path]) -> list[str]:
    """The characters that this engine has a head for; other engines' files may lie beside them."""
    names = []
    for schema in list_schemas(folders)[0]:
        with suppress(InputError):
            engine.describe(schema.character)
            names.append(schema.character)
    return names


def _warm_up(engine: MockEngine, character: str) -> None:
    """Compile the renderer before anybody waits for a frame."""
    vector = engine.describe(character).default_vector()
    engine.render([RenderRequest(request_id=0, character=character, vector=vector, resolution=MINIMUM_RESOLUTION)])
