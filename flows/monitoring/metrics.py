"""The state of a home as Prometheus reads it: nights, stages, gates, versions, disk.

Everything is read from the home when somebody asks, so the numbers are right whoever wrote them: a night, a run by
hand, another machine on the same disk. A part that cannot be read (a damaged database) is reported as such and hides no
other. docs/monitoring.md lists the names, and ``infra/monitoring`` has alerts on them.
"""

from __future__ import annotations

import errno
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, get_args

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from engine_bridge.errors import InputError
from flows.monitoring.night_history import NightHistory, read_history
from flows.monitoring.run_history import RunHistory, count_by_status, count_refusals, last_of_each_stage
from flows.nights.records import Ending
from flows.settings import Settings

LOOPBACK: Final = "127.0.0.1"
#: A character that no night has met for so long was taken out of the schedule: nobody is to be woken for it.
FORGOTTEN_AFTER: Final = timedelta(days=14)


class HomeCollector(Collector):
    """Reads one home anew for every scrape. Any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runs = RunHistory(settings)
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Families of metrics; a part that fails is a 1 under ``f2p_unreadable``."""
        unreadable = _gauge("unreadable", "1 when this part of the home could not be read.", "part")
        with self._lock:
            for part, read in self._parts().items():
                try:
                    families = list(read())
                except Exception:  # whatever is damaged fails in its own way, and the other parts are wanted
                    families = []
                    unreadable.add_metric([part], 1)
                else:
                    unreadable.add_metric([part], 0)
                yield from families
        yield unreadable

    def _parts(self) -> dict[str, Callable[[], Iterable[Metric]]]:
        return {
            "version": _version,
            "disk": lambda: _disk(self._settings),
            "nights": lambda: _nights(read_history(self._settings)),
            "runs": lambda: _run_families(self._runs),
            "registry": lambda: _registry(self._settings),
        }


def metrics_text(settings: Settings) -> str:
    """Everything in Prometheus' text format."""
    return generate_latest(_collectors(settings)).decode()


def metrics_table(settings: Settings) -> list[dict[str, Any]]:
    """The same as rows of ``name``, ``labels`` and ``value``."""
    samples = (sample for family in HomeCollector(settings).collect() for sample in family.samples)
    return [{"name": sample.name, "labels": sample.labels, "value": sample.value} for sample in samples]


@contextmanager
def metrics_server(settings: Settings, port: int, *, host: str = LOOPBACK) -> Iterator[str]:
    """Serve the metrics until the block ends, and give their URL. Port 0 takes a free one.

    Raises InputError when the port cannot be had.
    """
    try:
        server, thread = start_http_server(port, addr=host, registry=_collectors(settings))
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        way_out = "give another port, or 0 for any free one" if taken else "give an address of this machine"
        raise InputError(f"metrics: cannot listen on {host}:{port} ({error.strerror}); {way_out}") from error
    try:
        metrics_text(settings)  # the first look imports what takes seconds, which would be too long for a scrape
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@cache
def _collectors(settings: Settings) -> CollectorRegistry:
    """One per home: it keeps what it has read. Python's own figures of this process would say nothing about a home."""
    collectors = CollectorRegistry(auto_describe=False)
    collectors.register(HomeCollector(settings))
    return collectors


def _version() -> Iterator[Metric]:
    from importlib.metadata import version

    yield InfoMetricFamily("f2p", "What is installed.", {"version": version("f2p")})


def _disk(settings: Settings) -> Iterator[Metric]:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    usage = shutil.disk_usage(place)
    yield _gauge("disk_free_bytes", "Free space on the disk of the home.", value=usage.free)
    yield _gauge("disk_size_bytes", "Size of the disk of the home.", value=usage.total)
    database = settings.prefect / "prefect.db"
    size = database.stat().st_size if database.is_file() else 0
    yield _gauge("prefect_database_bytes", "Size of Prefect's own database in the home.", value=size)


def _nights(history: NightHistory) -> Iterator[Metric]:
    now = datetime.now(UTC)
    over = Counter(night.status for night in history.nights if night.status != "running")
    total = _counter("nights", "Nights that are over, by how they ended.", "status")
    for status, number in sorted(over.items()):
        total.add_metric([status], number)
    yield total
    running = bool(history.nights) and history.nights[-1].status == "running"
    yield _gauge("night_running", "1 while the last night is under way, or was killed.", value=running)
    yield _gauge("nights_damaged", "Records of nights that cannot be read.", value=len(history.damaged))
    if last := history.last_finished:
        age = (now - last.ended).total_seconds()
        yield _gauge("night_age_seconds", "Since the last finished night ended.", value=age)
        yield _gauge("night_duration_seconds", "How long the last finished night took.", value=last.seconds)
    yield from _characters(history, now)


def _characters(history: NightHistory, now: datetime) -> Iterator[Metric]:
    status = _gauge("character_status", "1 for what the character's last night ended with.", "character", "status")
    age = _gauge("character_age_seconds", "Since the character's last night ended.", "character")
    good = _gauge("character_good_age_seconds", "Since the character was last published or unchanged.", "character")
    scheduled = {
        character: (night, outcome)
        for character, (night, outcome) in sorted(history.last_outcomes().items())
        if now - night.ended < FORGOTTEN_AFTER
    }
    for character, (night, outcome) in scheduled.items():
        for name in dict.fromkeys((*get_args(Ending), outcome.status)):
            status.add_metric([character, name], name == outcome.status)
        age.add_metric([character], (now - night.ended).total_seconds())
    for character, (night, _) in sorted(history.last_outcomes(good_only=True).items()):
        if character in scheduled:
            good.add_metric([character], (now - night.ended).total_seconds())
    yield from (status, age, good)


def _run_families(history: RunHistory) -> Iterator[Metric]:
    runs = history.read()
    total = _counter("runs", "Runs that are over, by how they ended.", "character", "status")
    for labels, number in sorted(count_by_status(runs).items()):
        total.add_metric(labels, number)
    refusals = _counter("gate_failures", "How often a gate was not met.", "character", "stage", "gate")
    for labels_of_gate, number in sorted(count_refusals(runs).items()):
        refusals.add_metric(labels_of_gate, number)
    seconds = _gauge("stage_seconds", "How long the stage took when all of it was last done.", "character", "stage")
    for labels, step in sorted(last_of_each_stage(runs, whole=True).items()):
        seconds.add_metric(labels, step.seconds)
    pairs = _gauge("stage_pairs", "Pairs, or photos, in the stage's last dataset.", "character", "stage")
    rejects = _gauge("stage_rejects", "Pairs that were drawn for it and thrown away.", "character", "stage")
    for labels, step in sorted(last_of_each_stage(runs, whole=False).items()):
        if step.pairs is not None:
            pairs.add_metric(labels, step.pairs)
            rejects.add_metric(labels, step.rejects)
    damaged = _gauge("runs_damaged", "Records of runs that cannot be read.", value=history.num_damaged)
    yield from (total, refusals, seconds, pairs, rejects, damaged)


def _registry(settings: Settings) -> Iterator[Metric]:
    """One look per character, at its champion: a hundred characters have thousands of versions."""
    from flows.published import open_registry

    registry = open_registry(settings)
    versions = _gauge("registry_versions", "Published versions that are kept.", "character")
    champion = _gauge("registry_champion_version", "The version in use.", "character")
    score = _gauge("registry_champion_score", "Its score on the held-out set; higher is better.", "character")
    age = _gauge("registry_champion_age_seconds", "Since it was published.", "character")
    for shelf in sorted(settings.registry.glob("*/")):
        numbers = [path for path in shelf.glob("[0-9]*") if path.is_dir()]
        versions.add_metric([shelf.name], len(numbers))
        if numbers:
            found = registry.get(shelf.name)
            champion.add_metric([shelf.name], found.version)
            score.add_metric([shelf.name], found.metrics["score"])
            published = datetime.fromisoformat(found.published_at)
            age.add_metric([shelf.name], (datetime.now(UTC) - published).total_seconds())
    yield from (versions, champion, score, age)


def _gauge(name: str, documentation: str, *labels: str, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"f2p_{name}", documentation, value=value, labels=None if value is not None else labels)


def _counter(name: str, documentation: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"f2p_{name}", documentation, labels=labels)
