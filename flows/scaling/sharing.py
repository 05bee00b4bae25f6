"""A home that shares its finished folders with others through a store: fetched before a step, offered after it.

The store makes nothing safe that was not safe before: a step is done when its output verifies here. It saves doing it
again. A store that is away for a moment therefore costs time and no run; what could not be offered is offered by the
next run that passes the step. Published versions travel by number, with what was decided about them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from flows.progress import say
from flows.scaling.shared_versions import SharedVersions, tell
from flows.scaling.stores import Store, StoreError
from flows.settings import Settings, store_address

#: Folders of the home whose names say what is in them, wherever they were made.
SHARED_KINDS: Final = ("datasets", "checkpoints", "evaluations")
#: Hashing terabytes anew in every run would be slow; who reads a shard holds it against its hash anyway.
_TOO_LARGE_TO_HASH: Final = ("datasets",)

#: The stage whose folder says which number was given here, and so is nobody else's; the versions themselves are shared.
_VERSION: Final = "version"

Alone = Callable[[Path], AbstractContextManager[object]]


def share_versions(settings: Settings, character: str) -> None:
    """Tell the other homes at once what was decided by hand. A store that is away is told, and costs nothing."""
    address = store_address()
    try:
        if address:
            SharedVersions(settings, Store(address), character).offer()
    except StoreError as error:
        say(f"  [yellow]{error}; the next run offers it again[/]")


class SharedHome:
    """A home and its store. Without ``F2P_STORE`` it does nothing.

    ``alone`` gives the lease of a folder. Raises StoreError when the store cannot be used at all: before hours of work.
    """

    def __init__(self, settings: Settings, alone: Alone) -> None:
        self._settings, self._alone = settings, alone
        address = store_address()
        self._store = Store(address) if address else None
        if self._store:
            self._store.check()

    def fetch(self, stage: str, folder: Path) -> None:
        """Have what the store has of a step's output, if it is not here or not whole."""
        try:
            if self._store and stage == _VERSION:
                self._versions(self._store, _character(folder, stage)).fetch()
            elif self._store and (name := self._name(folder)):
                self._fetch_folder(self._store, name, folder)
        except StoreError as error:
            say(f"  [yellow]{error}; it is made here[/]")

    def offer(self, stage: str, folder: Path, *, fresh: bool) -> None:
        """Give a step's output to the store, unless it is there; ``fresh`` output replaces what is there."""
        try:
            if self._store and stage == _VERSION:
                self._versions(self._store, _character(folder, stage)).offer()
            elif self._store and (name := self._name(folder)):
                _offer_folder(self._store, name, folder, fresh=fresh)
        except StoreError as error:
            say(f"  [yellow]{error}; the next run offers it again[/]")

    def fetch_versions(self, character: str) -> None:
        """Have every published version that the store has, and what was decided about them. Raises StoreError."""
        if self._store:
            self._versions(self._store, character).fetch()

    def _versions(self, store: Store, character: str) -> SharedVersions:
        return SharedVersions(self._settings, store, character)

    def _fetch_folder(self, store: Store, name: str, folder: Path) -> None:
        contents = store.contents(name)
        by_hash = folder.parent.name not in _TOO_LARGE_TO_HASH
        if contents is None or contents.match(folder, by_hash=by_hash):
            return
        with self._alone(folder):
            store.pull(name, folder)
        tell("fetched", name, contents)

    def _name(self, folder: Path) -> str | None:
        """The folder's name in the store; None for one that the user has chosen, or that is no shared kind."""
        kind = folder.parent.name
        is_ours = folder.parent.parent == self._settings.home and kind in SHARED_KINDS
        return f"{kind}/{folder.name}" if is_ours else None


def _offer_folder(store: Store, name: str, folder: Path, *, fresh: bool) -> None:
    if fresh or store.contents(name) is None:
        tell("sent", name, store.push(folder, name, again=fresh))


def _character(folder: Path, stage: str) -> str:
    """A step's folder is named CHARACTER-STAGE-KEY."""
    return folder.name.rsplit(f"-{stage}-", 1)[0]
