"""The characters that the Godot heads can draw: the shipped ones and those of the user's folders."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from engine_bridge.characters import list_schemas
from engine_bridge.errors import InputError
from engine_bridge.mock.assets import load_head
from engine_bridge.mock.choices import check_choices
from engine_bridge.mock.rig import SliderMap
from engine_bridge.schema import ParameterSchema


def write_schemas(path: Path, folders: Sequence[Path] = ()) -> None:
    """Write the JSON array that goes into the ``hello`` as it is. What cannot be drawn is named on stderr."""
    schemas, faults = list_schemas(folders)
    drawn = [schema for schema in schemas if _can_draw(schema)]
    for fault in faults:
        print(f"left out: {fault}", file=sys.stderr)
    path.write_text(json.dumps([schema.to_dict() for schema in drawn]) + "\n")


def _can_draw(schema: ParameterSchema) -> bool:
    try:
        SliderMap.of(schema, load_head(schema.head).bones)
        check_choices(schema)
    except InputError as error:
        print(f"left out: {schema.character}: {error}", file=sys.stderr)
        return False
    return True
