"""What may go from a home: outputs that no published version, run or unfinished work needs any more.

Kept are
  the steps that every champion was made of, whoever did them,
  the steps of a character's last run, of its last with each engine that trained all networks, of its last with each
    engine and recipe that published, and of runs under way,
  work that is not finished, for ``UNFINISHED_DAYS`` after it was last touched, so that a killed run can go on,
  whatever somebody holds the lease of.
Of versions the last ``keep`` stay, the champion, the one a rollback returns to, the best champion of its held-out set,
by which challengers are judged, and those that the runs above published. Everything else that the pipeline made under a
key goes: it can be made again.

What is not the pipeline's is not looked at: imported and aligned photos, measurements of ``f2p evaluate``, creations,
reports, records, and any folder with another kind of name.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_datasets.manifest import MANIFEST_NAME
from f2p_models.priors import PRIORS_FILE
from f2p_models.registry import ModelVersion
from flows.gates.rescoring import CHAMPION_PHOTOS, RESCORING, SCORE_FILE
from flows.layout import CHECKPOINT, EVALUATION_FILE, HELDOUT_PHOTOS, PHOTO_LIKE, STUDIO, TEMPLATE
from flows.leases import holder, lease
from flows.planning.dataset_plans import TEMPLATE_FILE
from flows.publish import NOTE_FILE, noted_version
from flows.published import open_registry
from flows.runs import RunRecord, past_runs
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


def find_removals(
    settings: Settings, *, keep: int = DEFAULT_KEEP, characters: Collection[str] | None = None
) -> list[Removal]:
    """What can go, of these characters or of all. Raises InputError when ``keep`` is below 1."""
    if keep < 1:
        raise InputError(f"keep: {keep} versions; give 1 or more")
    published = {name: open_registry(settings).list(name) for name in _published(settings)}
    chosen = [name for name in published if characters is None or name in characters]
    needed = _of_runs(settings) | _under_way(settings)
    pinned = _noted(settings, needed)
    versions = [one for name in chosen for one in _versions(settings, name, keep) if one.folder not in pinned]
    staying = {version.folder for versions_of in published.values() for version in versions_of}
    staying -= {one.folder for one in versions}
    needed |= {name for versions_of in published.values() for one in versions_of for name in _parents(one)}
    return [*versions, *(one for one in _outputs(settings, needed, staying) if _is_of(one, characters))]


def remove(settings: Settings, removal: Removal) -> bool:
    """Delete it, unless somebody came to need it or to work on it meanwhile. Whether it is gone."""
    if removal.version is not None:
        open_registry(settings).remove(removal.character, removal.version)
        return True
    if removal.folder.name in _under_way(settings):
        return False
    with suppress(InputError), lease(removal.folder, settings.locks):  # BusyError: it is at work there
        going = removal.folder.with_name(f"{_GOING}{removal.folder.name}")
        removal.folder.rename(going)
        shutil.rmtree(going)
        return True
    return False


def tidy(settings: Settings, *, keep: int = DEFAULT_KEEP, characters: Collection[str] | None = None) -> int:
    """Remove all that can go. Bytes freed."""
    clear_leftovers(settings)
    return sum(
        removal.num_bytes
        for removal in find_removals(settings, keep=keep, characters=characters)
        if remove(settings, removal)
    )


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below; those that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size if not path.is_dir() else 0
    return total


def _versions(settings: Settings, character: str, keep: int) -> Iterator[Removal]:
    for version in open_registry(settings).superseded(character, keep):
        folder = settings.registry / character / str(version)
        why = f"beyond the last {keep} versions"
        yield Removal(folder=folder, num_bytes=folder_bytes(folder), why=why, character=character, version=version)


def _outputs(settings: Settings, needed: Collection[str], staying: Collection[Path]) -> Iterator[Removal]:
    """Folders that the pipeline made and nothing needs; a note of a version is needed as long as that one stays."""
    for folder, found in _made_by_pipeline(settings):
        character, stage = found["character"], found["stage"]
        if folder.name in needed or holder(folder, settings.locks) is not None:
            continue
        finished = (folder / FINAL_FILES[stage]).exists()
        if stage == "version" and _version_of(settings, folder, character) in staying:
            continue
        if finished or _days_idle(folder) > UNFINISHED_DAYS:
            why = "nothing needs it" if finished else f"unfinished, untouched for more than {UNFINISHED_DAYS:g} days"
            yield Removal(folder=folder, num_bytes=folder_bytes(folder), why=why, character=character)


def _made_by_pipeline(settings: Settings) -> Iterator[tuple[Path, re.Match[str]]]:
    for kind in (settings.datasets, settings.checkpoints, settings.evaluations):
        for folder in sorted(kind.glob("*")):
            found = _OURS.fullmatch(folder.name)
            if found and folder.is_dir() and not folder.is_symlink():
                yield folder, found


def _parents(version: ModelVersion) -> set[str]:
    """Folders that a champion was made of: its parents name a key by stage, and what else they name is no folder."""
    if not version.is_champion:
        return set()
    return {f"{version.character}-{stage}-{key}" for stage, key in version.parents.items()}


def _of_runs(settings: Settings) -> set[str]:
    """The steps of every character's last run, its last training by each engine, and what each recipe published."""
    last: dict[tuple[str, ...], RunRecord] = {}
    for record in past_runs(settings):  # the latest first
        last.setdefault((record.character,), record)
        if all(record.folder_of(network) for network in _NETWORKS):
            last.setdefault((record.character, record.ordered_engine), record)
        if record.folder_of("version"):
            last.setdefault((record.character, record.ordered_engine, record.recipe), record)
    return _folders(last.values())


def _under_way(settings: Settings) -> set[str]:
    """The steps of runs that are running. Those that were killed say so for ever, so they have to be fresh as well."""
    oldest = datetime.now(UTC) - timedelta(days=UNFINISHED_DAYS)
    return _folders(run for run in past_runs(settings) if run.status == "running" and _begun(run) > oldest)


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


def _published(settings: Settings) -> list[str]:
    """Characters with a folder in the registry; without one the registry is not even opened."""
    if not settings.registry.is_dir():
        return []
    return sorted(path.name for path in settings.registry.iterdir() if path.is_dir())


def _days_idle(folder: Path) -> float:
    """Days since anything in it was changed."""
    changed = max((path.lstat().st_mtime for path in (folder, *folder.rglob("*"))), default=0.0)
    return (time.time() - changed) / _DAY_S


def clear_leftovers(settings: Settings) -> None:
    """Empty what an earlier removal was killed over."""
    for kind in (settings.datasets, settings.checkpoints, settings.evaluations):
        for leftover in kind.glob(f"{_GOING}*"):
            shutil.rmtree(leftover, ignore_errors=True)
