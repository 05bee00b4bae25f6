"""``f2p evaluate retrieval``, ``robustness`` and ``style``: verbs that ask judges who took no part in training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine_bridge.errors import InputError
from flows.cli.evaluation_options import CreationMode, Out, Version, show_page
from flows.cli.terminal import (
    Character,
    Debug,
    Engine,
    Home,
    Json,
    Workers,
    engine_order,
    example,
    open_settings,
    output_folder,
    terminal,
)
from flows.settings import num_cores

if TYPE_CHECKING:
    from flows.settings import Settings

People = Annotated[
    Path,
    typer.Option("--photos", help="What 'f2p photos import' made, or a collection of photos.", show_default=False),
]
Judges = Annotated[
    Path | None,
    typer.Option(
        "--judges",
        help="Where 'python -m infra.judges' put the judges' weights. Default: $F2P_JUDGES, else HOME/judges.",
        show_default=False,
    ),
]
DrawSeed = Annotated[int, typer.Option("--seed", min=0, help="Draws the people and everything random.")]


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    app.command(
        "retrieval",
        epilog=example("f2p evaluate retrieval --character justice_male --photos lfw-aligned --count 200"),
    )(retrieval)
    app.command(
        "robustness", epilog=example("f2p evaluate robustness --character justice_male --photos lfw --count 50")
    )(robustness)
    app.command(
        "style", epilog=example("f2p evaluate style --character justice_male --photos lfw --inception weights.pth")
    )(style)


def retrieval(
    *,
    character: Character,
    photos: People,
    count: Annotated[int, typer.Option("--count", min=2, help="People, a photo each.")] = 200,
    modes: Annotated[
        str, typer.Option("--modes", help="Of one-shot, iterative, hybrid and auto, with commas between.")
    ] = "one-shot,iterative,hybrid,auto",
    seed: DrawSeed = 0,
    judges: Judges = None,
    version: Version = None,
    out: Out = None,
    engine: Engine = "mock",
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Rank of the right photo among many people's, given the engine's render of its character; every mode."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    weights = _judges_folder(settings, judges)
    from f2p_models.judges import find_judges
    from flows.evaluations.retrieval import evaluate_retrieval
    from flows.evaluations.retrieval_results import RetrievalOptions
    from flows.evaluations.subject import open_subject

    wanted = tuple(mode.strip() for mode in modes.split(",") if mode.strip())
    options = RetrievalOptions(modes=wanted, count=count, seed=seed)
    with open_subject(settings, character, version, engine=engine_order(settings, engine)) as subject:
        found, document = evaluate_retrieval(
            settings,
            subject,
            photos,
            options,
            judges=find_judges(weights, subject.creator.bundle.template),
            command=terminal.command,
            out=folder,
            num_workers=workers or num_cores(),
        )
    show_page(found, document, as_json)


def robustness(
    *,
    character: Character,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", help="What 'f2p photos import' made, or a collection of photos.", show_default=False),
    ] = None,
    renders: Annotated[
        Path | None,
        typer.Option("--renders", help="Held-out photo-like renders: errors of parameters too.", show_default=False),
    ] = None,
    count: Annotated[int, typer.Option("--count", min=2, help="At most so many of each.")] = 50,
    mode: CreationMode = "one-shot",
    families: Annotated[
        str,
        typer.Option("--families", help="Of occlusion,noise,illumination,color,blur,pose,style. Default: all."),
    ] = "",
    seed: DrawSeed = 0,
    judges: Judges = None,
    version: Version = None,
    out: Out = None,
    engine: Engine = "mock",
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """How much characters change when photos are covered, noisy, dark, blurred, turned or painted."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    weights = _judges_folder(settings, judges)
    from f2p_models.judges import find_judges
    from flows.evaluations.robustness import RobustnessOptions, evaluate_robustness
    from flows.evaluations.subject import open_subject

    wanted = tuple(family.strip() for family in families.split(",") if family.strip())
    options = RobustnessOptions(photos=photos, renders=renders, count=count, mode=mode, families=wanted, seed=seed)
    with open_subject(settings, character, version, engine=engine_order(settings, engine)) as subject:
        found, document = evaluate_robustness(
            settings,
            subject,
            options,
            command=terminal.command,
            judges=find_judges(weights, subject.template.points),
            out=folder,
            num_workers=workers or num_cores(),
        )
    show_page(found, document, as_json)


def style(
    *,
    character: Character,
    photos: People,
    inception: Annotated[
        Path | None,
        typer.Option(
            "--inception",
            help="Torchvision's Inception-v3 weights, for FID and mode score. Default: $F2P_INCEPTION_WEIGHTS.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option("--count", min=2, help="People, a photo each.")] = 100,
    mode: CreationMode = "one-shot",
    repetitions: Annotated[int, typer.Option("--repetitions", min=1, help="Draws of random faces.")] = 5,
    seed: DrawSeed = 0,
    judges: Judges = None,
    version: Version = None,
    out: Out = None,
    engine: Engine = "mock",
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """How near the look of created characters is to the engine's own faces: FID and mode score."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    weights = _judges_folder(settings, judges)
    from f2p_models.judges import find_judges
    from flows.evaluations.style import StyleOptions, evaluate_style
    from flows.evaluations.subject import open_subject

    options = StyleOptions(count=count, mode=mode, repetitions=repetitions, seed=seed)
    with open_subject(settings, character, version, engine=engine_order(settings, engine)) as subject:
        found, document = evaluate_style(
            settings,
            subject,
            photos,
            options,
            command=terminal.command,
            inception=inception or settings.inception_weights,
            judges=find_judges(weights, subject.template.points),
            out=folder,
            num_workers=workers or num_cores(),
        )
    show_page(found, document, as_json)


def _judges_folder(settings: Settings, folder: Path | None) -> Path:
    """The folder that was asked for, in which there must be a judge; else the home's, where there may be none."""
    from f2p_models.judges import installed_judges

    if folder and not installed_judges(folder):
        raise InputError(f"judges: {folder} has no judge's weights; python -m infra.judges --out {folder} fetches them")
    return folder or settings.judges
