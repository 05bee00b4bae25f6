"""Engines by name. A new engine is one entry here and a class that honours ``EngineBridge``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from engine_bridge.errors import InputError
from flows.settings import Settings

if TYPE_CHECKING:
    from engine_bridge.bridge import EngineBridge


def open_engine(name: str, settings: Settings) -> EngineBridge:
    """The engine of that name, ready to render. Raises InputError for an unknown one, EngineError when it fails."""
    if name not in ENGINES:
        raise InputError(f"engine: {name!r} is unknown; choose one of {', '.join(sorted(ENGINES))}")
    return ENGINES[name](settings)


def _open_mock(settings: Settings) -> EngineBridge:
    from engine_bridge.mock.engine import MockEngine

    return MockEngine(characters_folders=settings.character_folders)


ENGINES: Final[dict[str, Callable[[Settings], EngineBridge]]] = {"mock": _open_mock}
