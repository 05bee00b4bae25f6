"""``f2p models``: published versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.terminal import Character, Debug, Home, Json, example, open_settings, print_table, show

if TYPE_CHECKING:
    from f2p_models.registry import ModelVersion, Registry

app = typer.Typer(no_args_is_help=True, help="Published versions: list, show, promote, roll back.")


@app.command("list", epilog=example("f2p models list --character justice_female"))
def list_models(
    *,
    character: Annotated[
        str | None, typer.Option("--character", "-c", help="Only this character type's.", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Every published version, oldest first."""
    versions = _registry(home, debug).list(character)
    header = ("character", "version", "", "score", "published", "why")
    rows = [
        (v.character, v.version, "champion" if v.is_champion else "", _score(v), v.published_at[:16], v.reason)
        for v in versions
    ]
    show([asdict(version) for version in versions], as_json, lambda: print_table(header, rows))


@app.command("show", epilog=example("f2p models show --character justice_female --version champion"))
def show_model(
    *,
    character: Character,
    version: Annotated[str, typer.Option("--version", help="A number, or 'champion'.")] = "champion",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """One version: its model card, or with --json everything that is recorded."""
    found = _registry(home, debug).get(character, version)
    show(asdict(found), as_json, lambda: _print_card(found))


@app.command("promote", epilog=example("f2p models promote --character justice_female --version 3"))
def promote(
    *,
    character: Character,
    version: Annotated[int, typer.Option("--version", min=1, help="The version to use.", show_default=False)],
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a version champion by hand, whatever its score."""
    _tell(_decide(home, debug, lambda registry: registry.promote(character, version)), as_json)


@app.command("rollback", epilog=example("f2p models rollback --character justice_female"))
def rollback(*, character: Character, home: Home = None, as_json: Json = False, debug: Debug = False) -> None:
    """Restore the champion before the one in use."""
    _tell(_decide(home, debug, lambda registry: registry.rollback(character)), as_json)


def _registry(home: Path | None, debug: bool) -> Registry:
    settings = open_settings(home, debug)
    from flows.published import open_registry

    return open_registry(settings)


def _decide(home: Path | None, debug: bool, decide: Callable[[Registry], ModelVersion]) -> ModelVersion:
    """Decide, and tell the homes that share a store before one of them decides otherwise."""
    settings = open_settings(home, debug)
    from flows.published import open_registry
    from flows.scaling.sharing import share_versions

    decided = decide(open_registry(settings))
    share_versions(settings, decided.character)
    return decided


def _tell(version: ModelVersion, as_json: bool) -> None:
    show(asdict(version), as_json, lambda: print(f"{version.character}: version {version.version} is now champion"))


def _print_card(version: ModelVersion) -> None:
    state = "champion" if version.is_champion else "challenger"
    print(f"version {version.version}, {state}: {version.reason}\n{version.folder}\n")
    card = version.folder / "model_card.md"
    if card.is_file():
        print(card.read_text(encoding="utf-8"))


def _score(version: ModelVersion) -> str:
    return f"{version.metrics.get('score', float('nan')):.4f}"
