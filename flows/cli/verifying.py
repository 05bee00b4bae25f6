"""``f2p evaluate verification`` and ``ablation``: are two photos of one person, by their parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
from flows.orchestrator import start_orchestrator
from flows.settings import num_cores

PictureSet = Annotated[
    Path, typer.Option("--set", help="A verification set: a folder or a .bin file.", show_default=False)
]

SetFormat = Annotated[
    Literal["lfw", "bin", "bcolz", "cfp", "calfw", "cplfw"] | None,
    typer.Option("--format", help="What it is. Default: told by what lies there.", show_default=False),
]

SetPairs = Annotated[
    str | None,
    typer.Option("--pairs", help="LFW: which list, e.g. pairsDevTest.txt; CFP: FF or FP.", show_default=False),
]

Limit = Annotated[
    int | None, typer.Option("--limit", min=10, help="Only so many pairs, for a trial.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    app.command(
        "verification",
        epilog=example(
            "f2p evaluate verification --character justice_male --set lfw --pairs pairsDevTest.txt",
            "f2p evaluate verification --character justice_male --set agedb_30.bin --version champion",
        ),
    )(verification)
    app.command(
        "ablation",
        epilog=example(
            "f2p evaluate ablation --character justice_male --set lfw --pairs pairsDevTest.txt --photos photos"
        ),
    )(ablation)


def verification(
    *,
    character: Character,
    pictures: PictureSet,
    kind: SetFormat = None,
    pairs: SetPairs = None,
    mode: CreationMode = "one-shot",
    features: Annotated[
        Literal["vector", "sliders", "choices", "hardened"],
        typer.Option("--features", help="Which parameters are the headline; all are in the table."),
    ] = "vector",
    pca: Annotated[int, typer.Option("--pca", min=0, help="Components kept in each fold; 0: all.")] = 0,
    square_root: Annotated[
        bool, typer.Option("--square-root", help="Signed square root after PCA, as Wen et al. take it.")
    ] = False,
    tta: Annotated[
        bool | None,
        typer.Option(
            "--tta/--no-tta",
            help="Add the mirrored picture's features, as face.evoLVe does. Default: in one-shot mode.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = None,
    version: Version = None,
    out: Out = None,
    engine: Engine = "mock",
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Face verification accuracy of the created parameters, by the 10-fold procedure (TPAMI, Table 6)."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    from flows.evaluations.subject import open_subject
    from flows.evaluations.verification import evaluate_verification
    from flows.evaluations.verifying import SetOrder, VerificationOptions

    chosen = SetOrder(path=pictures, format=kind, pairs=pairs, limit=limit).open()
    options = VerificationOptions(
        mode=mode,
        features=features,
        pca=pca,
        square_root=square_root,
        mirrored=mode == "one-shot" if tta is None else tta,
    )
    with open_subject(settings, character, version, engine=engine_order(settings, engine)) as subject:
        found, document = evaluate_verification(
            settings,
            subject,
            chosen,
            options,
            command=terminal.command,
            out=folder,
            num_workers=workers or num_cores(),
        )
    show_page(found, document, as_json)


def ablation(
    *,
    character: Character,
    pictures: PictureSet,
    kind: SetFormat = None,
    pairs: SetPairs = None,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", help="Photos to train on. Default: photo-like renders.", show_default=False),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Of each translator. Default: the recipe's.")
    ] = None,
    limit: Limit = None,
    version: Version = None,
    out: Out = None,
    engine: Engine = "mock",
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """What each loss and the attention bring: translators without them, verified (TPAMI, Table 8)."""
    settings = open_settings(home, debug)
    folder = output_folder(out) if out else None
    order = engine_order(settings, engine)
    from flows.evaluations.verifying import SetOrder, VerificationOptions

    chosen = SetOrder(path=pictures.resolve(), format=kind, pairs=pairs, limit=limit)
    chosen.open()  # a mistake is told before anything is trained
    start_orchestrator(settings)
    from flows.evaluations.ablation import evaluate_ablation

    found, document = evaluate_ablation(
        settings,
        chosen,
        VerificationOptions(),
        character=character,
        version=version,
        engine=order,
        photos=photos,
        epochs=epochs,
        command=terminal.command,
        out=folder,
        num_workers=workers,
    )
    show_page(found, document, as_json)
