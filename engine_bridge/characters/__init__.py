"""Character types as files: the shipped ones, and any folder of the user's own.

    NAME.yaml          title, head, rig, choices
    NAME_rig.yaml      groups of sliders: which bones, which channels, which ranges; shared by several characters

Adding a character type is adding a file.
"""

from engine_bridge.characters.library import find_schema_file, list_schemas, load_schema
from engine_bridge.characters.reader import read_schema_file
from engine_bridge.characters.writer import character_file_name, schema_text

__all__ = [
    "character_file_name",
    "find_schema_file",
    "list_schemas",
    "load_schema",
    "read_schema_file",
    "schema_text",
]
