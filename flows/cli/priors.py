"""``f2p priors``: what created faces have in common."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine_bridge.errors import InputError
from flows.cli.evaluation_options import show_page
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
    print_table,
    show,
    terminal,
)
from flows.orchestrator import start_orchestrator

if TYPE_CHECKING:
    from f2p_models.priors import FacialPriors, PriorsConfig
    from flows.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Facial priors: fit them to created faces, and see what they hold and what they do."
)

Version = Annotated[str, typer.Option("--version", help="A number, or 'champion'.")]


@app.command(
    "fit",
    epilog=example(
        "f2p priors fit --character justice_female --photos portraits/",
        "f2p priors fit --character justice_female --table faces.parquet --components 8 --out female.safetensors",
    ),
)
def fit(
    *,
    character: Character,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", help="Photos to create faces from; front views count.", show_default=False),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", help="Or a table of faces: a Parquet column per parameter.", show_default=False),
    ] = None,
    components: Annotated[
        int | None,
        typer.Option("--components", min=1, help="Keep this many of every group.", show_default=False),
    ] = None,
    energy: Annotated[
        float | None,
        typer.Option("--energy", help="Or this share of each group's variance. Default: 0.95.", show_default=False),
    ] = None,
    faces: Annotated[int, typer.Option("--faces", min=2, help="Front views of the photos to use at most.")] = 500,
    version: Version = "champion",
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the file here, .safetensors.", show_default=False)
    ] = None,
    engine: Engine = "mock",
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fit facial priors to faces that a published creator makes from photos, or to a table of faces."""
    if (photos is None) == (table is None):
        raise typer.BadParameter("give --photos or --table", param_hint="--photos")
    wanted = _output_file(out) if out else None
    settings = open_settings(home, debug)
    config = _config(components, energy)
    if table is not None:
        folder = _fit_table(settings, character, table, config)
    else:
        start_orchestrator(settings)
        from flows.stages import fit_priors_on_photos

        assert photos is not None
        record = fit_priors_on_photos(
            settings,
            character=character,
            version=version,
            photos=photos,
            config=config,
            num_faces=faces,
            engine=engine_order(settings, engine),
            num_workers=workers,
        )
        folder = Path(next(step.folder for step in record.steps if step.stage == "priors"))
    _tell_fitted(folder, wanted, as_json)


@app.command("show", epilog=example("f2p priors show --character justice_female --photos portraits/ --out priors"))
def show_priors(
    *,
    character: Character,
    priors: Annotated[
        Path | None,
        typer.Option(
            "--priors", help="A file that 'f2p priors fit' wrote. Default: the version's.", show_default=False
        ),
    ] = None,
    photos: Annotated[
        list[str] | None,
        typer.Option("--photos", help="Photos or folders to create from without and with priors.", show_default=False),
    ] = None,
    version: Version = "champion",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder to write. Default: HOME/evaluations/...", show_default=False),
    ] = None,
    engine: Engine = "mock",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show priors: their energy, what each direction does to a face, random faces, and photos without and with them."""
    folder = output_folder(out) if out else None
    settings = open_settings(home, debug)
    order = engine_order(settings, engine)
    from flows.priors.page import PriorsOrder, show_facial_priors

    wanted = PriorsOrder(
        character=character,
        version=version,
        priors=priors,
        photos=tuple(photos or ()),
        command=terminal.command,
    )
    place, document = show_facial_priors(settings, wanted, engine=order, out=folder)
    show_page(place.folder, document, as_json)


def _config(components: int | None, energy: float | None) -> PriorsConfig:
    from f2p_models.priors import PriorsConfig

    if components is not None and energy is not None:
        raise InputError(f"components, energy: {components} and {energy} are both given; give one of them")
    if components is not None:
        return PriorsConfig(components=components, energy=None)
    return PriorsConfig() if energy is None else replace(PriorsConfig(), energy=energy)


def _fit_table(settings: Settings, character: str, table: Path, config: PriorsConfig) -> Path:
    from engine_bridge.characters import load_schema
    from f2p_datasets.durable import sha256_of
    from flows.priors.faces import read_faces
    from flows.priors.fitting import write_priors
    from flows.steps import Step

    schema = load_schema(character, settings.character_folders)
    faces = read_faces(table, schema)
    inputs = {"fingerprint": schema.fingerprint, "table": sha256_of(table), "config": config}
    folder = Step(stage="priors", character=character, inputs=inputs).folder(settings.checkpoints)
    write_priors(folder, schema, faces, config, source={"table": table.name})
    return folder


def _tell_fitted(folder: Path, out: Path | None, as_json: bool) -> None:
    from f2p_models.priors import PRIORS_FILE, load_priors

    path = folder / PRIORS_FILE
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        path = Path(shutil.copy(path, out))
    priors = load_priors(path)
    result = {"priors": path, "folder": folder, "faces": priors.card.num_faces, "groups": _groups(priors)}

    def describe() -> None:
        rows = [(row["group"], row["components"], row["sliders"], f"{row['energy']:.1%}") for row in _groups(priors)]
        print_table(("group", "components", "of sliders", "variance kept"), rows)
        print(path)

    show(result, as_json, describe)


def _groups(priors: FacialPriors) -> list[dict[str, Any]]:
    return [
        {
            "group": group.name,
            "components": group.num_components,
            "sliders": len(group.indices),
            "energy": group.kept_energy,
        }
        for group in priors.groups
    ]


def _output_file(out: Path) -> Path:
    if out.suffix != ".safetensors":
        raise InputError(f"out: {out.name}; priors are a .safetensors file, give a name that ends so")
    return output_folder(out.parent) / out.name
