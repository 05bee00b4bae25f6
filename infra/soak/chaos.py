"""Faults of every kind, one at a time, on copies of a finished home; after each the next run has to put all right."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine_bridge.errors import EngineError, EngineTimeoutError, InputError
from flows.cli.terminal import print_table
from flows.orchestrator import start_orchestrator
from flows.progress import say
from flows.settings import Settings
from infra.soak.chaos_faults import FAULTS
from infra.soak.chaos_home import FinishedHome, contents_of, make_home
from infra.soak.chaos_scene import BrokenPromiseError, Findings, MissedError, Scene, UnavailableError
from infra.soak.forked_runs import preload

#: Faults whose damage is visible until the next run: that is what they are.
_DAMAGING: Final = "damaged"
_REGISTRY: Final = ("publish", "version", "registry")
#: The other injections order no more than they disturb, as far as that is training.
_WHOLE_EVERY: Final = 4
_WHOLE: Final = ("record", "two equal", "waited")
_DRAWS: Final = 20


@dataclass(frozen=True, kw_only=True)
class ChaosConfig:
    """So many injections of the faults with these ``words`` in their names, or of all, in proportion to their weights.

    only         the number of a single injection, to see it again; None for all
    max_minutes  after which no injection is begun any more; None for no limit
    """

    injections: int
    seed: int = 0
    words: tuple[str, ...] = ()
    only: int | None = None
    max_minutes: float | None = None

    @property
    def faults(self) -> list[str]:
        """Names, in the order of the table."""
        fitting = [name for name in FAULTS if not self.words or any(word in name for word in self.words)]
        if not fitting:
            raise InputError(f"fault: none is called {' or '.join(self.words)}; there are: {'; '.join(FAULTS)}")
        return fitting


@dataclass(frozen=True, kw_only=True)
class Injection:
    """One fault as it was tried. ``unavailable`` says why it could not be."""

    number: int
    fault: str
    detail: str
    seconds: float
    findings: Findings
    unavailable: str = ""

    @property
    def recovered(self) -> bool:
        return not self.findings.problems and not self.unavailable


@dataclass(frozen=True, kw_only=True)
class ChaosReport:
    """Every injection, and what is wrong with the files that all copies share."""

    config: ChaosConfig
    injections: tuple[Injection, ...]
    shared_files: tuple[str, ...]
    seconds: float

    @property
    def problems(self) -> list[str]:
        """One line each."""
        found = [
            f"#{injection.number} {injection.fault} ({injection.detail}): {problem}"
            for injection in self.injections
            for problem in injection.findings.problems
        ]
        return found + [f"a run wrote into a finished file: {path}" for path in self.shared_files]

    @property
    def num_ordered(self) -> int:
        """Injections that were asked for."""
        return self.config.injections if self.config.only is None else 1

    @property
    def num_untried(self) -> int:
        """Those that could not be tried on this machine, or for which no time was left."""
        return self.num_ordered - sum(not injection.unavailable for injection in self.injections)

    @property
    def verdict(self) -> str:
        """In a few words. Only what was tried is proven."""
        if self.problems:
            return "something is wrong"
        if self.num_untried:
            return f"nothing wrong was found, but {self.num_untried} of {self.num_ordered} injections were not tried"
        return "proven"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self) | {"problems": self.problems, "num_untried": self.num_untried, "verdict": self.verdict}


def plan_injections(config: ChaosConfig) -> list[str]:
    """A fault for each injection: every one at least once if there are enough, the rest by weight, in mixed order."""
    names = config.faults
    each = 1 if config.injections >= len(names) else 0
    spread = config.injections - each * len(names)
    weights = np.array([FAULTS[name][0] for name in names], float)
    ideal = spread * weights / weights.sum()
    counts = np.floor(ideal).astype(int)
    for index in np.argsort(counts - ideal, kind="stable")[: spread - counts.sum()]:
        counts[index] += 1
    counts += each
    planned = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    return [planned[index] for index in np.random.default_rng(config.seed).permutation(len(planned))]


def prove_chaos(config: ChaosConfig, settings: Settings) -> ChaosReport:
    """Make the finished home, then try one fault after another. Copies on which something is wrong are kept.

    Raises EngineError when the undisturbed runs fail.
    """
    planned = plan_injections(config)
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=settings.cache))
    began = time.monotonic()
    start_orchestrator(settings)
    preload(folder)
    database = _new_database(settings, folder)
    server = os.environ["PREFECT_API_URL"]
    finished = make_home(folder / "finished" / "home", server)
    say(f"  finished home after {time.monotonic() - began:.0f} s")
    stage = _Stage(finished, server, database, folder)
    until = began + 60 * config.max_minutes if config.max_minutes else float("inf")
    injections = tuple(
        _tried(stage, number, fault, config.seed)
        for number, fault in enumerate(planned)
        if config.only in (None, number) and time.monotonic() < until
    )
    report = ChaosReport(
        config=config,
        injections=injections,
        shared_files=tuple(_changed(finished)),
        seconds=round(time.monotonic() - began, 1),
    )
    if not report.problems:
        shutil.rmtree(folder)
    return report


@dataclass(frozen=True)
class _Stage:
    """What all scenes have in common."""

    finished: FinishedHome
    server: str
    database: Path
    folder: Path


def _tried(stage: _Stage, number: int, fault: str, seed: int) -> Injection:
    """Draw until the fault comes about, then see what it did."""
    began = time.monotonic()
    for draw in _generators(seed, number):
        folder = stage.folder / f"{number:04d}"
        scene = Scene(
            stage.finished,
            folder,
            stage.server,
            stage.database,
            may_be_damaged=_DAMAGING in fault,
            about_registry=any(word in fault for word in _REGISTRY),
            whole_run=number % _WHOLE_EVERY == 0 or any(word in fault for word in _WHOLE),
        )
        try:
            detail, findings, unavailable = _disturbed(scene, fault, draw)
        except MissedError:
            _end(scene)
            shutil.rmtree(folder)
            continue
        injection = Injection(
            number=number,
            fault=fault,
            detail=detail,
            seconds=round(time.monotonic() - began, 1),
            findings=findings,
            unavailable=unavailable,
        )
        _tell(injection, folder)
        if not findings.problems:
            shutil.rmtree(folder)
        return injection
    raise EngineError(f"{fault}: it did not come about in {_DRAWS} attempts")


def _disturbed(scene: Scene, fault: str, draw: np.random.Generator) -> tuple[str, Findings, str]:
    """What was done, what came of it, and why it could not be done."""
    try:
        detail = FAULTS[fault][1](scene, draw)
        return detail, scene.findings or scene.prove(), ""
    except MissedError:
        raise
    except UnavailableError as reason:
        return "", Findings(), str(reason)
    except (BrokenPromiseError, EngineTimeoutError) as broken:
        _end(scene)
        return "", Findings(problems=[str(broken)]), ""
    except Exception as error:  # one trial that fails by itself is no reason to lose the others
        _end(scene)
        return "", Findings(problems=[f"the trial itself failed: {type(error).__name__}: {error}"]), ""


def _generators(seed: int, number: int) -> Iterator[np.random.Generator]:
    return (np.random.default_rng([seed, number, attempt]) for attempt in range(_DRAWS))


def _end(scene: Scene) -> None:
    for run in scene.runs:
        run.kill()
        run.left_behind()


def _tell(injection: Injection, folder: Path) -> None:
    mark = "[green]✓[/]" if injection.recovered else "[yellow]-[/]" if injection.unavailable else "[red]✗[/]"
    say(f"{mark} #{injection.number} {injection.fault}: {injection.detail or injection.unavailable}")
    for problem in injection.findings.problems:
        say(f"    [red]{problem}[/] (in {folder})")


def _changed(finished: FinishedHome) -> list[str]:
    """Files of the finished home that are no longer what they were."""
    there = contents_of(finished.home)
    return sorted(path for path, digest in finished.contents.items() if there.get(path) != digest)


def _new_database(settings: Settings, folder: Path) -> Path:
    """A copy of the Prefect server's database."""
    copied = folder / "prefect.db"
    with (
        closing(sqlite3.connect(settings.prefect / "prefect.db")) as source,
        closing(sqlite3.connect(copied)) as target,
    ):
        source.backup(target)
    return copied


def print_chaos(report: ChaosReport) -> None:
    """For people."""
    header = ("fault", "injected", "recovered", "pairs lost", "rendered again", "wrong publications")
    names = [name for name in FAULTS if any(injection.fault == name for injection in report.injections)]
    rows = [_row(name, [found for found in report.injections if found.fault == name]) for name in names]
    print_table(header, [*rows, _row("all", report.injections)])
    for injection in report.injections:
        if injection.unavailable:
            print(f"not tried: {injection.fault}: {injection.unavailable}")
    for problem in report.problems:
        print(problem)
    print(f"{report.seconds:.0f} s, seed {report.config.seed}: {report.verdict}")


def _row(name: str, injections: Sequence[Injection]) -> tuple[Any, ...]:
    tried = [injection for injection in injections if not injection.unavailable]
    findings = [injection.findings for injection in tried]
    return (
        name,
        len(tried),
        sum(injection.recovered for injection in tried),
        sum(found.pairs_lost for found in findings),
        sum(found.pairs_again for found in findings),
        sum(found.wrong_publications for found in findings),
    )
