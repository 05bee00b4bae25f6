"""A character's published versions, shared through the store.

    URL/registry/<character>/<version>/...    a bundle, sent only when it is whole
    URL/registry/<character>/decisions/...    which were made champion and why, and what they were compared by

Versions are sent before the decisions that name them. What a home has removed stays removed there, unless another home
has made it the champion.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from engine_bridge.errors import InputError
from f2p_datasets.durable import sha256_of
from f2p_models.bundle_manifest import MANIFEST_NAME, verify_bundle
from f2p_models.decisions import Decisions, read_decisions
from f2p_models.errors import BundleError
from f2p_models.registry import Registry
from flows.leases import lease
from flows.progress import say
from flows.published import open_registry
from flows.scaling.stores import Contents, DamagedStoreError, Store
from flows.settings import Settings

#: Another process of this home fetches the same versions: they are waited for rather than fetched twice.
_FETCH_WAIT_S: Final = 600.0
_DECISIONS: Final = "decisions"


class SharedVersions:
    """The versions of one character in a home and in its store.

    Raises StoreError when the store does not answer or holds damage; InputError for two versions of one number, and
    BusyError when another process does not end fetching.
    """

    def __init__(self, settings: Settings, store: Store, character: str) -> None:
        self._settings, self._store, self._character = settings, store, character
        self._shelf = settings.registry / character
        self._kind = f"registry/{character}"

    def fetch(self) -> None:
        """Have what the store has and this home has not removed, decided as those decided who published it.

        A damaged version keeps none of the others away; it is told in the end.
        """
        numbers = sorted(int(name) for name in self._store.names(self._kind) if name.isdecimal())
        if not numbers:
            return
        what = f"the versions of {self._character}"
        with lease(self._shelf, self._settings.locks, what=what, wait_s=_FETCH_WAIT_S), self._scratch() as decisions:
            with suppress(DamagedStoreError):  # this home then decides for itself
                self._store.pull(f"{self._kind}/{_DECISIONS}", decisions)
            damaged = [error for number in self._wanted(numbers, decisions) if (error := self._fetch_one(number))]
            self._registry.adopt(self._character, decisions)
        if damaged:
            raise damaged[0]

    def offer(self) -> None:
        """Give the store the versions that it lacks, then what was decided about them."""
        here = sorted(int(path.name) for path in self._shelf.glob("[0-9]*") if path.name.isdecimal())
        sent = [number for number in here if self._offer_one(number)]
        champions = (read_decisions(self._shelf) or Decisions()).champions
        if champions and champions[-1] in sent:  # nobody is to be told of a champion that is not there
            self._offer_decisions()

    def _wanted(self, numbers: Sequence[int], decisions: Path) -> list[int]:
        ours, theirs = read_decisions(self._shelf) or Decisions(), read_decisions(decisions) or Decisions()
        in_use = theirs.champions[-1:] if theirs.is_later_than(ours) else ()
        return [n for n in numbers if n not in ours.removed or n in in_use or (self._shelf / str(n)).is_dir()]

    def _fetch_one(self, number: int) -> DamagedStoreError | None:
        """What is wrong with the store's version, if something is. Nothing is fetched that is whole here."""
        name, folder = f"{self._kind}/{number}", self._shelf / str(number)
        contents = self._store.contents(name)
        if contents is None:
            return None
        if folder.is_dir():
            _refuse_other(folder, contents)
            if contents.match(folder, by_hash=True):
                return None
        try:
            self._install(number, name)
        except DamagedStoreError as error:
            return error
        tell("fetched", name, contents)
        return None

    def _install(self, number: int, name: str) -> None:
        """Fetched beside the versions, verified there, and then put among them by the registry."""
        arrived = self._shelf / f".fetched-{number}"
        self._store.pull(name, arrived)
        try:
            self._registry.take_in(self._character, number, arrived)
        except BundleError as error:
            raise DamagedStoreError(f"{self._store.shown}/{name}: no whole version ({error}); publish anew") from error
        finally:
            shutil.rmtree(arrived, ignore_errors=True)

    def _offer_one(self, number: int) -> bool:
        """Whether the store has the version now."""
        name, folder = f"{self._kind}/{number}", self._shelf / str(number)
        found = self._store.contents(name)
        if found is not None:
            _refuse_other(folder, found)
            return True
        try:
            verify_bundle(folder)  # or the store would vouch for the damage with hashes of its own
        except BundleError as error:
            say(f"  [yellow]{error}; it is not sent to the store[/]")
            return False
        tell("sent", name, self._store.push(folder, name))
        return True

    def _offer_decisions(self) -> None:
        name = f"{self._kind}/{_DECISIONS}"
        with self._scratch() as shared:
            with suppress(DamagedStoreError):
                self._store.pull(name, shared)
            shared.mkdir(exist_ok=True)
            before = Contents.of(shared)
            self._registry.share(self._character, shared)
            if Contents.of(shared) != before:
                tell("sent", name, self._store.push(shared, name, again=True))

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """Where a folder can be made that is gone afterwards."""
        self._settings.cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._settings.cache, prefix="shared-") as folder:
            yield Path(folder) / _DECISIONS

    @property
    def _registry(self) -> Registry:
        return open_registry(self._settings)


def tell(verb: str, name: str, contents: Contents) -> None:
    """Say that a folder went or came."""
    say(f"  [dim]{verb} {name}: {len(contents.files)} files, {contents.num_bytes / 1e6:.1f} MB[/]")


def _refuse_other(folder: Path, contents: Contents) -> None:
    """Two machines that publish one character at the same moment give two versions the same number."""
    stored = next((file.sha256 for file in contents.files if file.path == MANIFEST_NAME), "")
    manifest = folder / MANIFEST_NAME
    if manifest.is_file() and sha256_of(manifest) != stored:
        raise InputError(
            f"{folder}: the store has another version of this number, published by another machine; build a character "
            f"on one machine at a time; move this folder away and run again to have the store's"
        )
