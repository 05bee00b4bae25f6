"""What homes share: list the store, fetch published versions from it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import typer

from flows.cli.terminal import Character, Debug, Home, Json, example, open_settings, show

#: Below ``registry`` there is a folder for each character.
_KINDS = ("datasets", "checkpoints", "evaluations")


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    store = typer.Typer(help="The store that homes share (F2P_STORE).", no_args_is_help=True)
    store.command("list", epilog=example("f2p store list"))(list_folders)
    store.command("fetch", epilog=example("f2p store fetch --character justice_female"))(fetch)
    app.add_typer(store, name="store")


def list_folders(*, home: Home = None, as_json: Json = False, debug: Debug = False) -> None:
    """What is wholly in the store, with its size."""
    open_settings(home, debug)
    from flows.scaling.stores import Store

    store = Store(_address())
    names = [f"{kind}/{name}" for kind in _KINDS for name in store.names(kind)]
    names += [f"{kind}/{name}" for kind in store.kinds("registry") for name in store.names(kind)]
    found = {name: contents.num_bytes for name in names if (contents := store.contents(name)) is not None}

    def describe() -> None:
        for name, num_bytes in found.items():
            print(f"{num_bytes / 1e6:>10.1f} MB  {name}")

    show(found, as_json, describe)


def fetch(*, character: Character, home: Home = None, as_json: Json = False, debug: Debug = False) -> None:
    """Have a character's published versions: for a machine that creates characters and builds none."""
    settings = open_settings(home, debug)
    _address()
    from flows.published import open_registry
    from flows.scaling.sharing import SharedHome
    from flows.steps import alone

    def held(folder: Path) -> AbstractContextManager[None]:
        return alone(folder, settings.locks)

    SharedHome(settings, held).fetch_versions(character)
    champion = open_registry(settings).get(character)
    facts = {"character": character, "champion": champion.version, "folder": champion.folder}
    show(facts, as_json, lambda: print(f"{character}: version {champion.version} is the champion"))


def _address() -> str:
    from engine_bridge.errors import InputError
    from flows.settings import STORE_VARIABLE, store_address

    address = store_address()
    if address is None:
        raise InputError(f"{STORE_VARIABLE}: no store is set; set it to a URL, e.g. s3://bucket/f2p")
    return address
