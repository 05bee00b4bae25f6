"""``f2p characters``: what can be created."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine_bridge.errors import SchemaError
from flows.cli.terminal import (
    Debug,
    Engine,
    Home,
    Json,
    Seed,
    engine_order,
    example,
    open_settings,
    output_picture,
    print_table,
    show,
)

if TYPE_CHECKING:
    from engine_bridge.schema import ParameterSchema

app = typer.Typer(no_args_is_help=True, help="List, show, check, draw and import character types.")

Name = Annotated[str, typer.Argument(help="A character type's name.", show_default=False)]


@app.command("list", epilog=example("f2p characters list"))
def list_characters(*, home: Home = None, as_json: Json = False, debug: Debug = False) -> None:
    """Every character type: the shipped ones, and those in HOME/characters."""
    from engine_bridge.characters import list_schemas

    schemas, faults = list_schemas(open_settings(home, debug).character_folders)
    for fault in faults:
        print(f"f2p: left out: {fault}", file=sys.stderr)
    header = ("name", "title", "sliders", "choices", "vector", "fingerprint")
    rows = [_summary(schema) for schema in schemas]
    show(rows, as_json, lambda: print_table(header, [list(row.values()) for row in rows]))


@app.command("show", epilog=example("f2p characters show justice_female"))
def show_character(*, name: Name, home: Home = None, as_json: Json = False, debug: Debug = False) -> None:
    """One character type: its groups of sliders and its choices."""
    from engine_bridge.characters import load_schema

    schema = load_schema(name, open_settings(home, debug).character_folders)
    show({**schema.to_dict(), "fingerprint": schema.fingerprint}, as_json, lambda: _describe(schema))


@app.command("validate", epilog=example("f2p characters validate my_hero.yaml"))
def validate(
    *,
    file: Annotated[Path, typer.Argument(help="A character file (YAML).", show_default=False)],
    engine: Engine = "mock",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check a character file, alone and against an engine; a mistake is named with the way out."""
    from engine_bridge.characters import read_schema_file
    from flows.engines.orders import open_engine

    settings = open_settings(home, debug)
    schema = read_schema_file(file)
    with closing(open_engine(engine_order(settings, engine), settings, characters=[file.parent])) as bridge:
        described = bridge.describe(schema.character)
    if described.fingerprint != schema.fingerprint:
        raise SchemaError(
            f"{file}: has schema {schema.fingerprint}, {engine} draws {schema.character} with "
            f"{described.fingerprint}; 'f2p characters import' writes down what an engine says"
        )
    summary = _summary(schema)
    show(summary, as_json, lambda: print(f"{file} is valid: {_sentence(summary)}"))


@app.command("sheet", epilog=example("f2p characters sheet justice_girl --out girl.png"))
def sheet(
    *,
    name: Name,
    out: Annotated[Path, typer.Option("--out", help="The picture to write.", show_default=False)],
    engine: Engine = "mock",
    seed: Seed = 0,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """A contact sheet: 24 random faces, each with its part mask."""
    settings = open_settings(home, debug)
    file = output_picture(out)
    from PIL import Image

    from flows.engines.orders import open_engine
    from flows.pictures.contact_sheets import engine_sheet

    with closing(open_engine(engine_order(settings, engine), settings)) as bridge:
        picture = Image.fromarray(engine_sheet(bridge, name, seed=seed))
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)
    show({"sheet": file}, as_json, lambda: print(file))


@app.command("import", epilog=example("f2p characters import --engine ws://127.0.0.1:9310 --character elf"))
def import_characters(
    *,
    engine: Annotated[str, typer.Option("--engine", help="The engine that knows them.", show_default=False)],
    character: Annotated[
        str | None, typer.Option("--character", "-c", help="Only this one. Default: all.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that say otherwise.")] = False,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Ask an engine for its character types and write them into HOME/characters. It renders without that too."""
    settings = open_settings(home, debug)
    from flows.engines.character_import import import_schemas

    written = import_schemas(engine_order(settings, engine), settings, character=character, force=force)
    rows = [{"file": str(file), **_summary(schema)} for schema, file in written]
    show(rows, as_json, lambda: print("\n".join(f"{row['file']}: {_sentence(row)}" for row in rows)))


def _summary(schema: ParameterSchema) -> dict[str, Any]:
    return {
        "name": schema.character,
        "title": schema.title,
        "sliders": schema.num_continuous,
        "choices": schema.num_discrete,
        "vector": schema.vector_size,
        "fingerprint": schema.fingerprint,
    }


def _sentence(summary: dict[str, Any]) -> str:
    return (
        f"{summary['name']} ({summary['title']}), {summary['sliders']} sliders + {summary['choices']} choices "
        f"= {summary['vector']}, fingerprint {summary['fingerprint']}"
    )


def _describe(schema: ParameterSchema) -> None:
    print(_sentence(_summary(schema)) + "\n")
    rows = []
    for group, members in schema.groups.items():
        controllers = [schema.continuous[index].controller for index in members]
        rows.append((group, len(members), " ".join(controllers)))
    print_table(("group", "sliders", "controllers"), rows)
    print()
    print_table(
        ("choice", "", "default", "one of"),
        [(choice.name, len(choice.choices), choice.default, ", ".join(choice.choices)) for choice in schema.discrete],
    )
