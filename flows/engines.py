"""Engines by name. A new engine is one entry here and a class that honours ``EngineBridge``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine_bridge.errors import InputError
from flows.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine_bridge.bridge import EngineBridge
    from engine_bridge.schema import Vector

_FRAMES_AT_ONCE: Final = 16


def open_engine(name: str, settings: Settings, *, characters: Sequence[Path] = ()) -> EngineBridge:
    """The engine of that name, ready to render. It looks for characters in these folders before the home's.

    Raises InputError for an unknown engine, EngineError when it fails.
    """
    if name not in ENGINES:
        raise InputError(f"engine: {name!r} is unknown; choose one of {', '.join(sorted(ENGINES))}")
    return ENGINES[name]((*characters, *settings.character_folders))


def studio_renderer(
    engine: EngineBridge, character: str, resolution: int
) -> Callable[[Sequence[Vector] | npt.NDArray[np.float32]], npt.NDArray[np.uint8]]:
    """Vectors (B, V) -> the engine's studio pictures (B, H, W, 3) uint8, every frame checked."""
    import numpy as np

    from engine_bridge.frames import RenderRequest, check_frame

    def render(vectors: Sequence[Vector] | npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        requests = [
            RenderRequest(request_id=index, character=character, vector=vector, resolution=resolution)
            for index, vector in enumerate(np.asarray(vectors, np.float32))
        ]
        chunks = [requests[start : start + _FRAMES_AT_ONCE] for start in range(0, len(requests), _FRAMES_AT_ONCE)]
        frames = [frame for chunk in chunks for frame in engine.render(chunk)]
        return np.stack([check_frame(*answer).picture for answer in zip(frames, requests, strict=True)])

    return render


def _open_mock(character_folders: Sequence[Path]) -> EngineBridge:
    from engine_bridge.mock.engine import MockEngine

    return MockEngine(characters_folders=character_folders)


ENGINES: Final[dict[str, Callable[[Sequence[Path]], EngineBridge]]] = {"mock": _open_mock}
