"""``f2p create``: photos become characters."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli.terminal import (
    Character,
    Debug,
    Engine,
    Home,
    Json,
    engine_order,
    example,
    open_settings,
    output_folder,
    show,
)

SOME_PHOTOS_FAILED = 2


def add_to(app: typer.Typer) -> None:
    """The verb of this module."""
    app.command(
        "create",
        epilog=example(
            "f2p create me.jpg friends/ --character justice_female --out created",
            "f2p create me.jpg --character justice_female --mode hybrid --steps 40 --animation gif",
        ),
    )(create)


def create(
    *,
    photos: Annotated[
        list[str],
        typer.Argument(help="Photos, or folders of photos; 'sample' is a portrait that ships.", show_default=False),
    ],
    character: Character,
    out: Annotated[
        Path | None, typer.Option("--out", help="Default: HOME/creations/CHARACTER.", show_default=False)
    ] = None,
    mode: Annotated[
        Literal["one-shot", "iterative", "hybrid", "auto"],
        typer.Option("--mode", help="auto chooses by pose and resolution, and says why."),
    ] = "auto",
    version: Annotated[str, typer.Option("--version", help="A number, or 'champion'.")] = "champion",
    face: Annotated[
        Literal["largest", "all"], typer.Option("--face", help="Which faces of a photo with several.")
    ] = "largest",
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Of the search. Default: the version's recipe's.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", min=0, help="Also search from starts moved at random, and keep the best.", show_default=False
        ),
    ] = None,
    restarts: Annotated[
        int | None,
        typer.Option("--restarts", min=0, help="How many of them. Default: 2 with --seed, else 0.", show_default=False),
    ] = None,
    animation: Annotated[
        Literal["gif", "mp4"] | None,
        typer.Option("--animation", help="Also write the search as a film.", show_default=False),
    ] = None,
    engine: Engine = "mock",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Create characters from photos. A photo that cannot be used is named at the end, and the status is 2."""
    settings = open_settings(home, debug)
    folder = output_folder(out or settings.creations / character)
    from flows.create import SearchOrder, open_published
    from flows.engines.orders import open_engine
    from flows.photos.names import find_photos
    from flows.progress import ProgressBar, say
    from flows.published import open_registry

    search = SearchOrder(steps=steps, restarts=restarts, seed=seed, animation=animation)
    chosen = open_registry(settings).get(character, version)
    named = find_photos(photos)
    order = engine_order(settings, engine)
    with closing(open_engine(order, settings)) as bridge, ProgressBar("Create characters") as bar:
        published = open_published(
            chosen, bridge, mode=mode, faces=face, order=search, weights=settings.lightcnn_weights
        )
        outcome = published.create(named, folder, bar)
    for line in outcome.failed:
        say(f"[yellow]skipped[/] {line}")
    show(asdict(outcome), as_json, lambda: print("\n".join(str(folder) for folder in outcome.created)))
    return SOME_PHOTOS_FAILED if outcome.failed else 0
