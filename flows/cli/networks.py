"""``f2p evaluate parsing``, ``descriptor`` and ``speed``: single networks, and how fast they are together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli.evaluation_options import Out, Version, show_page
from flows.cli.terminal import (
    Character,
    Debug,
    Engine,
    Home,
    Json,
    engine_order,
    example,
    numbers,
    open_settings,
    output_folder,
    terminal,
)


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    app.command(
        "parsing",
        epilog=example("f2p evaluate parsing --character justice_male --set fasseg --format fasseg --partition test"),
    )(parsing)
    app.command(
        "descriptor",
        epilog=example(
            "f2p evaluate descriptor --character justice_male --photos imported --renders HOME/datasets/NAME"
        ),
    )(descriptor)
    app.command("speed", epilog=example("f2p evaluate speed --character justice_male --batch-sizes 1,16"))(speed)


def parsing(
    *,
    character: Character,
    photos: Annotated[Path, typer.Option("--set", help="The folder of a parsing set.", show_default=False)],
    kind: Annotated[
        Literal["helen", "lapa", "celebamask", "fasseg"] | None,
        typer.Option("--format", help="What it is. Default: told by what lies there.", show_default=False),
    ] = None,
    partition: Annotated[
        str | None, typer.Option("--partition", help="Only its train, val or test photos.", show_default=False)
    ] = None,
    version: Version = None,
    out: Out = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """What the segmenter sees on labelled photos: intersection over union of every class, and the worst photos."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    from f2p_datasets.parsing import AUTO, open_parsing_set
    from flows.evaluations.parsing import evaluate_parsing, open_parser

    labelled = open_parsing_set(photos, kind or AUTO, partition)
    parser = open_parser(settings, character, version)
    found, document = evaluate_parsing(settings, parser, labelled, command=terminal.command, out=folder)
    show_page(found, document, as_json)


def descriptor(
    *,
    character: Character,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", help="Imported photos that say who is who.", show_default=False),
    ] = None,
    renders: Annotated[
        Path | None, typer.Option("--renders", help="A photo-like dataset of the character.", show_default=False)
    ] = None,
    people: Annotated[int, typer.Option("--people", min=2, help="At most so many, of each.")] = 200,
    version: Version = None,
    out: Out = None,
    engine: Engine = "mock",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Which descriptor tells people apart: what identity and content loss are made of (TPAMI, equations 5 and 6)."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    from flows.evaluations.descriptor import DescriptorOptions, evaluate_descriptor
    from flows.evaluations.subject import open_subject

    options = DescriptorOptions(photos=photos, renders=renders, num_people=people)
    with open_subject(settings, character, version, engine=engine_order(settings, engine)) as subject:
        found, document = evaluate_descriptor(settings, subject, options, command=terminal.command, out=folder)
    show_page(found, document, as_json)


def speed(
    *,
    character: Character,
    photo: Annotated[
        str, typer.Option("--photo", help="A photo with a face; 'sample' is a portrait that ships.")
    ] = "sample",
    batch_sizes: Annotated[str, typer.Option("--batch-sizes", help="Photos given together.")] = "1,16",
    version: Version = None,
    out: Out = None,
    engine: Engine = "mock",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Photos per second of each mode, with and without alignment (TPAMI, Table 6)."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    from flows.evaluations.speed import SpeedOptions, evaluate_speed
    from flows.evaluations.subject import open_subject
    from flows.photos.names import find_photos

    options = SpeedOptions(batch_sizes=numbers("batch-sizes", batch_sizes))
    with open_subject(settings, character, version, engine=engine_order(settings, engine)) as subject:
        found, document = evaluate_speed(
            settings, subject, find_photos([photo])[0], options, command=terminal.command, out=folder
        )
    show_page(found, document, as_json)
