"""The verb about gates: ``f2p noise``, what the margin between versions is to be."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    Workers,
    engine_order,
    example,
    open_settings,
    show,
)
from flows.orchestrator import start_orchestrator

if TYPE_CHECKING:
    from f2p_models.score_noise import ScoreNoise


def add_to(app: typer.Typer) -> None:
    """The verb of this module."""
    app.command("noise", epilog=example("f2p noise --character justice_female --recipe quick --seeds 3"))(noise)


def noise(
    *,
    character: Character,
    recipe: RecipeName = "quick",
    seeds: Annotated[int, typer.Option("--seeds", min=2, help="How many seeds to train with; 3 or more.")] = 3,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, help="The first of them.")] = 0,
    photos: Annotated[
        Path | None, typer.Option("--photos", help="The folder that the runs train with.", show_default=False)
    ] = None,
    engine: Engine = "mock",
    instances: Instances = 1,
    gpus: Gpus = None,
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure how much a recipe's score moves by the seed alone: versions are compared with twice that as margin.

    Trains the whole creator once per seed and publishes none of them. Does only what is missing. The margin is 0.05 at
    most, and holds until the engine's build changes: then the held-out photos are others.
    """
    settings = open_settings(home, debug)
    order = engine_order(settings, engine, instances, gpus)
    start_orchestrator(settings)
    from flows.gates.noise import measure_noise

    measured = measure_noise(
        settings,
        character=character,
        recipe=recipe,
        num_seeds=seeds,
        first_seed=first_seed,
        engine=order,
        photos=photos,
        num_workers=workers,
    )
    found = {"mean": measured.mean, "deviation": measured.deviation, "margin": measured.margin}
    show({**asdict(measured), **found}, as_json, lambda: _tell(measured))


def _tell(noise: ScoreNoise) -> None:
    for seed, score in noise.scores.items():
        print(f"seed {seed:<6} score {score:.4f}")
    print(f"mean        {noise.mean:.4f}")
    print(f"deviation   {noise.deviation:.4f}")
    print(f"margin      {noise.margin:.4f}  (versions of {noise.recipe} are compared with it from now on)")
    if noise.is_limited:
        print("            It is the largest that is granted: the seeds differ by more, so look at what they made.")
