"""A finished home that faults are tried on: made once, copied cheaply, and compared with what a fault left of a copy.

Seed 0 published version 1, seed 1 version 2, and then the choice between them was turned around by hand, so that a
registry that forgets what people decided is found out.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine_bridge.errors import EngineError, InputError
from f2p_datasets.manifest import MANIFEST_NAME, verify_dataset
from f2p_models.bundle_manifest import ESSENTIALS, read_manifest, verify_bundle
from f2p_models.checkpoints import CARD_FILE, load_checkpoint
from f2p_models.decisions import read_decisions
from flows.settings import Settings
from infra.soak.file_events import read_counts
from infra.soak.forked_runs import COUNTS, OUTPUT, ForkedRun, fork_call, fork_run

CHARACTER: Final = "tiny"
#: The seed whose steps are disturbed; the other one's version is the other choice.
SEED, OTHER_SEED = 1, 0
ORDER: Final = ("run", "--character", CHARACTER, "--recipe", "smoke", "--workers", "1", "--photo", "sample", "--seed")
#: The part of it up to the priors, which takes half the time.
TRAIN: Final = ("train", "translator", "--character", CHARACTER, "--recipe", "smoke", "--workers", "1", "--seed")
TRAINED: Final = ("studio", "photo-like", "template", "imitator", "segmenter", "translator", "priors")
REMOTE: Final = (
    *("render", "--character", CHARACTER, "--engine", "mock_remote", "--count", "20", "--shard-size", "5"),
    *("--resolution", "64", "--seed", "7"),
)
#: Places where the pipeline changes files: a part of their paths, by the name of the stage.
PLACES: Final = {
    "studio": "-studio-",
    "photo-like": "-photo-like-",
    "template": "-template-",
    "imitator": "-imitator-",
    "segmenter": "-segmenter-",
    "translator": "-translator-",
    "priors": "-priors-",
    "evaluation": "-evaluation-",
    "version": "-version-",
    "creation": "-creation-",
    "registry": "/registry/",
    "runs": "/runs/",
    "reports": "/reports/",
    "leases": "/locks/",
}
KINDS: Final = ("datasets", "checkpoints", "evaluations", "creations", "registry")
_DATABASES: Final = (".db", ".db-wal", ".db-shm", ".db-journal")
#: What no promise covers: who works, the index of the folders, engines' history, unfinished and put-aside files.
_PASSING: Final = (".lock", ".tmp", ".engine.jsonl", ".damaged", *_DATABASES)


@dataclass(frozen=True, kw_only=True)
class FinishedHome:
    """The home of undisturbed runs.

    contents   SHA-256 of every artifact, by its path in the home
    versions   what the registry lists: number -> (identity, whether it is champion)
    decided    the same before people changed the champion by hand
    steps      folders of the disturbed seed's steps, by stage, relative to the home
    seconds    what each of these steps took
    remote     folder of the dataset that a remote engine rendered, relative to the home
    changes    how often files of each of ``PLACES`` were changed by the disturbed seed's run
    """

    home: Path
    contents: Mapping[str, str]
    versions: Mapping[str, tuple[str, bool]]
    decided: Mapping[str, tuple[str, bool]]
    steps: Mapping[str, Path]
    seconds: Mapping[str, float]
    remote: Path
    changes: Counter[str]

    @property
    def before_publication(self) -> Path:
        """A copy of the registry when it had version 1 only."""
        return self.home.with_name("registry-before")


def make_home(home: Path, server: str) -> FinishedHome:
    """Run both seeds and a remote engine undisturbed. Raises EngineError when a run fails."""
    home.mkdir(parents=True)
    place = home.parent
    _must_finish(fork_run(home, *ORDER, str(OTHER_SEED), server=server, output=place / OUTPUT))
    shutil.copytree(home / "registry", home.with_name("registry-before"))
    order = (*ORDER, str(SEED))
    _must_finish(fork_run(home, *order, server=server, parts=tuple(PLACES.values()), output=place / OUTPUT))
    changes = read_counts(place / COUNTS)
    [record] = [data for data in _records(home) if data["seed"] == SEED]
    _must_finish(fork_run(home, *REMOTE, server=server, output=place / OUTPUT))
    [remote] = [Path(data["steps"][0]["folder"]) for data in _records(home) if data["recipe"] == "render"]
    decided = versions_of(home, place)
    fork_call(home, place, _turn_around)
    return FinishedHome(
        home=home,
        contents=contents_of(home),
        versions=versions_of(home, place),
        decided=decided,
        steps={step["stage"]: Path(step["folder"]).relative_to(home) for step in record["steps"]},
        seconds={step["stage"]: step["seconds"] for step in record["steps"]},
        remote=remote.relative_to(home),
        changes=changes,
    )


def copy_home(source: Path, target: Path) -> None:
    """A home that shares the artifacts' files with the first one, as far as nobody may write into them."""
    target.mkdir()
    for kind in (*KINDS, "runs", "logs"):
        if (source / kind).is_dir():
            shutil.copytree(source / kind, target / kind, copy_function=_link_or_copy)


def contents_of(home: Path) -> dict[str, str]:
    """SHA-256 of every artifact's files, by path.

    A dataset's history of engine trouble is no part of it. Of a version's reports only the names are: exporting twice
    may give other bytes.
    """
    return {
        str(path.relative_to(home)): "" if kind == "registry" and _is_report(path.relative_to(home)) else _digest(path)
        for kind in KINDS
        for path in sorted((home / kind).rglob("*"))
        if path.is_file() and not path.name.endswith(_PASSING)
    }


def versions_of(home: Path, place: Path) -> dict[str, tuple[str, bool]]:
    """What the registry lists, asked for in a process of its own: number -> (identity, whether it is champion)."""
    return {number: (identity, champion) for number, identity, champion in fork_call(home, place, _list)}


def stored_versions(home: Path) -> dict[str, tuple[str, bool]]:
    """The same as the files say it, which costs less."""
    shelf = home / "registry" / CHARACTER
    decided = read_decisions(shelf)
    champion = decided.champions[-1] if decided and decided.champions else None
    numbers = sorted(int(folder.name) for folder in shelf.glob("[0-9]*"))
    return {str(n): (read_manifest(shelf / str(n)).identity, n == champion) for n in numbers}


def damaged(home: Path) -> list[str]:
    """Artifacts that a reader would take for finished and that do not verify, one line each."""
    visible: list[tuple[Callable[[Path], object], Path]] = []
    visible += [(verify_dataset, path.parent) for path in home.glob(f"datasets/*/{MANIFEST_NAME}")]
    visible += [(load_checkpoint, path.parent) for path in home.glob(f"checkpoints/*/*/{CARD_FILE}")]
    visible += [(verify_bundle, folder) for folder in home.glob(f"registry/{CHARACTER}/[0-9]*")]
    problems = []
    for verify, folder in visible:
        try:
            verify(folder)
        except InputError as error:
            problems.append(str(error))
    return problems


def finished_shards(folder: Path) -> dict[str, int]:
    """Identity on the disk of every finished shard: a shard that is rendered again gets another one."""
    shards = {path.with_suffix(".tar") for path in folder.glob("shard-*.parquet")}
    return {path.name: path.stat().st_ino for path in shards if path.is_file()}


def _must_finish(run: ForkedRun) -> None:
    if run.wait() != 0:
        raise EngineError(f"an undisturbed run failed, so nothing can be tried: {run.last_line}")


def _records(home: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(home.glob("runs/*/run.json"))]


def _link_or_copy(source: str, target: str) -> None:
    """Runs and logs are written into; databases too. Other disks cannot share files."""
    is_artifact = not source.endswith((*_DATABASES, ".lock")) and "/runs/" not in source and "/logs/" not in source
    if is_artifact:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "manifest.json":
        with suppress(ValueError):  # damaged: its bytes are what it is
            content = json.dumps({**json.loads(content), "rendering": None}, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _is_report(path: Path) -> bool:
    """``path`` is registry/CHARACTER/VERSION/..."""
    return len(path.parts) < 4 or path.parts[3] not in ESSENTIALS


def _turn_around(home: Path) -> None:
    """Make the other version champion, as a person would."""
    from f2p_models.registry import Registry

    registry = Registry(Settings(home=home).registry)
    other = next(version.version for version in registry.list(CHARACTER) if not version.is_champion)
    registry.promote(CHARACTER, other)


def _list(home: Path) -> list[tuple[str, str, bool]]:
    from f2p_models.registry import Registry

    versions = Registry(Settings(home=home).registry).list(CHARACTER)
    return [(str(version.version), version.identity, version.is_champion) for version in versions]
