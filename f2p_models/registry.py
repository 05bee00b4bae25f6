"""Immutable versions of creators, and which of them is in use.

    <registry>/registry.db                 index (MLflow on SQLite): versions, tags, alias ``champion``
    <registry>/<character>/<version>/      a bundle, never changed: files are read-only and verified before use

A version appears by renaming a finished folder; its row in the index follows. Whatever a crash leaves between the
two is mended by the next call, whichever it is. The folders are the truth, so the home can be moved and a lost index
is rebuilt (the history of promotions by hand is then lost with it).
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from f2p_models.bundle_manifest import BundleManifest, read_manifest, verify_bundle
from f2p_models.durable import sync
from f2p_models.errors import BundleError, RegistryError
from f2p_models.registry_index import CHAMPION, IndexRow, RegistryIndex

#: How far a challenger's score may lie below the best champion's: about the noise of 50 held-out photos.
MARGIN: Final = 0.02
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


class Registry:
    """The versions under one folder, usually ``<home>/registry``. Made on first use; safe between processes."""

    def __init__(self, folder: Path, *, margin: float = MARGIN) -> None:
        self._folder = folder
        self._margin = margin
        self._index = RegistryIndex(folder / "registry.db")

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

    def promote(self, character: str, version: int) -> ModelVersion:
        """Make a version champion by hand, whatever its score."""
        with self._locked(character):
            chosen = self._resolve(character, version)
            history = self._index.champions(character)
            if history[-1:] != [chosen]:
                self._index.set_tag(character, chosen, "reason", "promoted by hand")
                self._index.set_champions(character, [*history, chosen])
            return self._read(character, chosen)

    def rollback(self, character: str) -> ModelVersion:
        """Take the champion out of use and restore the one before it. Raises RegistryError when there is none."""
        with self._locked(character):
            history = self._index.champions(character)
            if len(history) < 2:
                raise RegistryError(f"{character}: there is no earlier champion to roll back to; promote a version")
            self._index.set_tag(character, history[-1], "reason", f"rolled back to version {history[-2]}")
            self._index.set_champions(character, history[:-1])
            return self._read(character, history[-2])

    def _characters(self) -> Sequence[str]:
        if not self._folder.is_dir():
            return ()
        return sorted(path.name for path in self._folder.iterdir() if path.is_dir())

    @contextmanager
    def _locked(self, character: str) -> Iterator[None]:
        """One process at a time, with what an earlier crash left mended first."""
        if not _NAME.fullmatch(character):
            raise RegistryError(f"character: {character!r} is no name of a character type")
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._mend(character)
            yield

    def _mend(self, character: str) -> None:
        for leftover in (self._folder / character).glob(".staging-*"):
            shutil.rmtree(leftover)
        rows = {row.version: row for row in self._index.rows(character)}
        for version in self._stored_versions(character):
            if version not in rows:
                self._register(character, version)
            elif "reason" not in rows[version].tags:
                self._decide(character, version)

    def _stored_versions(self, character: str) -> Sequence[int]:
        folders = (self._folder / character).glob("[0-9]*")
        return sorted(int(path.name) for path in folders if path.is_dir())

    def _version_with(self, manifest: BundleManifest) -> int | None:
        """The version that already has this identity."""
        versions = self._stored_versions(manifest.character)
        same = (v for v in versions if self._manifest(manifest.character, v).identity == manifest.identity)
        return next(same, None)

    def _store(self, bundle: Path, manifest: BundleManifest) -> int:
        """Copy, verify the copy, rename, register: in an order that a crash cannot turn into half a version."""
        shelf = self._folder / manifest.character
        version = max(self._stored_versions(manifest.character), default=0) + 1
        staging = shelf / f".staging-{version}"
        shutil.copytree(bundle, staging)
        verify_bundle(staging)
        _seal(staging)
        staging.rename(shelf / str(version))
        self._register(manifest.character, version)
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
        shutil.rmtree(folder)
        staging.rename(folder)

    def _register(self, character: str, version: int) -> None:
        manifest = self._manifest(character, version)
        tags = {"identity": manifest.identity, "heldout": manifest.heldout, "score": repr(manifest.score)}
        given = self._index.add(character, f"{character}/{version}", tags)
        if given != version:
            raise RegistryError(f"{character}: version {version} is out of step with the index, which is at {given}")
        self._decide(character, version)

    def _decide(self, character: str, version: int) -> None:
        """Champion or not, and why. Compared with the best champion in the history, so that small steps down
        within the margin cannot add up night after night."""
        history = self._index.champions(character)
        champions = {v: self._manifest(character, v) for v in history if v != version}
        promoted, reason = _judge(self._manifest(character, version), champions, self._margin)
        if promoted and version not in history:
            self._index.set_champions(character, [*history, version])
        self._index.set_tag(character, version, "reason", reason)

    def _resolve(self, character: str, version: int | str) -> int:
        versions = self._stored_versions(character)
        if not versions:
            raise RegistryError(f"{character}: nothing is published yet; run 'f2p run --character {character}'")
        if version == CHAMPION:
            return self._index.champions(character)[-1]
        if not str(version).isdecimal() or int(version) not in versions:
            raise RegistryError(f"version: {character} has no {version!r}; published are {versions} and 'champion'")
        return int(version)

    def _manifest(self, character: str, version: int) -> BundleManifest:
        return read_manifest(self._folder / character / str(version))

    def _read(self, character: str, version: int) -> ModelVersion:
        row: IndexRow = next(row for row in self._index.rows(character) if row.version == version)
        manifest = self._manifest(character, version)
        return ModelVersion(
            character=character,
            version=version,
            folder=self._folder / character / str(version),
            identity=manifest.identity,
            metrics=manifest.metrics,
            parents=manifest.parents,
            heldout=manifest.heldout,
            is_champion=self._index.champions(character)[-1:] == [version],
            reason=row.tags.get("reason", ""),
            published_at=row.published_at,
        )


def _judge(challenger: BundleManifest, champions: Mapping[int, BundleManifest], margin: float) -> tuple[bool, str]:
    """(becomes champion, reason). Scores are compared only when measured on the same held-out set.

    Champions of another schema do not count: the character has changed, and nobody can use them any more.
    """
    usable = {v: champion for v, champion in champions.items() if champion.fingerprint == challenger.fingerprint}
    if not usable:
        return True, f"first version of schema {challenger.fingerprint}, score {challenger.score:.4f}"
    comparable = {v: champion for v, champion in usable.items() if champion.heldout == challenger.heldout}
    if not comparable:
        return False, (
            "kept as challenger: no champion was measured on its held-out set, so the scores do not compare; "
            "look at both and decide with f2p models promote"
        )
    best = max(comparable, key=lambda v: comparable[v].score)
    comparison = f"score {challenger.score:.4f} against {comparable[best].score:.4f} of version {best}"
    if challenger.score < comparable[best].score - margin:
        return False, f"kept as challenger: {comparison}, worse by more than {margin}"
    return True, f"not worse: {comparison}, margin {margin}"


def _seal(folder: Path) -> None:
    """Make every file read-only and durable. Folders stay writable, so that a home can still be deleted."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
            sync(path)
