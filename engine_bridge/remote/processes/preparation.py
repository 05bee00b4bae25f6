"""What an adapter does once before its first start: export assets, copy a project. Once per content, by one process."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import site
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from engine_bridge.errors import EngineUnavailableError
from engine_bridge.remote.processes.adapters import Adapter, fill
from engine_bridge.remote.processes.keeper import KeeperOrder
from engine_bridge.remote.processes.process import EngineProcess

_DONE: Final = ".prepared"
_NUM_KEPT: Final = 2  # prepared folders of one adapter: the present content's, and the one before
_PATIENCE_S: Final = 1800.0
#: Variables that would lead a program past its HOME to the user's own files.
_WAYS_HOME: Final = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")

#: Locks on the folders that this process works in; they go with it.
_IN_USE: Final[dict[Path, TextIO]] = {}


def prepare(adapter: Adapter, work_root: Path, character_folders: Sequence[Path] = ()) -> Path:
    """The adapter's work folder, prepared. Whoever comes second waits for the first and finds the work done.

    Its name holds a hash of everything the preparation reads. Raises EngineUnavailableError when the command fails.
    """
    work = work_root.resolve() / f"{adapter.name}-{content_hash(adapter, character_folders)}"
    work.parent.mkdir(parents=True, exist_ok=True)
    with _alone(work.with_name(f"{work.name}.lock")):
        _keep_in_use(work)
        if not (work / _DONE).is_file():
            shutil.rmtree(work, ignore_errors=True)  # what a killed preparation left
            for folder in (work, work / "home", work / "scratch"):
                folder.mkdir()
            if adapter.prepare:
                _carry_out(adapter, work, character_folders)
        (work / _DONE).touch()
    _remove_old(adapter.name, work)
    return work


def content_hash(adapter: Adapter, character_folders: Sequence[Path] = ()) -> str:
    """12 hex digits of what the preparation reads: the adapter's folder, its further inputs, characters if it asks."""
    inputs = [adapter.folder, *adapter.prepare_inputs]
    if any("{characters}" in word for word in adapter.prepare):
        inputs.extend(character_folders)
    hasher = hashlib.sha256()
    for root in inputs:
        for path in _files(root):
            hasher.update(f"{path.relative_to(root.parent)}\0".encode())
            with path.open("rb") as stream:
                hasher.update(hashlib.file_digest(stream, "sha256").digest())
    return hasher.hexdigest()[:12]


def placeholders(adapter: Adapter, work: Path, character_folders: Sequence[Path], gpu: str = "0") -> dict[str, str]:
    """What stands for ``{...}`` in the adapter's commands and variables."""
    return {
        "python": sys.executable,
        "folder": str(adapter.folder),
        "work": str(work),
        "gpu": gpu,
        "characters": os.pathsep.join(map(str, character_folders)),
    }


def engine_environment(work: Path, scratch: Path) -> dict[str, str]:
    """Our own environment, but with a home and a temporary folder inside the work folder."""
    environment = {name: value for name, value in os.environ.items() if name not in _WAYS_HOME}
    if site.ENABLE_USER_SITE:  # found through HOME otherwise
        environment["PYTHONUSERBASE"] = site.getuserbase()
    home, temporary = str(work / "home"), str(scratch)
    return environment | {
        "HOME": home,
        "TMPDIR": temporary,
        "XDG_RUNTIME_DIR": temporary,
        "PYTHONUNBUFFERED": "1",  # a crash must not swallow the last words
    }


def _files(root: Path) -> Iterator[Path]:
    """A file itself, or all files of a folder that a person put there."""
    paths = [root] if root.is_file() else sorted(root.rglob("*"))
    yield from (path for path in paths if path.is_file() and "__pycache__" not in path.parts)


def _keep_in_use(work: Path) -> None:
    """Until this process ends nobody removes the folder, however the process ends."""
    if work not in _IN_USE:
        _IN_USE[work] = work.with_name(f"{work.name}.use").open("w")
        fcntl.flock(_IN_USE[work], fcntl.LOCK_SH)


def _remove_old(name: str, present: Path) -> None:
    """Of an adapter's folders keep the newest, the present one and those that a process works in."""
    folders = [
        path for path in present.parent.iterdir() if re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{12}}", path.name)
    ]
    prepared = [path for path in folders if (path / _DONE).is_file() and path != present]
    prepared.sort(key=lambda path: (path / _DONE).stat().st_mtime_ns, reverse=True)
    for path in prepared[_NUM_KEPT - 1 :]:
        with path.with_name(f"{path.name}.use").open("w") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (path / _DONE).unlink(missing_ok=True)  # should this be cut short: what is left is nothing to start from
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(lock_file: Path) -> Iterator[None]:
    """Wait until no other process holds the lock. It goes with the process, however that ends."""
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _carry_out(adapter: Adapter, work: Path, character_folders: Sequence[Path]) -> None:
    """Under a keeper, like an engine: a preparation dies with its starter too."""
    values, scratch = placeholders(adapter, work, character_folders), work / "preparing"
    scratch.mkdir()
    process = EngineProcess(
        KeeperOrder(
            command=tuple(fill(word, values) for word in adapter.prepare),
            environment=engine_environment(work, scratch) | variables(adapter, values),
            folder=str(adapter.folder),
            log=str(work / "prepare.log"),
            scratch=str(scratch),
            needs_screen=adapter.display == "xvfb",
        )
    )
    try:
        if not process.wait(_PATIENCE_S):
            raise EngineUnavailableError(f"{adapter.name}: its preparation did not end in {_PATIENCE_S:.0f} s")
        if not process.succeeded:
            raise EngineUnavailableError(f"{adapter.name}: its preparation failed: {process.how_it_ended()}")
    finally:
        process.end()


def variables(adapter: Adapter, values: Mapping[str, str]) -> dict[str, str]:
    """The adapter's own variables for the process."""
    return {name: fill(value, values) for name, value in adapter.environment.items()}
