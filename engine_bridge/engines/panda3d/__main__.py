"""``python -m engine_bridge.engines.panda3d``: Panda3D as an engine process.

The address comes from the environment, as for every engine; F2P_OPTION_PIPE chooses the renderer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from engine_bridge.characters import list_schemas
from engine_bridge.engines.panda3d.engine import LARGEST_PX, PandaEngine
from engine_bridge.engines.panda3d.pipes import SOFTWARE
from engine_bridge.errors import EngineError, InputError
from engine_bridge.remote.engine_end.client import serve
from engine_bridge.remote.wire.messages import Capabilities


def main(environment: Mapping[str, str]) -> int:
    """Exit status: 0 sent home, 2 wrongly called, 3 refused by the bridge or unable to draw, 130 interrupted."""
    try:
        _serve(environment)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except EngineError as error:
        print(error, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(environment: Mapping[str, str]) -> None:
    folders = [Path(folder) for folder in environment.get("F2P_CHARACTER_FOLDERS", "").split(os.pathsep) if folder]
    engine = PandaEngine(folders, pipe=environment.get("F2P_OPTION_PIPE") or SOFTWARE)
    serve(
        engine,
        url=_member(environment, "F2P_BRIDGE_URL"),
        token=_member(environment, "F2P_BRIDGE_TOKEN"),
        instance=environment.get("F2P_ENGINE_INSTANCE") or f"panda3d-{os.getpid()}",
        characters=list(drawable(engine, folders)),
        capabilities=Capabilities(maximum_px=LARGEST_PX, stamp=True, scene=engine.scene_fields),
    )


def drawable(engine: PandaEngine, folders: Sequence[Path]) -> Iterator[str]:
    """The character types that the engine has the head, the bones and the wardrobe for; says why not for the others."""
    schemas, faults = list_schemas(folders)
    for fault in faults:
        print(f"left out: {fault}", file=sys.stderr)
    for schema in schemas:
        try:
            yield engine.describe(schema.character).character
        except InputError as error:
            print(f"left out: {schema.character}: {error}", file=sys.stderr)


def _member(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise InputError(f"{name}: not set; the bridge that starts an engine sets it")
    return environment[name]


if __name__ == "__main__":
    sys.exit(main(os.environ))
