"""What an engine says about its characters, written down as character files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from engine_bridge.characters import character_file_name, find_schema_file, read_schema_file, schema_text
from engine_bridge.errors import InputError, SchemaError, UnknownCharacterError
from engine_bridge.schema import ParameterSchema
from f2p_datasets.durable import appearing_file
from flows.engines.orders import EngineOrder, open_engine, schemas_of
from flows.progress import say
from flows.settings import Settings


def import_schemas(
    order: EngineOrder, settings: Settings, *, character: str | None, force: bool
) -> list[tuple[ParameterSchema, Path]]:
    """The engine's schemas (or only one character's) as files in the home's folder for characters.

    A file that says the same already is left alone, and none is written where a shipped one says the same. Raises
    InputError for one that says otherwise, unless ``force``; nothing is written then.
    """
    if order.is_mock:
        raise InputError("engine: the mock engine reads its characters from files itself; there is nothing to import")
    with closing(open_engine(order, settings)) as engine:
        schemas = [engine.describe(character)] if character else schemas_of(engine, settings)
        comment = f"Written by 'f2p characters import' from {engine.name} {engine.build}."
    files = [_shipped_alike(schema, settings) or _own_file(schema, settings) for schema in schemas]
    if not force:
        _refuse_replacing(schemas, files)
    for schema, file in zip(schemas, files, strict=True):
        _write(schema, file, comment)
    return list(zip(schemas, files, strict=True))


def _own_file(schema: ParameterSchema, settings: Settings) -> Path:
    return settings.own_characters / character_file_name(schema.character)


def _shipped_alike(schema: ParameterSchema, settings: Settings) -> Path | None:
    """The shipped file that says the same, if it is the one that counts: a copy in the home would only hide it."""
    try:
        shipped = find_schema_file(schema.character)
    except UnknownCharacterError:
        return None
    if _own_file(schema, settings).exists() or _fingerprint(shipped) != schema.fingerprint:
        return None
    say(f"{schema.character}: ships with f2p and says the same; no file is written")
    return shipped


def _refuse_replacing(schemas: Sequence[ParameterSchema], files: Sequence[Path]) -> None:
    for schema, file in zip(schemas, files, strict=True):
        found = _fingerprint(file)
        if found not in (None, schema.fingerprint):
            raise InputError(
                f"{file}: is there already with schema {found}, the engine has {schema.fingerprint}; "
                "move it away, or replace it with --force"
            )


def _fingerprint(file: Path) -> str | None:
    """Of the schema in the file; None when there is none, its faults when it cannot be read."""
    if not file.exists():
        return None
    try:
        return read_schema_file(file).fingerprint
    except SchemaError as error:
        return f"none ({error})"


def _write(schema: ParameterSchema, file: Path, comment: str) -> None:
    """Raises SchemaError when the file would not give the schema back; it does not appear then."""
    if _fingerprint(file) == schema.fingerprint:
        return

    def verify(written: Path) -> None:
        back = read_schema_file(written, name=schema.character)
        if back.fingerprint != schema.fingerprint:
            raise SchemaError(f"{schema.character}: cannot be written as a character file without a loss")

    file.parent.mkdir(parents=True, exist_ok=True)
    with appearing_file(file, verify) as stream:
        stream.write(schema_text(schema, comment).encode())
