"""A project folder, copied and filled with assets: what the engine is started in.

assets/heads/HEAD.var         meshes and rig (variants.py)
assets/hair/HEAD/STYLE.var    one hairstyle
assets/textures/              textures.py
assets/looks.json             looks.py
assets/schemas.json           schemas.py
assets/build.txt              hash of everything but the schemas, which have fingerprints of their own
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from engine_bridge.engines.godot_assets.looks import looks
from engine_bridge.engines.godot_assets.meshes import hair_variant, head_variant
from engine_bridge.engines.godot_assets.schemas import write_schemas
from engine_bridge.engines.godot_assets.textures import write_textures
from engine_bridge.engines.godot_assets.variants import Variant, store_variant
from engine_bridge.mock.assets import load_hair, load_head
from engine_bridge.mock.catalog import CHOICES_FOR_HEAD

#: What the editor leaves in a project.
LEFT_OUT: Final = ("engine.toml", ".import", ".godot", "assets", "*.import", "*.uid")


def prepare_project(project: Path, target: Path, godot: int, character_folders: Sequence[Path] = ()) -> None:
    """Copy a project and export its assets. Files of an earlier copy are replaced."""
    shutil.copytree(project, target, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    assets = target / "assets"
    assets.mkdir(exist_ok=True)
    (assets / ".gdignore").touch()  # the editor must not import them: the scripts read them as they are
    export_assets(assets, godot)
    (assets / "build.txt").write_text(hash_of(target) + "\n")
    write_schemas(assets / "schemas.json", character_folders)


def export_assets(folder: Path, godot: int) -> None:
    """Write heads, hair, textures and colours for Godot ``godot`` (3 or 4)."""
    for head in CHOICES_FOR_HEAD:
        _write(folder / "heads" / f"{head}.var", head_variant(load_head(head), godot), godot)
        for style in CHOICES_FOR_HEAD[head]["hairstyle"]:
            hair = load_hair(head, style)
            if hair is not None:
                _write(folder / "hair" / head / f"{style}.var", hair_variant(load_head(head), hair, godot), godot)
    write_textures(folder / "textures")
    (folder / "looks.json").write_text(json.dumps(looks(), indent=1) + "\n")


def hash_of(project: Path) -> str:
    """12 hex digits of everything that the picture depends on."""
    digest = hashlib.sha256()
    for path in sorted(_files(project)):
        digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _files(project: Path) -> Iterator[Path]:
    kept = (".gd", ".godot", ".tscn", ".tres", ".shader", ".gdshader", ".gdshaderinc", ".var", ".png", ".json")
    for path in project.rglob("*"):
        if path.suffix in kept and path.name != "schemas.json" and ".godot" not in path.parent.parts:
            yield path


def _write(path: Path, variant: Variant, godot: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(store_variant(variant, godot))
