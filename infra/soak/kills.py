"""A dataset is rendered by the real command line while engines are killed and frozen; then every pair is proven."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine_bridge.errors import EngineError, InputError
from f2p_datasets.manifest import read_manifest
from flows.cli.terminal import print_table
from flows.engines.orders import EngineOrder, open_engine
from flows.progress import say
from flows.settings import Settings
from infra.soak.attacks import Attack, Attacker, Hit, plan_attacks
from infra.soak.audit import Audit, audit_dataset

_NUM_SHARDS: Final = 20
#: What the record says of an engine that fell silent; one that was killed closed its connection.
_SILENCE: Final = "no answer"


@dataclass(frozen=True, kw_only=True)
class KillsConfig:
    """What is rendered, and what happens meanwhile: so many engines are killed, so many are frozen (stops)."""

    engine: EngineOrder
    character: str
    pairs: int
    kills: int
    stops: int
    seed: int
    resolution: int

    def __post_init__(self) -> None:
        if self.engine.is_mock or self.engine.is_address:
            raise InputError(f"engine: {self.engine.name} is not started by us; name an adapter of 'f2p engine list'")

    @property
    def shard_size(self) -> int:
        return -(-self.pairs // _NUM_SHARDS)

    @property
    def num_shards(self) -> int:
        return -(-self.pairs // self.shard_size)


@dataclass(frozen=True, kw_only=True)
class KillsReport:
    """What happened, and what it did to the dataset.

    restarts   reasons, as the manifest records them
    discarded  frames that were drawn and never proven, because their engine went
    attempts   attempts at shards; more than there are shards when some were thrown away
    """

    config: KillsConfig
    hits: tuple[Hit, ...]
    restarts: tuple[str, ...]
    discarded: int
    attempts: int
    canaries: int
    canary_failures: int
    audit: Audit
    render_s: float
    audit_s: float

    @property
    def freezes_detected(self) -> int:
        return sum(_SILENCE in reason for reason in self.restarts)

    @property
    def problems(self) -> list[str]:
        """One line each; none when everything is proven."""
        asked, audit = self.config, self.audit
        found = {
            "attacks were not delivered": asked.kills + asked.stops - len(self.hits),
            "attacks left no restart in the manifest": len(self.hits) - len(self.restarts),
            "freezes were not detected": asked.stops - self.freezes_detected,
            "pairs are wrong": len(audit.wrong),
            "pairs are misplaced": len(audit.misplaced),
            "pairs are missing": len(audit.missing),
            "pairs are double": len(audit.double),
        }
        return [f"{number} {what}" for what, number in found.items() if number > 0]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self) | {"freezes_detected": self.freezes_detected, "problems": self.problems}


def prove_kills(config: KillsConfig, settings: Settings) -> KillsReport:
    """Render under attack, then audit. The dataset is kept only when something is wrong with it.

    Raises EngineError when the run does not end by itself with a dataset, DatasetError when that does not verify.
    """
    attacks = plan_attacks(kills=config.kills, stops=config.stops, num_shards=config.num_shards, seed=config.seed)
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=settings.cache))
    began = time.monotonic()
    hits = _render_under_attack(config, attacks, settings, folder)
    rendered = time.monotonic()
    with closing(open_engine(replace(config.engine, instances=1), settings)) as engine:
        audit = audit_dataset(folder, engine)
    report = _report(config, folder, hits, audit, render_s=rendered - began, audit_s=time.monotonic() - rendered)
    if report.problems:
        say(f"  [red]the dataset stays in {folder}[/]")
    else:
        shutil.rmtree(folder)
    return report


def print_kills(report: KillsReport) -> None:
    """For people."""
    hits = [(hit.at_s, hit.signal, hit.pid, hit.shards) for hit in report.hits]
    print_table(("second", "signal", "process", "shards finished"), hits)
    print_table(("what", "found"), [*_events(report), *_findings(report)])


def _events(report: KillsReport) -> list[tuple[str, Any]]:
    hits = Counter(hit.signal for hit in report.hits)
    return [
        ("engines killed (kill -9)", hits["SIGKILL"]),
        ("engines frozen (SIGSTOP), detected", f"{hits['SIGSTOP']}, {report.freezes_detected}"),
        ("restarts recorded", len(report.restarts)),
        ("unproven frames thrown away", report.discarded),
        ("shards, attempts at them", f"{report.config.num_shards}, {report.attempts}"),
        ("canaries, of them different", f"{report.canaries}, {report.canary_failures}"),
    ]


def _findings(report: KillsReport) -> list[tuple[str, Any]]:
    audit = report.audit
    return [
        ("pairs, each rendered once more", audit.pairs),
        ("wrong, misplaced", f"{len(audit.wrong)}, {len(audit.misplaced)}"),
        ("missing, double", f"{len(audit.missing)}, {len(audit.double)}"),
        ("repeatability of the engine", audit.repeatability),
        ("largest difference of a pair", audit.largest),
        ("rendering, audit", f"{report.render_s:.0f} s, {report.audit_s:.0f} s"),
        ("verdict", "; ".join(report.problems) or "proven"),
    ]


def _render_under_attack(
    config: KillsConfig, attacks: list[Attack], settings: Settings, folder: Path
) -> tuple[Hit, ...]:
    with _rendering(config, settings, folder) as render:
        attacker = Attacker(render, folder, config.seed)
        attacker.carry_out(attacks)
    if render.returncode != 0:
        raise EngineError(
            f"f2p render ended with status {render.returncode} after {len(attacker.hits)} attacks: {folder}"
        )
    return tuple(attacker.hits)


@contextmanager
def _rendering(config: KillsConfig, settings: Settings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``f2p render`` as a user would call it; what it says goes to standard error."""
    command = [
        *(sys.executable, "-m", "flows.cli", "render", "--home", str(settings.home), "--out", str(folder)),
        *("--engine", config.engine.name, "--instances", str(config.engine.instances)),
        *("--character", config.character, "--count", str(config.pairs), "--shard-size", str(config.shard_size)),
        *("--seed", str(config.seed), "--resolution", str(config.resolution)),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _report(config: KillsConfig, folder: Path, hits: tuple[Hit, ...], audit: Audit, **seconds: float) -> KillsReport:
    happened = read_manifest(folder).rendering or {}
    attempts = [attempt for shard in happened["attempts"].values() for attempt in shard]
    return KillsReport(
        config=config,
        hits=hits,
        restarts=tuple(reason for attempt in attempts for reason in attempt["restarts"]),
        discarded=happened["frames_discarded"],
        attempts=len(attempts),
        canaries=happened["canaries"],
        canary_failures=happened["canary_failures"],
        audit=audit,
        **{name: round(spent, 1) for name, spent in seconds.items()},
    )
