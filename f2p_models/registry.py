"""Immutable versions of creators, and which of them is in use.

    <registry>/registry.db                 index (MLflow on SQLite): versions, tags, alias ``champion``
    <registry>/<character>/<version>/      a bundle, never changed: files are read-only and verified before use
    <registry>/<character>/decisions.json  which were made champion, and why; the index follows it
    <registry>/<character>/noise/ scores/  what versions are compared by, see ``score_noise`` and ``promotion``

A version appears by renaming a finished folder; its row in the index follows. Whatever a crash leaves between the
two is mended by the next call, whichever it is. The folders are the truth, so the home can be moved, and an index that
is lost or damaged is made anew from them.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from f2p_models.bundle_manifest import BundleManifest, read_manifest, verify_bundle
from f2p_models.checkpoints import read_card
from f2p_models.decisions import Decisions, read_decisions, write_decisions
from f2p_models.durable import sync
from f2p_models.errors import BundleError, CheckpointError, RegistryError
from f2p_models.promotion import KEPT_BACK, Margin, judge, margin_for, note_score, noted_score
from f2p_models.registry_index import CHAMPION, IndexRow, RegistryIndex
from f2p_models.shared_decisions import add_measures, add_shared

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A published version. ``reason`` says why it became champion, or why not."""

    character: str
    version: int
    folder: Path
    identity: str
    metrics: Mapping[str, float]
    parents: Mapping[str, str]
    heldout: str
    is_champion: bool
    reason: str
    published_at: str

    @property
    def is_kept_back(self) -> bool:
        """Whether it was found worse than the champion, or could not be compared; promoting it by hand ends that."""
        return self.reason.startswith(KEPT_BACK)


class Registry:
    """The versions under one folder, usually ``<home>/registry``. Made on first use; safe between processes.

    ``database`` is the address of the index where it is not a file beside the versions.
    """

    def __init__(self, folder: Path, *, database: str | None = None) -> None:
        self._folder = folder
        self._index = RegistryIndex(database or folder / "registry.db")

    def publish(self, character: str, bundle: Path) -> ModelVersion:
        """Keep a copy of a finished bundle as the next version, and make it champion unless it is worse.

        A bundle with the identity of a published version is that version: nothing is written, nothing promoted.
        Raises BundleError when the bundle does not verify, RegistryError when it is another character's.
        """
        manifest = verify_bundle(bundle)
        if manifest.character != character:
            raise RegistryError(f"character: {bundle} was made for {manifest.character!r}, not for {character!r}")
        with self._locked(character):
            version = self._version_with(manifest)
            if version is None:
                version = self._store(bundle, manifest)
            elif not self._is_intact(character, version):
                self._restore(bundle, self._folder / character / str(version))
            return self._read(character, version)

    def list(self, character: str | None = None) -> Sequence[ModelVersion]:
        """The versions of one character, or of all, oldest first."""
        versions: tuple[ModelVersion, ...] = ()
        for name in (character,) if character else self._characters():
            with self._locked(name):
                versions += tuple(self._read(name, version) for version in self._stored_versions(name))
        return versions

    def get(self, character: str, version: int | str = CHAMPION) -> ModelVersion:
        """One version by number, or the champion. Raises RegistryError when there is none."""
        with self._locked(character):
            return self._read(character, self._resolve(character, version))

    def unscored_champions(self, character: str, fingerprint: str, heldout: str) -> Sequence[ModelVersion]:
        """The champion and the best one of its held-out set, those of them that are of that schema and have no score
        on that held-out set yet; none when the champion is damaged, as nothing compares with it then."""
        with self._locked(character):
            history = self._champions(character)
            champions = self._readable(character, history)
            if not history or history[-1] not in champions:
                return ()
            return tuple(
                self._read(character, version)
                for version in dict.fromkeys([history[-1], *self._yardstick(character, history)])
                if champions[version].fingerprint == fingerprint and self._score_on(champions[version], heldout) is None
            )

    def note_score(self, champion: ModelVersion, heldout: str, score: float) -> None:
        """Keep what a version scored on another held-out set than its own; challengers of that set are held to it."""
        with self._locked(champion.character):
            note_score(self._folder, self._manifest(champion.character, champion.version), heldout, score)

    def promote(self, character: str, version: int) -> ModelVersion:
        """Make a version champion by hand, whatever its score."""
        with self._locked(character):
            chosen = self._resolve(character, version)
            history = self._champions(character)
            if history[-1:] != [chosen]:
                decided = self._decisions(character).with_(chosen, "promoted by hand", [*history, chosen])
                self._keep(character, decided.dated())
            return self._read(character, chosen)

    def rollback(self, character: str) -> ModelVersion:
        """Take the champion out of use and restore the one before it. Raises RegistryError when there is none."""
        with self._locked(character):
            history = self._champions(character)
            if len(history) < 2:
                raise RegistryError(f"{character}: there is no earlier champion to roll back to; promote a version")
            reason = f"rolled back to version {history[-2]}"
            self._keep(character, self._decisions(character).with_(history[-1], reason, history[:-1]).dated())
            return self._read(character, history[-2])

    def take_in(self, character: str, version: int, arrived: Path) -> None:
        """Have a version that another home published, under its number. Moves ``arrived``, a folder of the same disk.

        A damaged one of that number is replaced; of one that is whole nothing is changed. Nothing is decided yet: see
        :meth:`adopt`. Raises BundleError when it does not verify, RegistryError when it is another character's, or
        another version than the one of that number here.
        """
        manifest = verify_bundle(arrived)
        if manifest.character != character:
            raise RegistryError(f"character: {arrived} was made for {manifest.character!r}, not for {character!r}")
        _seal(arrived)
        folder = self._folder / character / str(version)
        with self._alone(character):
            if not folder.exists():
                arrived.rename(folder)
                sync(folder.parent)
            elif not self._is_intact(character, version):
                self._restore(arrived, folder)
            elif self._manifest(character, version).identity != manifest.identity:
                raise RegistryError(f"version: {folder} is another version than the one that arrived; move it away")

    def adopt(self, character: str, shared: Path) -> None:
        """Believe what another home decided, if it was decided later, and know what it measured.

        ``shared`` has the files that :mod:`f2p_models.shared_decisions` names, or none. Versions that the other home
        did not know are judged here.
        """
        with self._alone(character):
            shelf = self._folder / character
            add_measures(shared, shelf)
            theirs, ours = read_decisions(shared), self._decisions(character)
            if theirs and theirs.is_later_than(ours):
                here = self._stored_versions(character)
                champions = tuple(version for version in theirs.champions if version in here)
                write_decisions(shelf, replace(theirs, champions=champions, removed=ours.removed.difference(here)))
            self._mend(character)

    def share(self, character: str, shared: Path) -> None:
        """Add what was decided and measured here to a folder for :meth:`adopt` of other homes."""
        with self._locked(character):
            add_shared(self._folder / character, shared)

    def superseded(self, character: str, keep: int) -> Sequence[int]:
        """Versions that can go when the last ``keep`` are to stay, oldest first.

        Never the champion; the champion before it, to which a rollback returns; nor the best champion of its held-out
        set, which challengers are compared with.
        """
        with self._locked(character):
            versions, history = self._stored_versions(character), self._champions(character)
            staying = {*versions[-keep:], *history[-2:], *self._yardstick(character, history)}
            return [version for version in versions if version not in staying]

    def remove(self, character: str, version: int) -> None:
        """Delete a version for good; its number is not given again. Raises RegistryError for the champion.

        A crash leaves it whole, or under a name that the next call tidies away.
        """
        with self._locked(character):
            found = self._resolve(character, version)
            if self._champions(character)[-1:] == [found]:
                raise RegistryError(f"{character}: version {found} is the champion; promote another one first")
            self._keep(character, self._decisions(character).without(found))
            gone = self._folder / character / f".staging-removed-{found}"
            (self._folder / character / str(found)).rename(gone)
            self._index.remove(character, found)
            shutil.rmtree(gone)

    def _yardstick(self, character: str, history: Sequence[int]) -> Sequence[int]:
        """The best champion on the held-out set of the one in use, whether measured on it first or scored anew."""
        champions = self._readable(character, history)
        latest = next((champions[version] for version in reversed(history) if version in champions), None)
        if latest is None:
            return []
        found = {version: self._score_on(champion, latest.heldout) for version, champion in champions.items()}
        scores = {version: score for version, score in found.items() if score is not None}
        return [max(scores, key=lambda version: scores[version])]

    def _score_on(self, champion: BundleManifest, heldout: str) -> float | None:
        """What a version scored on a held-out set, its own or one that came after it."""
        return champion.score if champion.heldout == heldout else noted_score(self._folder, champion, heldout)

    def _characters(self) -> Sequence[str]:
        if not self._folder.is_dir():
            return ()
        return sorted(path.name for path in self._folder.iterdir() if path.is_dir())

    @contextmanager
    def _locked(self, character: str) -> Iterator[None]:
        """One process at a time, with what an earlier crash left mended first."""
        with self._alone(character):
            self._mend(character)
            yield

    @contextmanager
    def _alone(self, character: str) -> Iterator[None]:
        if not _NAME.fullmatch(character):
            raise RegistryError(f"character: {character!r} is no name of a character type")
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _mend(self, character: str) -> None:
        shelf = self._folder / character
        for aside in shelf.glob(".damaged-*"):
            intact = shelf / aside.name.removeprefix(".damaged-")
            shutil.rmtree(aside) if intact.exists() else aside.rename(intact)
        for leftover in shelf.glob(".staging-*"):
            shutil.rmtree(leftover)
        rows = {row.version: row for row in self._index.rows(character)}
        self._remember(character, rows)
        versions = self._stored_versions(character)  # those that cannot be read wait: the others are not to suffer
        for version in self._readable(character, [version for version in versions if version not in rows]):
            self._register(character, version)
        self._tell_index(character, self._decisions(character))
        decided = self._decisions(character).reasons
        for version in self._readable(character, [version for version in versions if version not in decided]):
            self._decide(character, version)

    def _remember(self, character: str, rows: Mapping[int, IndexRow]) -> None:
        """Where what was decided is not known, believe the index."""
        reasons = {version: row.tags["reason"] for version, row in rows.items() if "reason" in row.tags}
        if reasons and read_decisions(self._folder / character) is None:
            decided = Decisions(champions=tuple(self._index.champions(character)), reasons=reasons)
            write_decisions(self._folder / character, decided)

    def _tell_index(self, character: str, decided: Decisions) -> None:
        rows = {row.version: row for row in self._index.rows(character)}
        for version in decided.reasons.keys() & rows.keys():
            if rows[version].tags.get("reason") != decided.reasons[version]:
                self._index.set_tag(character, version, "reason", decided.reasons[version])
        champions = [version for version in decided.champions if version in rows]
        if champions and self._index.champions(character) != champions:
            self._index.set_champions(character, champions)

    def _keep(self, character: str, decided: Decisions) -> None:
        write_decisions(self._folder / character, decided)
        self._tell_index(character, decided)

    def _decisions(self, character: str) -> Decisions:
        return read_decisions(self._folder / character) or Decisions()

    def _champions(self, character: str) -> MutableSequence[int]:
        return [*self._decisions(character).champions]

    def _stored_versions(self, character: str) -> Sequence[int]:
        folders = (self._folder / character).glob("[0-9]*")
        return sorted(int(path.name) for path in folders if path.is_dir())

    def _version_with(self, manifest: BundleManifest) -> int | None:
        """The version that already has this identity."""
        identities = {row.version: row.tags.get("identity") for row in self._index.rows(manifest.character)}
        for version in self._stored_versions(manifest.character):
            with suppress(BundleError):  # damaged: the index remembers
                identities[version] = self._manifest(manifest.character, version).identity
            if identities.get(version) == manifest.identity:
                return version
        return None

    def _store(self, bundle: Path, manifest: BundleManifest) -> int:
        """Copy, verify the copy, rename, register: in an order that a crash cannot turn into half a version."""
        shelf = self._folder / manifest.character
        decided = self._decisions(manifest.character).highest  # a removed version's number is not given again
        version = max([*self._stored_versions(manifest.character), decided]) + 1
        staging = shelf / f".staging-{version}"
        shutil.copytree(bundle, staging)
        verify_bundle(staging)
        _seal(staging)
        staging.rename(shelf / str(version))
        self._register(manifest.character, version)
        self._decide(manifest.character, version)
        self._keep(manifest.character, self._decisions(manifest.character).dated())
        return version

    def _is_intact(self, character: str, version: int) -> bool:
        try:
            verify_bundle(self._folder / character / str(version))
        except BundleError:
            return False
        return True

    def _restore(self, bundle: Path, folder: Path) -> None:
        """Put an intact bundle of the same identity in the place of damaged files."""
        staging = folder.with_name(f".staging-{folder.name}")
        shutil.copytree(bundle, staging)
        verify_bundle(staging)
        _seal(staging)
        aside = folder.with_name(f".damaged-{folder.name}")
        folder.rename(aside)
        staging.rename(folder)
        shutil.rmtree(aside)

    def _register(self, character: str, version: int) -> None:
        manifest = self._manifest(character, version)
        tags = {"identity": manifest.identity, "heldout": manifest.heldout, "score": repr(manifest.score)}
        self._index.add(character, version, f"{character}/{version}", tags)

    def _decide(self, character: str, version: int) -> None:
        """Champion or not, and why. Compared with the best champion in the history, so that small steps down
        within the margin cannot add up night after night."""
        history = self._champions(character)
        champions = self._readable(character, [v for v in history if v != version])
        challenger = self._manifest(character, version)
        noted = {v: noted_score(self._folder, champion, challenger.heldout) for v, champion in champions.items()}
        rescored = {v: score for v, score in noted.items() if score is not None}
        margin = self._margin(character, version, challenger.heldout)
        promoted, reason = judge(challenger, champions, rescored, margin)
        if history and history[-1] not in {version, *champions}:
            promoted, reason = (
                False,
                (
                    f"{KEPT_BACK}: version {history[-1]}, the champion, is damaged, so nothing compares with it; "
                    "publish it again, or decide with f2p models promote"
                ),
            )
        if promoted and version not in history:
            history.append(version)
        self._keep(character, self._decisions(character).with_(version, reason, history))

    def _readable(self, character: str, versions: Sequence[int]) -> dict[int, BundleManifest]:
        """Manifests of the versions that are not damaged."""
        manifests = {}
        for version in versions:
            with suppress(BundleError):
                manifests[version] = self._manifest(character, version)
        return manifests

    def _margin(self, character: str, version: int, heldout: str) -> Margin:
        """By the noise of the recipe that the version was trained by, on the held-out set that it was measured on."""
        try:
            recipe = read_card(self._folder / character / str(version) / "imitator").recipe
        except CheckpointError:
            recipe = None
        return margin_for(self._folder, character, recipe, heldout)

    def _resolve(self, character: str, version: int | str) -> int:
        versions = self._stored_versions(character)
        if not versions:
            raise RegistryError(f"{character}: nothing is published yet; run 'f2p run --character {character}'")
        if version == CHAMPION:
            champions = self._champions(character)
            if not champions:  # none of them could be read when it was to be judged
                raise RegistryError(f"{character}: of its versions {versions} none is champion; promote one of them")
            return champions[-1]
        if not str(version).isdecimal() or int(version) not in versions:
            raise RegistryError(f"version: {character} has no {version!r}; published are {versions} and 'champion'")
        return int(version)

    def _manifest(self, character: str, version: int) -> BundleManifest:
        return read_manifest(self._folder / character / str(version))

    def _read(self, character: str, version: int) -> ModelVersion:
        manifest = self._manifest(character, version)  # one that cannot be read may have no row either
        row: IndexRow = next(row for row in self._index.rows(character) if row.version == version)
        return ModelVersion(
            character=character,
            version=version,
            folder=self._folder / character / str(version),
            identity=manifest.identity,
            metrics=manifest.metrics,
            parents=manifest.parents,
            heldout=manifest.heldout,
            is_champion=self._champions(character)[-1:] == [version],
            reason=row.tags.get("reason", ""),
            published_at=row.published_at,
        )


def _seal(folder: Path) -> None:
    """Make every file read-only and durable. Folders stay writable, so that a home can still be deleted."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
            sync(path)
