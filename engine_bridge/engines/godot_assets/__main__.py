"""Prepare a Godot project: ``python -m engine_bridge.engines.godot_assets --godot 3 PROJECT TARGET``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine_bridge.engines.godot_assets.project import prepare_project


def main() -> None:
    """Read the command line and prepare the project."""
    parser = argparse.ArgumentParser(
        prog="python -m engine_bridge.engines.godot_assets",
        description="Copy a Godot project and export heads, hair, textures and schemas beside it.",
    )
    parser.add_argument("project", type=Path, help="the project folder to copy")
    parser.add_argument("target", type=Path, help="where the ready project goes")
    parser.add_argument("--godot", type=int, choices=(3, 4), required=True, help="the version that will open it")
    parser.add_argument("--characters", default="", help="folders of character files, joined as in PATH")
    arguments = parser.parse_args()
    folders = [Path(folder) for folder in arguments.characters.split(os.pathsep) if folder]
    prepare_project(arguments.project, arguments.target, arguments.godot, folders)


if __name__ == "__main__":
    main()
