"""``f2p serve`` and ``f2p deploy``: nights on one machine, or on a Prefect server and workers that are there."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine_bridge.errors import InputError
from flows.cli.terminal import Debug, Engine, Home, Json, Seed, engine_order, example, open_settings, show

if TYPE_CHECKING:
    from flows.serving.registration import DeploymentOrder
    from flows.serving.service import Service
    from flows.settings import Settings

Characters = Annotated[
    list[str] | None,
    typer.Option("--character", "-c", help="A character of every night; may be repeated.", show_default=False),
]
Nightly = Annotated[str, typer.Option("--recipe", "-r", help="The nights' recipe: quick, small, nightly or paper.")]
Cron = Annotated[str, typer.Option("--cron", help="When nights begin, in UTC: minute hour day month weekday.")]
Pool = Annotated[str, typer.Option("--pool", help="The work pool whose workers start the flows.")]
Photos = Annotated[
    Path | None,
    typer.Option("--photos", help="A folder of photos for the translators of every night.", show_default=False),
]
MaxHours = Annotated[
    float | None,
    typer.Option("--max-hours", min=0.01, help="Start no character that would end later.", show_default=False),
]
MinFree = Annotated[float, typer.Option("--min-free-gb", min=0, help="Start no character that would leave less disk.")]
Keep = Annotated[int, typer.Option("--keep", min=1, help="Versions that stay besides the champion.")]


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    app.command("serve", epilog=example("f2p serve --character justice_female --recipe quick --cron '0 1 * * *'"))(
        serve
    )
    app.command(
        "deploy",
        epilog=example(
            "export PREFECT_API_URL=http://prefect.studio:4200/api",
            "f2p deploy --character justice_female --pool gpu",
        ),
    )(deploy)


def serve(
    *,
    character: Characters = None,
    recipe: Nightly = "nightly",
    engine: Engine = "mock",
    seed: Seed = 0,
    photos: Photos = None,
    cron: Cron = "0 1 * * *",
    max_hours: MaxHours = None,
    min_free_gb: MinFree = 5.0,
    keep: Keep = 3,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Of the page, on this machine only.")] = 4200,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Flows that run at the same time.")] = 1,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Serve this home: Prefect's page, a worker and the nights, until Ctrl-C. Started again, it goes on."""
    settings = open_settings(home, debug)
    from flows.serving.service import prepare_serving
    from flows.serving.service import serve as keep_serving

    prepare_serving(settings, port)
    night = _night(photos, max_hours, min_free_gb, keep)
    order = _order(settings, character, recipe=recipe, engine=engine, seed=seed, cron=cron, night=night)
    keep_serving(settings, order, port=port, at_once=at_once, ready=lambda service: _tell(service, order, as_json))


def deploy(
    *,
    character: Characters = None,
    recipe: Nightly = "nightly",
    engine: Engine = "mock",
    seed: Seed = 0,
    photos: Photos = None,
    cron: Cron = "0 1 * * *",
    max_hours: MaxHours = None,
    min_free_gb: MinFree = 5.0,
    keep: Keep = 3,
    pool: Pool = "f2p",
    worker_home: Annotated[
        str | None,
        typer.Option(
            "--worker-home", help="F2P_HOME of the flows. Default: what the workers have set.", show_default=False
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Register the deployments at the Prefect server of PREFECT_API_URL, for the workers of a pool."""
    settings = open_settings(home, debug)
    _check_server()
    environment = {"F2P_HOME": _absolute(worker_home)} if worker_home else {}
    order = _order(
        settings,
        character,
        recipe=recipe,
        engine=engine,
        seed=seed,
        cron=cron,
        night=_night(photos, max_hours, min_free_gb, keep),
        pool=pool,
        environment=environment,
    )
    from flows.serving.registration import known_choices, register

    names = register(order, known_choices(settings, order, closed=False))

    def describe() -> None:
        for name in names:
            print(name)
        print(f"start one with: prefect deployment run '{names[0]}' --param character=NAME", file=sys.stderr)

    show({"deployments": names, "pool": pool}, as_json, describe)


def _order(
    settings: Settings, characters: list[str] | None, *, recipe: str, engine: str, **order: Any
) -> DeploymentOrder:
    """A mistyped name is told now and not in the night."""
    from flows.recipes import find_recipe

    chosen = find_recipe(recipe)
    chosen.check_weights(settings)
    chosen.check_processes(settings)
    names = list(dict.fromkeys(characters or []))
    if engine_order(settings, engine).is_mock:  # others may have characters that no file describes
        _check_characters(names, settings)
    from flows.serving.registration import DeploymentOrder

    return DeploymentOrder(characters=names, recipe=recipe, engine=engine, **order)


def _check_characters(names: list[str], settings: Settings) -> None:
    from engine_bridge.characters import load_schema

    for name in names:
        load_schema(name, settings.character_folders)


def _night(photos: Path | None, max_hours: float | None, min_free_gb: float, keep: int) -> dict[str, Any]:
    """What a night is told besides its characters."""
    folder = str(photos.expanduser().resolve()) if photos else None
    return {"photos": folder, "max_hours": max_hours, "min_free_gb": min_free_gb, "keep": keep}


def _check_server() -> None:
    from flows.settings import user_prefect_server

    if not user_prefect_server():
        raise InputError(
            "PREFECT_API_URL is not set: it names the Prefect server to register at, e.g. "
            "http://prefect.studio:4200/api; for a server of your own on this machine: f2p serve"
        )


def _absolute(folder: str) -> str:
    """A folder on another machine: it can only be checked for its form."""
    if not folder.startswith("/"):
        raise InputError(f"worker-home: {folder!r} must be an absolute path on the workers' machines")
    return folder


def _tell(service: Service, order: DeploymentOrder, as_json: bool) -> None:
    """Where everything is found, at once also when nobody's terminal is behind the output."""
    if as_json:
        print(json.dumps(asdict(service), default=str), flush=True)
        return
    print(f"page      {service.page}")
    print(f"reports   {service.reports}")
    print(f"metrics   {service.metrics}")
    if service.next_night:
        print(
            f"nights    {', '.join(order.characters)} at '{order.cron}' UTC, next {service.next_night:%Y-%m-%d %H:%M}"
        )
    else:
        print("nights    none: no --character is given")
    print("Ctrl-C ends everything; started again, it goes on.", flush=True)
