"""One copy of the finished home and one fault: what is disturbed, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from engine_bridge.errors import EngineTimeoutError, InputError
from infra.soak.chaos_home import (
    ORDER,
    SEED,
    TRAIN,
    TRAINED,
    FinishedHome,
    contents_of,
    copy_home,
    damaged,
    finished_shards,
    stored_versions,
    versions_of,
)
from infra.soak.file_events import Deadly
from infra.soak.forked_runs import OUTPUT, ForkedRun, fork_run

_KILLED = -signal.SIGKILL
_SMALL_DISK_BYTES = 512 << 20
_PAIRS_PER_SHARD = 5


class MissedError(Exception):
    """The fault did not come about; another one is to be drawn."""


class UnavailableError(Exception):
    """The fault cannot be tried on this machine, and why."""


class BrokenPromiseError(Exception):
    """What had to happen did not, in one line."""


@dataclass
class Findings:
    """What a fault did. ``problems`` are promises that were broken, one line each.

    pairs_lost           pairs of the undisturbed datasets that are not there in the end, or are others
    pairs_again          pairs of finished shards that were rendered once more
    wrong_publications   versions that no undisturbed run has published, and a champion that nobody chose
    """

    problems: list[str] = field(default_factory=list)
    pairs_lost: int = 0
    pairs_again: int = 0
    wrong_publications: int = 0


@dataclass
class Scene:
    """A copy of the finished home in ``folder``.

    server    address of the Prefect server that runs talk to
    database  of a Prefect server that has just been made, for runs with a server of their own
    seed      of the run that has to put everything right in the end
    order     the command that is disturbed, and that has to put everything right in the end, without the seed
    whole_run         whether that is always 'f2p run', or for early stages 'f2p train', which costs half
    about_registry    whether the fault is one of the registry, which is then asked itself what it lists
    may_be_damaged    whether the fault's damage is visible until the next run, because that is what it is
    """

    finished: FinishedHome
    folder: Path
    server: str
    database: Path
    may_be_damaged: bool = False
    about_registry: bool = False
    whole_run: bool = True
    order: tuple[str, ...] = ORDER
    seed: int = SEED
    environment: dict[str, str] = field(default_factory=dict)
    runs: list[ForkedRun] = field(default_factory=list)
    findings: Findings | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.home = self.folder / "home"
        copy_home(self.finished.home, self.home)
        self._earlier = self._run_ids()
        self._versions = self.finished.versions

    # What a fault does.

    def start(
        self, *words: str, deadly: Deadly | None = None, own_server: bool = False, output: str = OUTPUT
    ) -> ForkedRun:
        """The order of the scene's seed with more ``words``, or another command than ``run``."""
        if own_server and not (self.home / "prefect").exists():
            self.bring_server_database()
        command = words if words and not words[0].startswith("-") else (*self.order, str(self.seed), *words)
        run = fork_run(
            self.home,
            *command,
            server=None if own_server else self.server,
            parts=(deadly.part,) if deadly else (),
            deadly=deadly,
            environment=self.environment,
            output=self.folder / output,
        )
        self.runs.append(run)
        return run

    def forget(self, stage: str) -> None:
        """As if a stage of the seed had never been done. What orders it again need not be the whole run."""
        shutil.rmtree(self.home / self.finished.steps[stage])
        self.order = TRAIN if stage in TRAINED and not self.whole_run else ORDER

    def unpublish(self) -> None:
        """As if only version 1 had been published yet, and nobody had chosen between the two."""
        self.forget("version")
        self.forget("creation")
        shutil.rmtree(self.home / "registry")
        shutil.copytree(self.finished.before_publication, self.home / "registry")
        self._versions = self.finished.decided

    def bring_server_database(self) -> None:
        """So that a server of the run's own need not make one."""
        (self.home / "prefect").mkdir()
        shutil.copyfile(self.database, self.home / "prefect" / "prefect.db")

    def files(self, pattern: str, seed: int) -> list[Path]:
        """Files of the home that a pattern finds; of steps, those of the seed only."""
        mine = {str(folder) for folder in self.finished.steps.values()}
        found = [path for path in sorted(self.home.glob(pattern)) if path.is_file() and path.name != ".lock"]
        if seed != SEED or not pattern.startswith(("datasets", "checkpoints", "evaluations")):
            return found
        return [path for path in found if any(folder in str(path) for folder in mine)]

    def new_runs(self) -> set[str]:
        """Runs that were begun in this scene."""
        return self._run_ids() - self._earlier

    def span_of(self, run_id: str) -> tuple[datetime, datetime]:
        """When a run began, to the second below, and when it ended, as its own record says."""
        record = json.loads((self.home / "runs" / run_id / "run.json").read_text(encoding="utf-8"))
        began = datetime.fromisoformat(record["started"])
        return began, began + timedelta(seconds=record["seconds"])

    def left_to_an_earlier_start(self) -> int:
        """Make every lease one of an earlier start of this machine, as a power cut leaves it. How many there are.

        Raises UnavailableError where a machine cannot know itself again.
        """
        owners = sorted((self.home / "cache" / "locks").glob("*.owner"))
        for path in owners:
            owner = json.loads(path.read_text(encoding="utf-8"))
            if not owner["installation"]:
                raise UnavailableError("this machine has no id that outlives a start (/etc/machine-id)")
            path.write_text(json.dumps(owner | {"machine": "an earlier start"}), encoding="utf-8")
        return len(owners)

    def wait_for_work(self, run: ForkedRun, stage: str) -> None:
        """Until the stage's folder appears."""
        run.wait_until((self.home / self.finished.steps[stage]).exists)

    def kill(self, run: ForkedRun) -> None:
        """Kill -9. Raises MissedError for a run that is over already."""
        if run.poll() is not None:
            raise MissedError
        run.kill()

    def send(self, pid: int, number: signal.Signals) -> None:
        """Raises MissedError for a process that is over already."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            raise MissedError from None

    def send_to_group(self, leader: int, number: signal.Signals) -> None:
        """Raises MissedError for processes that are over already."""
        try:
            os.killpg(leader, number)
        except ProcessLookupError:
            raise MissedError from None

    def shift_times(self, shift_s: int) -> None:
        """Every file of the home was written at another time."""
        for path in self.home.rglob("*"):
            if path.is_file():
                written = path.stat().st_mtime + shift_s
                os.utime(path, (written, written))

    # A disk of its own, for faults of disks.

    @contextlib.contextmanager
    def small_disk(self) -> Iterator[None]:
        """The home on a small disk of its own while the block lasts. Raises UnavailableError without the right to."""
        disk = self.folder / "disk"
        disk.mkdir()
        _mount("-t", "tmpfs", "-o", f"size={_SMALL_DISK_BYTES}", "chaos", str(disk))
        try:
            copy_home(self.home, disk / "home")
            self.home = disk / "home"
            yield
        finally:
            for run in self.runs:
                run.kill()
                run.left_behind()
            subprocess.run(["umount", "--lazy", str(disk)], check=True)

    def leave_free(self, free_bytes: int) -> None:
        """Fill the small disk up to so many bytes."""
        disk = os.statvfs(self.home)
        ballast_bytes = disk.f_bavail * disk.f_frsize - free_bytes
        with (self.home.parent / "ballast").open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(ballast_bytes, 1))

    def make_room(self) -> None:
        """The disk is no longer full."""
        (self.home.parent / "ballast").unlink()

    @contextlib.contextmanager
    def writing_forbidden(self) -> Iterator[None]:
        """The small disk can only be read while the block lasts."""
        disk = str(self.home.parent)
        _mount("-o", "remount,ro", disk)
        try:
            yield
        finally:
            _mount("-o", "remount,rw", disk)

    def size_of(self, stage: str) -> int:
        """Bytes that a stage leaves, and the registry for a version."""
        folder = self.finished.home / self.finished.steps[stage]
        folders = [folder, *(self.finished.home.glob("registry/*/2") if stage == "version" else [])]
        return sum(path.stat().st_size for found in folders for path in found.rglob("*") if path.is_file())

    # What must be true.

    def must_be_killed(self, run: ForkedRun) -> None:
        """Raises MissedError when the deadly moment never came."""
        status = run.wait()
        if status == 0:
            raise MissedError
        if status != _KILLED:
            raise BrokenPromiseError(f"a run that was to be killed ended with status {status}: {run.last_line}")

    def must_finish(self, run: ForkedRun, although: str) -> None:
        """The run has to end well without help."""
        if run.wait() != 0:
            raise BrokenPromiseError(f"the run did not finish although only {although}: {run.last_line}")

    def must_say(self, run: ForkedRun, *words: str) -> None:
        """One of the words has to be in the last line, which is not to be a traceback's."""
        if "Traceback" in run.output or not any(word in run.last_line for word in words):
            raise BrokenPromiseError(f"it was to say {' or '.join(map(repr, words))}, but said: {run.last_line}")

    def prove(self) -> Findings:
        """Run the order once more, then compare everything with the undisturbed home."""
        found = Findings(problems=self._left_behind())
        if not self.may_be_damaged:
            found.problems += [f"half-written, but visible: {problem}" for problem in damaged(self.home)]
        before = self._shards()
        last = self.start()
        try:
            if last.wait() != 0:
                found.problems.append(f"the next run did not finish: {last.last_line}")
        except EngineTimeoutError as error:
            found.problems.append(f"the next run: {error}")
        found.problems += self._left_behind()
        after = self._shards()
        found.pairs_again = _PAIRS_PER_SHARD * sum(after.get(name) != inode for name, inode in before.items())
        self.compare_contents(found)
        self.compare_versions(found)
        self.findings = found
        return found

    def _left_behind(self) -> list[str]:
        return [f"processes were left behind: {pids}" for run in self.runs if (pids := run.left_behind())]

    def compare_contents(self, found: Findings) -> None:
        """Every artifact's bytes with the undisturbed ones."""
        expected, there = self.finished.contents, contents_of(self.home)
        for path in sorted(expected.keys() - there.keys()):
            found.problems.append(f"missing in the end: {path}")
        for path in sorted(there.keys() - expected.keys()):
            found.problems.append(f"left over: {path}")
        other = sorted(path for path in expected.keys() & there.keys() if expected[path] != there[path])
        found.problems += [f"other bytes than undisturbed: {path}" for path in other]
        lost = [path for path in (*other, *(expected.keys() - there.keys())) if path.endswith(".tar")]
        found.pairs_lost = _PAIRS_PER_SHARD * len(lost)

    def compare_versions(self, found: Findings) -> None:
        """The registry with the undisturbed one."""
        try:
            there, expected = self._listed(), dict(self._versions)
        except (RuntimeError, InputError) as error:
            found.problems.append(f"the registry cannot be read: {error}")
            return
        identities = {identity for identity, _ in expected.values()}
        wrong = [f"version {number} was never made" for number, (name, _) in there.items() if name not in identities]
        if there != expected and not wrong:
            wrong.append(f"the registry lists {_short(there)} instead of {_short(expected)}")
        found.wrong_publications = len(wrong)
        found.problems += wrong

    def _listed(self) -> dict[str, tuple[str, bool]]:
        return versions_of(self.home, self.folder) if self.about_registry else stored_versions(self.home)

    def _shards(self) -> dict[str, int]:
        folders = sorted(self.home.glob("datasets/*"))
        return {f"{folder.name}/{name}": inode for folder in folders for name, inode in finished_shards(folder).items()}

    def _run_ids(self) -> set[str]:
        return {path.parent.name for path in self.home.glob("runs/*/run.json")}


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnavailableError(f"mounting a small disk: {done.stderr.strip() or 'not allowed'}")


def _short(versions: dict[str, tuple[str, bool]]) -> str:
    return ", ".join(f"{n}{' (champion)' if champion else ''}" for n, (_, champion) in versions.items()) or "nothing"
