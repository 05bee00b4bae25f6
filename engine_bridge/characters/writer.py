"""Write a schema as a character file, every slider spelled out; the reader gives back the same schema."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from engine_bridge.characters.library import RIG_SUFFIX
from engine_bridge.errors import SchemaError
from engine_bridge.schema import ParameterSchema

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


def character_file_name(character: str) -> str:
    """The file's name. Raises SchemaError for a character that no file can be named after."""
    if not _NAME.fullmatch(character) or character.endswith(RIG_SUFFIX):
        raise SchemaError(
            f"character: {character!r} is no name for a file; use letters, digits, '_', '-' and '.', and do not end "
            f"with {RIG_SUFFIX!r}"
        )
    return f"{character}.yaml"


def schema_text(schema: ParameterSchema, comment: str) -> str:
    """Contents of the file, under a comment of one line."""
    document: dict[str, Any] = {"character": schema.character, "title": schema.title, "head": schema.head}
    document["sliders"] = {
        slider.name: {field: value for field, value in vars(slider).items() if field != "name"}
        for slider in schema.continuous
    }
    if schema.discrete:
        document["choices"] = {
            choice.name: {"group": choice.group, "default": choice.default, "names": list(choice.choices)}
            for choice in schema.discrete
        }
    plain = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, allow_unicode=True, width=10**6)
    return f"# {' '.join(comment.split())}\n{plain}"
