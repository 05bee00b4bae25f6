"""The verbs that make things: run, render, train, publish."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.cli.terminal import (
    Character,
    Debug,
    Engine,
    Gpus,
    Home,
    Instances,
    Json,
    RecipeName,
    Seed,
    Workers,
    engine_order,
    example,
    open_settings,
    output_folder,
    show,
)
from flows.engines.orders import EngineOrder
from flows.orchestrator import start_orchestrator

if TYPE_CHECKING:
    from f2p_datasets.parsing import ParsingSet
    from flows.run_records import RunRecord
    from flows.settings import Settings

Photos = Annotated[
    Path | None,
    typer.Option("--photos", help="A folder of photos (or CelebA's) for the translator.", show_default=False),
]
Labelled = Annotated[
    Path | None,
    typer.Option("--parsing-set", help="Labelled photos that the segmenter goes on with.", show_default=False),
]
LabelledFormat = Annotated[
    Literal["helen", "lapa", "celebamask"] | None,
    typer.Option("--format", help="What the parsing set is. Default: told by its layout.", show_default=False),
]
Network = Literal["imitator", "segmenter", "translator"]


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    app.command(
        "run",
        epilog=example(
            "f2p run --character justice_female --recipe quick --photo me.jpg",
            "f2p run --character justice_female --recipe nightly --dry-run",
        ),
    )(run)
    app.command("render", epilog=example("f2p render --character tiny --count 1000 --resolution 256 --out pairs"))(
        render
    )
    app.command("train", epilog=example("f2p train imitator --character justice_female --recipe quick"))(train)
    app.command("publish", epilog=example("f2p publish --character justice_female"))(publish)


def run(
    *,
    character: Character,
    recipe: RecipeName = "quick",
    engine: Engine = "mock",
    seed: Seed = 0,
    photos: Photos = None,
    parsing_set: Labelled = None,
    parsing_format: LabelledFormat = None,
    photo: Annotated[
        list[str] | None,
        typer.Option("--photo", help="Create a character from it at the end; 'sample' is a portrait that ships."),
    ] = None,
    instances: Instances = 1,
    gpus: Gpus = None,
    workers: Workers = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Minutes to wait for another run of the character to end.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, why, and at what cost.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The whole pipeline: render, train, evaluate, publish. Does only what is missing."""
    settings = open_settings(home, debug)
    order = engine_order(settings, engine, instances, gpus)
    portraits = _check_order(settings, character, recipe, order, photo or [])
    labelled = _open_labelled(parsing_set, parsing_format)
    if dry_run:
        _show_plan(
            settings,
            as_json,
            character=character,
            recipe=recipe,
            engine=order,
            seed=seed,
            photos=photos,
            labelled=labelled,
        )
        return
    start_orchestrator(settings)
    from flows.pipeline import build_character

    record = build_character(
        character,
        recipe=recipe,
        engine=order,
        seed=seed,
        home=settings.home,
        photos=photos,
        labelled=labelled,
        portraits=portraits,
        num_workers=workers,
        wait_s=60 * wait,
    )
    _show_run(settings, record, as_json)


def render(
    *,
    character: Character,
    count: Annotated[int, typer.Option("--count", min=1, help="Pairs to render.", show_default=False)],
    seed: Seed = 0,
    sampler: Annotated[str, typer.Option("--sampler", help="uniform, sobol, natural or prior.")] = "uniform",
    priors: Annotated[
        Path | None,
        typer.Option(
            "--priors",
            help="What the sampler 'prior' draws by, a file of 'f2p priors fit'. Default: the champion's.",
            show_default=False,
        ),
    ] = None,
    resolution: Annotated[int, typer.Option("--resolution", help="Pixels, squared.")] = 512,
    shard_size: Annotated[int, typer.Option("--shard-size", min=1, help="Pairs per shard.")] = 500,
    engine: Engine = "mock",
    instances: Instances = 1,
    gpus: Gpus = None,
    workers: Workers = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The dataset's folder. Default: HOME/datasets/...", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Render random characters in the studio into a dataset of shards. Renders only missing shards.

    No tidying takes it away; delete its folder when you need it no more.
    """
    folder = output_folder(out) if out else None
    settings, order = _orchestrated(home, debug, engine, instances, gpus)
    from flows.priors.files import open_sampler_prior
    from flows.stages import render_pairs

    record = render_pairs(
        settings,
        character=character,
        engine=order,
        num_workers=workers,
        out=folder,
        count=count,
        seed=seed,
        sampler=sampler,
        prior=open_sampler_prior(settings, character, sampler, priors),
        resolution=resolution,
        shard_size=shard_size,
    )
    _show_step(record, "studio", as_json)


def train(
    *,
    network: Annotated[Network, typer.Argument(help="Which network.", show_default=False)],
    character: Character,
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="Studio pairs. Default: the recipe's.", show_default=False)
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            "--photos", help="A folder of photos that translator or segmenter go on to learn from.", show_default=False
        ),
    ] = None,
    parsing_set: Labelled = None,
    parsing_format: LabelledFormat = None,
    backgrounds: Annotated[
        Path | None,
        typer.Option(
            "--backgrounds", help="A folder of photos that the segmenter sees behind the heads.", show_default=False
        ),
    ] = None,
    recipe: RecipeName = "quick",
    resume: Annotated[bool, typer.Option("--resume/--restart", help="Continue a stopped training, or not.")] = True,
    seed: Seed = 0,
    engine: Engine = "mock",
    instances: Instances = 1,
    gpus: Gpus = None,
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train one network, and whatever it needs that is not there yet."""
    settings = open_settings(home, debug)
    order = engine_order(settings, engine, instances, gpus)
    if backgrounds and network != "segmenter":
        raise typer.BadParameter(f"is for the segmenter; {network} sees none", param_hint="--backgrounds")
    if photos and network == "imitator":
        raise typer.BadParameter("is for translator and segmenter; the imitator sees none", param_hint="--photos")
    if parsing_set and network == "imitator":
        raise typer.BadParameter("is for the segmenter; the imitator sees none", param_hint="--parsing-set")
    labelled = _open_labelled(parsing_set, parsing_format)
    start_orchestrator(settings)
    from flows.stages import train_network

    record = train_network(
        settings,
        network,
        character=character,
        recipe=recipe,
        engine=order,
        seed=seed,
        dataset=dataset,
        photos=photos,
        labelled=labelled,
        backgrounds=backgrounds,
        resume=resume,
        num_workers=workers,
    )
    _show_step(record, network, as_json)


def publish(
    *, character: Character, engine: Engine = "mock", home: Home = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Publish the last run's networks. They become champion unless they are worse than the one in use."""
    settings, order = _orchestrated(home, debug, engine)
    from flows.stages import publish_last

    version = publish_last(settings, character=character, engine=order)
    show(asdict(version), as_json, lambda: print(f"version {version.version}: {version.reason}"))


def _show_plan(settings: Settings, as_json: bool, *, recipe: str, **order: Any) -> None:
    """What the run would do. It needs no orchestrator."""
    from flows.cli.nights import plan_of, print_plan
    from flows.planning.plan import plan_run
    from flows.recipes import find_recipe

    plan = plan_run(settings, recipe=find_recipe(recipe), **order)
    show(plan_of(plan), as_json, lambda: print_plan(plan))


def _check_order(settings: Settings, character: str, recipe: str, order: EngineOrder, photos: list[str]) -> list[Path]:
    """The portraits; a mistyped name anywhere is told now, not after a quarter of an hour."""
    from engine_bridge.characters import load_schema

    if order.is_mock:  # others may have characters that no file describes
        load_schema(character, settings.character_folders)
    from f2p_datasets.photos import read_photo
    from flows.photos.names import find_photos
    from flows.recipes import find_recipe

    chosen = find_recipe(recipe)
    chosen.check_weights(settings)
    chosen.check_processes(settings)
    portraits = find_photos(photos)
    for portrait in portraits:
        read_photo(portrait)
    return portraits


def _open_labelled(folder: Path | None, kind: str | None) -> ParsingSet | None:
    """The training partition where there are several: the others are for judging."""
    if folder is None:
        if kind is not None:
            raise typer.BadParameter("says what a parsing set is; give one with --parsing-set", param_hint="--format")
        return None
    from f2p_datasets.parsing import open_for_training

    return open_for_training(folder, kind)


def _orchestrated(
    home: Path | None, debug: bool, engine: str, instances: int = 1, gpus: str | None = None
) -> tuple[Settings, EngineOrder]:
    settings = open_settings(home, debug)
    order = engine_order(settings, engine, instances, gpus)
    start_orchestrator(settings)
    return settings, order


def _show_run(settings: Settings, record: RunRecord, as_json: bool) -> None:
    report = settings.reports / f"{record.run_id}.html"
    characters = record.results.get("characters", [])

    def describe() -> None:
        print(f"report     {report}")
        for folder in characters:
            print(f"character  {folder}")

    show({**asdict(record), "report": report}, as_json, describe)


def _show_step(record: RunRecord, stage: str, as_json: bool) -> None:
    step = next(step for step in reversed(record.steps) if step.stage == stage)
    show(asdict(step), as_json, lambda: print(step.folder))
