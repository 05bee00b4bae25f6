"""``f2p photos``: collections of photos, aligned for training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.terminal import (
    Debug,
    Engine,
    Home,
    Json,
    Workers,
    engine_order,
    example,
    open_settings,
    output_folder,
    output_picture,
    print_table,
    show,
)

if TYPE_CHECKING:
    from f2p_datasets.photo_summary import PhotoSummary

app = typer.Typer(no_args_is_help=True, help="Import collections of photos for training, and look at them.")


@app.command(
    "import",
    epilog=example(
        "f2p photos import ~/celeba --format celeba --partition train --character justice_male --out celeba-aligned",
        "f2p train translator --character justice_male --photos celeba-aligned",
    ),
)
def import_photos(
    *,
    source: Annotated[Path, typer.Argument(help="The collection's folder, or a tar of photos.", show_default=False)],
    format_name: Annotated[
        str,
        typer.Option("--format", help="auto, celeba, lfw, cfp, agedb, calfw, cplfw, webdataset or folder."),
    ] = "auto",
    partition: Annotated[
        str | None,
        typer.Option(
            "--partition",
            help="Only this part: train, valid, test; peopleDevTrain; frontal, profile. Default: all.",
            show_default=False,
        ),
    ] = None,
    character: Annotated[
        str, typer.Option("--character", "-c", help="Photos are aligned to this character type's average face.")
    ] = "justice_female",
    resolution: Annotated[
        int, typer.Option("--resolution", help="Pixels, squared; the recipe's or more, paper needs 512.")
    ] = 256,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="The first photos only.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The dataset's folder. Default: HOME/datasets/...", show_default=False)
    ] = None,
    engine: Engine = "mock",
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find the faces of a collection, align them once, and pack them into shards. A stopped import goes on."""
    folder = output_folder(out) if out else None
    settings = open_settings(home, debug)
    order = engine_order(settings, engine)
    from flows.photos.importing import ImportOrder, import_collection

    ordered = ImportOrder(
        source=source,
        format_name=format_name,
        partition=partition,
        character=character,
        resolution=resolution,
        limit=limit,
        out=folder,
    )
    summary = import_collection(settings, ordered, engine=order, num_workers=workers)
    show(asdict(summary), as_json, lambda: _describe(summary))


@app.command("show", epilog=example("f2p photos show celeba-aligned --sheet photos.jpg"))
def show_photos(
    *,
    folder: Annotated[Path, typer.Argument(help="An imported collection.", show_default=False)],
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Write a sheet of aligned photos there.", show_default=False)
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
    home: Home = None,
) -> None:
    """How many photos were found, how they look at us, how well they align, and why others were left out."""
    picture = output_picture(sheet) if sheet else None
    open_settings(home, debug)
    from f2p_datasets.photo_summary import summarize_photos
    from flows.photos.pages import write_sheet

    summary = summarize_photos(folder)
    if picture:
        write_sheet(folder, picture)
    show(asdict(summary), as_json, lambda: _describe(summary))


def _describe(summary: PhotoSummary) -> None:
    print(f"folder    {summary.folder} ({summary.resolution} px)")
    print(f"found     {summary.found:,} of {summary.photos:,} photos ({summary.share_found:.1%})")
    print(f"frontal   {summary.frontal:,} front views of high quality ({summary.share_frontal:.1%} of those found)")
    if summary.people:
        print(f"people    {summary.people:,}")
    for name, count in summary.partitions.items():
        print(f"  {name:<22} {count:,}")
    print()
    rows = [(name, spread.low, spread.median, spread.high) for name, spread in summary.spreads.items()]
    print_table(("", "10 %", "median", "90 %"), rows)
    if summary.reasons:
        print()
        print_table(("left out", "why"), [(count, reason) for reason, count in summary.reasons.items()])
