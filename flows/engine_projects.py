"""An engine's project for a person to open in its editor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine_bridge.errors import InputError
from engine_bridge.remote.preparation import prepare
from flows.settings import Settings

if TYPE_CHECKING:
    from engine_bridge.remote.adapters import Adapter

#: What the running engines keep in their work folder beside the project.
_NOT_THE_PROJECT: Final = ("home", "scratch", ".prepared", "prepare.log")


def copy_project(adapter: Adapter, settings: Settings, out: Path) -> None:
    """The adapter's work folder, prepared, as a copy. Raises InputError when ``out`` holds anything already."""
    if out.exists() and any(out.iterdir()):
        raise InputError(f"out: {out} is not empty; give a new folder")
    if not adapter.prepare:
        raise InputError(f"engine: {adapter.name} prepares no project; what it renders with lies in {adapter.folder}")
    work = prepare(adapter, settings.prepared_engines, settings.character_folders)
    shutil.copytree(work, out, ignore=shutil.ignore_patterns(*_NOT_THE_PROJECT), dirs_exist_ok=True)
