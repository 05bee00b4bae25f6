"""``f2p evaluate``: how good a creator is. Alone it measures what is published with a version; its verbs are the
papers' tables, a module of ``flows.evaluations`` each.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.cli.terminal import (
    Character,
    Debug,
    Engine,
    Home,
    Json,
    Workers,
    engine_order,
    example,
    numbers,
    open_settings,
    output_folder,
    print_table,
    show,
    terminal,
)
from flows.orchestrator import start_orchestrator
from flows.settings import num_cores

app = typer.Typer(help="Measure a creator: on held-out pairs, or as one of the papers' tables.")

Version = Annotated[
    str | None,
    typer.Option(
        "--version",
        help="A published version, or 'champion'. Default: the last run's networks.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="The folder to write. Default: HOME/evaluations/...", show_default=False),
]

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


@app.callback(invoke_without_command=True, epilog=example("f2p evaluate --character justice_female"))
def evaluate(
    context: typer.Context,
    *,
    character: Annotated[
        str | None,
        typer.Option("--character", "-c", help="Character type; see 'f2p characters list'.", show_default=False),
    ] = None,
    version: Version = None,
    engine: Engine = "mock",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure trained networks, or a published version, on held-out pairs. The verbs below measure one thing each."""
    if context.invoked_subcommand is not None:
        _refuse_options_before(context)
        return
    if character is None:
        raise typer.BadParameter("missing; which character type?", param_hint="--character")
    settings = open_settings(home, debug)
    order = engine_order(settings, engine)
    start_orchestrator(settings)
    from flows.stages import evaluate_last

    record = evaluate_last(settings, character=character, version=version, engine=order)
    step = next(step for step in record.steps if step.stage == "evaluation")
    show(asdict(step), as_json, lambda: print(step.folder))


@app.command(
    "verification",
    epilog=example(
        "f2p evaluate verification --character justice_male --set lfw --pairs pairsDevTest.txt",
        "f2p evaluate verification --character justice_male --set agedb_30.bin --version champion",
    ),
)
def verification(
    *,
    character: Character,
    pictures: PictureSet,
    kind: SetFormat = None,
    pairs: SetPairs = None,
    mode: Annotated[
        Literal["one-shot", "iterative", "hybrid"], typer.Option("--mode", help="How characters are created.")
    ] = "one-shot",
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


@app.command("speed", epilog=example("f2p evaluate speed --character justice_male --batch-sizes 1,16"))
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
    from flows.photo_names import find_photos

    options = SpeedOptions(batch_sizes=numbers("batch-sizes", batch_sizes))
    with open_subject(settings, character, version, engine=engine_order(settings, engine)) as subject:
        found, document = evaluate_speed(
            settings, subject, find_photos([photo])[0], options, command=terminal.command, out=folder
        )
    show_page(found, document, as_json)


@app.command(
    "ablation",
    epilog=example("f2p evaluate ablation --character justice_male --set lfw --pairs pairsDevTest.txt --photos photos"),
)
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


@app.command(
    "parsing",
    epilog=example("f2p evaluate parsing --character justice_male --set fasseg --format fasseg --partition test"),
)
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


@app.command(
    "retrieval",
    epilog=example("f2p evaluate retrieval --character justice_male --photos lfw-aligned --count 200"),
)
def retrieval(
    *,
    character: Character,
    photos: Annotated[
        Path,
        typer.Option("--photos", help="What 'f2p photos import' made, or a collection of photos.", show_default=False),
    ],
    count: Annotated[int, typer.Option("--count", min=2, help="People, a photo each.")] = 200,
    modes: Annotated[
        str, typer.Option("--modes", help="Of one-shot, iterative, hybrid and auto, with commas between.")
    ] = "one-shot,iterative,hybrid,auto",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the people.")] = 0,
    judges: Annotated[
        Path | None,
        typer.Option(
            "--judges", help="Where 'python -m infra.judges' put the judges' weights; all rank.", show_default=False
        ),
    ] = None,
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
            judges=find_judges(judges or settings.judges, subject.creator.bundle.template),
            command=terminal.command,
            out=folder,
            num_workers=workers or num_cores(),
        )
    show_page(found, document, as_json)


@app.command(
    "descriptor",
    epilog=example("f2p evaluate descriptor --character justice_male --photos imported --renders HOME/datasets/NAME"),
)
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


def show_page(folder: Path, document: dict[str, Any], as_json: bool) -> None:
    """An evaluation's tables and where its page lies, or its JSON document."""
    from flows.evaluations.page import PAGE_FILE, format_cell

    def describe() -> None:
        for table in document["tables"]:
            print_table(table["header"], [[format_cell(cell) for cell in row] for row in table["rows"]])
            print()
        for note in document["notes"]:
            print(f"- {note}")
        print(folder / PAGE_FILE)

    show({**document, "folder": folder}, as_json, describe)


def _refuse_options_before(context: typer.Context) -> None:
    """``f2p evaluate --home X speed`` would measure in another home: options belong behind the verb."""
    verb = context.invoked_subcommand
    for name, value in context.params.items():
        if value not in (None, False, "mock"):
            option = "--json" if name == "as_json" else f"--{name}"
            raise typer.BadParameter(f"give it behind the verb: f2p evaluate {verb} {option} ...", param_hint=option)
