"""An engine's project for a person to open in its editor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine_bridge.errors import InputError
from engine_bridge.remote.processes.preparation import prepare
from flows.settings import Settings

if TYPE_CHECKING:
    from engine_bridge.remote.processes.adapters import Adapter

#: Where a preparation puts it in the work folder; the rest there is the engine's own: programs, caches, its home.
_PROJECT: Final = "project"


def copy_project(adapter: Adapter, settings: Settings, out: Path) -> None:
    """The project that the adapter prepares, with all its assets.

    Raises InputError when ``out`` holds anything already, or when there is no project: engines that are compiled, or
    run from their own folder, have their sources there.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"out: {out} is not empty; give a new folder")
    work = prepare(adapter, settings.prepared_engines, settings.character_folders) if adapter.prepare else None
    if work is None or not (work / _PROJECT).is_dir():
        raise InputError(f"engine: {adapter.name} has no project for an editor; its sources lie in {adapter.folder}")
    shutil.copytree(work / _PROJECT, out, dirs_exist_ok=True)
