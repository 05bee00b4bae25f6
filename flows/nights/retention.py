"""What may go from a home: outputs that no published version, run or unfinished work needs any more.

Kept are
  the steps that every champion was made of, whoever did them,
  what was rendered for itself (``f2p render``, the deployment ``render``): only whoever ordered it knows what for,
  the steps of a character's last run with each engine and recipe, of its last with each engine that trained all
    networks, of its last with each engine and recipe that published, and of runs under way,
  the steps of a run that did not finish, for ``UNFINISHED_DAYS`` after it ended, and work that is not finished, for as
    long after it was last touched, so that a later run can go on,
  whatever somebody holds the lease of.
Of versions the last ``keep`` stay, the champion, the one a rollback returns to, the best champion of its held-out set,
by which challengers are judged, those that the runs above published, and those that cannot be read. Everything else
that the pipeline made under a key goes: it can be made again. Of a character whose champion cannot be read nothing
goes, because nobody knows what it was made of.

What is not the pipeline's is not looked at: imported and aligned photos, measurements of ``f2p evaluate``, creations,
reports, records, and any folder with another kind of name.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_datasets.manifest import MANIFEST_NAME
from f2p_models.bundle_manifest import read_manifest
from f2p_models.errors import BundleError, RegistryError
from f2p_models.priors import PRIORS_FILE
from flows.gates.rescoring import CHAMPION_PHOTOS, RESCORING, SCORE_FILE
from flows.layout import CHECKPOINT, EVALUATION_FILE, HELDOUT_PHOTOS, PHOTO_LIKE, STUDIO, TEMPLATE
from flows.leases import BusyError, holder, lease
from flows.planning.dataset_plans import TEMPLATE_FILE
from flows.publish import NOTE_FILE, noted_version
from flows.published import open_registry
from flows.run_records import RunRecord, past_runs
from flows.runs import RENDER_ONLY, TIDYING, is_under_way
from flows.settings import Settings

DEFAULT_KEEP: Final = 3
UNFINISHED_DAYS: Final = 7.0
_DAY_S: Final = 86_400.0
_NETWORKS: Final = ("imitator", "segmenter", "translator")
#: What makes a stage's folder a finished output.
FINAL_FILES: Final = {
    STUDIO: MANIFEST_NAME,
    TEMPLATE: TEMPLATE_FILE,
    PHOTO_LIKE: MANIFEST_NAME,
    HELDOUT_PHOTOS: MANIFEST_NAME,
    "imitator": CHECKPOINT,
    "segmenter": CHECKPOINT,
    "translator": CHECKPOINT,
    "priors": PRIORS_FILE,
    "evaluation": EVALUATION_FILE,
    "version": NOTE_FILE,
    CHAMPION_PHOTOS: MANIFEST_NAME,
    RESCORING: SCORE_FILE,
}
_OURS: Final = re.compile(rf"(?P<character>.+?)-(?P<stage>{'|'.join(FINAL_FILES)})-[0-9a-f]{{16}}")
#: A folder gets this name in one step and is emptied then, so that no half of an output is ever found under its own.
_GOING: Final = ".removing-"


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Something that can go: a folder, or a version of the registry. ``num_bytes`` are what that frees."""

    folder: Path
    num_bytes: int
    why: str
    character: str
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Tidied:
    """What a tidying came to: bytes freed, and what stayed because of some trouble, a line for each."""

    num_bytes: int
    troubles: tuple[str, ...] = ()


def find_removals(
    settings: Settings, *, keep: int = DEFAULT_KEEP, characters: Collection[str] | None = None
) -> list[Removal]:
    """What can go, of these characters or of all but the :func:`unjudged`. Raises InputError when ``keep`` is below 1.

    Nothing is read of characters that were not asked for.
    """
    if keep < 1:
        raise InputError(f"keep: {keep} versions; give 1 or more")
    left = unjudged(settings, characters)
    chosen = [name for name in _published(settings, characters) if name not in left]
    needed = _of_runs(settings)
    pinned = _noted(settings, needed)
    versions = [one for name in chosen for one in _versions(settings, name, keep) if one.folder not in pinned]
    staying = {folder for name in chosen for folder in (settings.registry / name).iterdir()}
    staying -= {one.folder for one in versions}
    needed |= {name for character in chosen for name in _of_champion(settings, character)}
    outputs = _outputs(settings, needed, staying)
    return [*versions, *(one for one in outputs if _is_of(one, characters) and one.character not in left)]


def unjudged(settings: Settings, characters: Collection[str] | None = None) -> Mapping[str, str]:
    """Those of these characters, or of all, whose champion cannot be read, with the reason: all of theirs stays."""
    found = {}
    for name in _published(settings, characters):
        try:
            _of_champion(settings, name)
        except InputError as error:
            found[name] = str(error)
    return found


def remove(settings: Settings, removal: Removal) -> bool:
    """Delete it, unless somebody came to need it or to work on it meanwhile. Whether it is gone.

    Runs look out for the lease, and are looked for under it: whichever of the two comes first, the other one sees it.
    """
    if removal.version is not None:
        return _remove_version(settings, removal.character, removal.version)
    going = removal.folder.with_name(f"{_GOING}{removal.folder.name}")
    try:
        with lease(removal.folder, settings.locks, run=TIDYING):
            if removal.folder.name in _of_runs(settings):
                return False
            removal.folder.rename(going)
    except (BusyError, FileNotFoundError):  # somebody is at work there, or was quicker
        return False
    shutil.rmtree(going)
    return True


def tidy(settings: Settings, *, keep: int = DEFAULT_KEEP, characters: Collection[str] | None = None) -> Tidied:
    """Remove all that can go. What cannot be removed stays, and keeps nothing else from going."""
    clear_leftovers(settings)
    freed = 0
    troubles = [f"{name}: {why}" for name, why in unjudged(settings, characters).items()]
    for removal in find_removals(settings, keep=keep, characters=characters):
        try:
            freed += removal.num_bytes if remove(settings, removal) else 0
        except OSError as error:
            troubles.append(f"{removal.folder.name}: {error}")
    return Tidied(num_bytes=freed, troubles=tuple(troubles))


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below; those that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size if not path.is_dir() else 0
    return total


def _remove_version(settings: Settings, character: str, version: int) -> bool:
    try:
        open_registry(settings).remove(character, version)
    except RegistryError:  # it has become champion, or somebody was quicker
        return False
    return True


def _versions(settings: Settings, character: str, keep: int) -> Iterator[Removal]:
    for version in open_registry(settings).superseded(character, keep):
        folder = settings.registry / character / str(version)
        if not _is_readable(folder):
            continue
        why = f"beyond the last {keep} versions"
        yield Removal(folder=folder, num_bytes=folder_bytes(folder), why=why, character=character, version=version)


def _outputs(settings: Settings, needed: Collection[str], staying: Collection[Path]) -> Iterator[Removal]:
    """Folders that the pipeline made and nothing needs; a note of a version is needed as long as that one stays."""
    for folder, found in _made_by_pipeline(settings):
        character, stage = found["character"], found["stage"]
        if folder.name in needed:
            continue
        finished = (folder / FINAL_FILES[stage]).exists()
        if stage == "version" and _version_of(settings, folder, character) in staying:
            continue
        if finished or _days_idle(folder) > UNFINISHED_DAYS:
            if holder(folder, settings.locks) is not None:  # asked last: one on another machine is watched for a while
                continue
            why = "nothing needs it" if finished else f"unfinished, untouched for more than {UNFINISHED_DAYS:g} days"
            yield Removal(folder=folder, num_bytes=folder_bytes(folder), why=why, character=character)


def _made_by_pipeline(settings: Settings) -> Iterator[tuple[Path, re.Match[str]]]:
    for kind in (settings.datasets, settings.checkpoints, settings.evaluations):
        for folder in sorted(kind.glob("*")):
            found = _OURS.fullmatch(folder.name)
            if found and folder.is_dir() and not folder.is_symlink():
                yield folder, found


def _is_readable(version: Path) -> bool:
    try:
        read_manifest(version)
    except BundleError:
        return False
    return True


def _of_champion(settings: Settings, character: str) -> set[str]:
    """Folders that the champion was made of: its parents name a key by stage, and what else they name is no folder.

    Raises InputError when it cannot be read.
    """
    if not any((settings.registry / character).glob("[0-9]*")):
        return set()
    champion = open_registry(settings).get(character)
    return {f"{character}-{stage}-{key}" for stage, key in champion.parents.items()}


def _of_runs(settings: Settings) -> set[str]:
    """What runs need: the last ones, those that did not finish, those under way, and those that only rendered."""
    last: dict[tuple[str, ...], RunRecord] = {}
    rendered, unended = list[RunRecord](), list[RunRecord]()
    for record in past_runs(settings):  # the latest first
        order = (record.character, record.ordered_engine, record.recipe)
        last.setdefault(order, record)
        if all(record.folder_of(network) for network in _NETWORKS):
            last.setdefault(("trained", *order[:2]), record)
        if record.folder_of("version"):
            last.setdefault(("published", *order), record)
        if record.recipe == RENDER_ONLY:
            rendered.append(record)
        if _may_go_on(record) or is_under_way(settings, record):
            unended.append(record)
    return _folders([*last.values(), *rendered, *unended]) | {Path(record.in_use).name for record in unended}


def _may_go_on(run: RunRecord) -> bool:
    """Whether it ended early, and not long ago. One that was killed says for ever that it is running."""
    if run.status == "finished":
        return False
    return _begun(run) + timedelta(seconds=run.seconds) > datetime.now(UTC) - timedelta(days=UNFINISHED_DAYS)


def _begun(run: RunRecord) -> datetime:
    begun = datetime.fromisoformat(run.started)
    return begun if begun.tzinfo else begun.replace(tzinfo=UTC)


def _folders(records: Iterable[RunRecord]) -> set[str]:
    """By name: a home may have been moved since."""
    return {Path(step.folder).name for record in records for step in record.steps}


def _noted(settings: Settings, needed: Collection[str]) -> set[Path]:
    """Folders of the versions that needed steps published."""
    found = {
        _version_of(settings, folder, match["character"])
        for folder, match in _made_by_pipeline(settings)
        if match["stage"] == "version" and folder.name in needed
    }
    return {folder for folder in found if folder is not None}


def _version_of(settings: Settings, note_folder: Path, character: str) -> Path | None:
    try:
        return settings.registry / character / str(noted_version(note_folder))
    except InputError:
        return None


def _is_of(removal: Removal, characters: Collection[str] | None) -> bool:
    return characters is None or removal.character in characters


def _published(settings: Settings, characters: Collection[str] | None) -> list[str]:
    """Those of these characters with a folder in the registry; without one the registry is not even opened."""
    if not settings.registry.is_dir():
        return []
    found = sorted(path.name for path in settings.registry.iterdir() if path.is_dir())
    return [name for name in found if characters is None or name in characters]


def _days_idle(folder: Path) -> float:
    """Days since anything in it was changed."""
    changed = max((path.lstat().st_mtime for path in (folder, *folder.rglob("*"))), default=0.0)
    return (time.time() - changed) / _DAY_S


def clear_leftovers(settings: Settings) -> None:
    """Empty what an earlier removal was killed over."""
    for kind in (settings.datasets, settings.checkpoints, settings.evaluations):
        for leftover in kind.glob(f"{_GOING}*"):
            shutil.rmtree(leftover, ignore_errors=True)
