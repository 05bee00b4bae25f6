"""A home that shares its finished folders with others through a store: fetched before a step, offered after it.

The store makes nothing safe that was not safe before: a step is done when its output verifies here. It saves doing it
again. A store that is away for a moment therefore costs time and no run; what could not be offered is offered by the
next run that passes the step. Published versions travel by number: their folders are the registry's truth.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_datasets.durable import sha256_of
from f2p_models.bundle_manifest import MANIFEST_NAME
from flows.progress import say
from flows.scaling.stores import Contents, Store, StoreError
from flows.settings import Settings

#: Folders of the home whose names say what is in them, wherever they were made.
SHARED_KINDS: Final = ("datasets", "checkpoints", "evaluations")
#: Hashing terabytes anew in every run would be slow; who reads a shard holds it against its hash anyway.
_TOO_LARGE_TO_HASH: Final = ("datasets",)

#: The stage whose folder says which number was given here, and so is nobody else's; the versions themselves are shared.
_VERSION: Final = "version"

Alone = Callable[[Path], AbstractContextManager[object]]


class SharedHome:
    """A home and its store. Without ``F2P_STORE`` it does nothing.

    ``alone`` gives the lease of a folder. Raises StoreError when the store cannot be used at all: before hours of work.
    """

    def __init__(self, settings: Settings, alone: Alone) -> None:
        self._settings, self._alone = settings, alone
        self._store = Store(settings.store) if settings.store else None
        if self._store:
            self._store.check()

    def fetch(self, stage: str, folder: Path) -> None:
        """Have what the store has of a step's output, if it is not here or not whole."""
        try:
            if self._store and stage == _VERSION:
                self._fetch_versions(self._store, _character(folder, stage))
            elif self._store and (name := self._name(folder)):
                self._fetch_folder(self._store, name, folder)
        except StoreError as error:
            say(f"  [yellow]{error}; it is made here[/]")

    def offer(self, stage: str, folder: Path, *, fresh: bool) -> None:
        """Give a step's output to the store, unless it is there; ``fresh`` output replaces what is there."""
        try:
            if self._store and stage == _VERSION:
                self._offer_versions(self._store, _character(folder, stage))
            elif self._store and (name := self._name(folder)):
                _offer_folder(self._store, name, folder, fresh=fresh)
        except StoreError as error:
            say(f"  [yellow]{error}; the next run offers it again[/]")

    def fetch_versions(self, character: str) -> None:
        """Have every published version that the store has. Raises StoreError."""
        if self._store:
            self._fetch_versions(self._store, character)

    def _fetch_folder(self, store: Store, name: str, folder: Path) -> None:
        contents = store.contents(name)
        by_hash = folder.parent.name not in _TOO_LARGE_TO_HASH
        if contents is None or contents.match(folder, by_hash=by_hash):
            return
        with self._alone(folder):
            store.pull(name, folder)
        _tell("fetched", name, contents)

    def _fetch_versions(self, store: Store, character: str) -> None:
        """Oldest first: the registry takes them in as they come, and decides about each."""
        kind = f"registry/{character}"
        for number in sorted(int(name) for name in store.names(kind) if name.isdecimal()):
            folder = self._settings.registry / character / str(number)
            contents = store.contents(f"{kind}/{number}")
            if folder.is_dir() and contents is not None:
                _refuse_other(folder, contents)
            elif store.pull(f"{kind}/{number}", folder) and contents is not None:
                for file in contents.files:
                    (folder / file.path).chmod(0o444)  # a version is never changed
                _tell("fetched", f"{kind}/{number}", contents)

    def _offer_versions(self, store: Store, character: str) -> None:
        shelf = self._settings.registry / character
        for number in sorted(int(path.name) for path in shelf.glob("[0-9]*") if path.name.isdecimal()):
            name, folder = f"registry/{character}/{number}", shelf / str(number)
            found = store.contents(name)
            if found is None:
                _tell("sent", name, store.push(folder, name))
            else:
                _refuse_other(folder, found)

    def _name(self, folder: Path) -> str | None:
        """The folder's name in the store; None for one that the user has chosen, or that is no shared kind."""
        kind = folder.parent.name
        is_ours = folder.parent.parent == self._settings.home and kind in SHARED_KINDS
        return f"{kind}/{folder.name}" if is_ours else None


def _offer_folder(store: Store, name: str, folder: Path, *, fresh: bool) -> None:
    if fresh or store.contents(name) is None:
        _tell("sent", name, store.push(folder, name, again=fresh))


def _refuse_other(folder: Path, contents: Contents) -> None:
    """Two machines that publish one character at the same moment give two versions the same number."""
    stored = next((file.sha256 for file in contents.files if file.path == MANIFEST_NAME), "")
    manifest = folder / MANIFEST_NAME
    if manifest.is_file() and sha256_of(manifest) != stored:
        raise InputError(
            f"{folder}: the store has another version of this number, published by another machine; build a character "
            f"on one machine at a time; move this folder away and run again to have the store's"
        )


def _character(folder: Path, stage: str) -> str:
    """A step's folder is named CHARACTER-STAGE-KEY."""
    return folder.name.rsplit(f"-{stage}-", 1)[0]


def _tell(verb: str, name: str, contents: Contents) -> None:
    say(f"  [dim]{verb} {name}: {len(contents.files)} files, {contents.num_bytes / 1e6:.1f} MB[/]")
