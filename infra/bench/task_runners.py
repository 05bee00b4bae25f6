"""Benchmark of Prefect's task runners: threads of this process, a local Dask cluster and a local Ray, side by side.

    python -m infra.bench.task_runners [--tasks 200] [--workers 2] [--repeat 3]

Tasks that only return their index, so what is measured is the way to the workers and back, and Prefect itself, which
the threads have as well. Each row is the median of its repetitions; the runners take turns. Ray is no part of f2p:
without it its row is left out. The others need ``f2p[dask]``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flows.orchestrator import start_orchestrator
from flows.settings import Settings, prepare_environment

PACKAGES: Final = {"threads": None, "Dask": "prefect-dask", "Ray": "prefect-ray"}
#: For each worker process to have imported what a task needs.
_WARM_UP_TASKS_PER_WORKER = 10
#: For Prefect's server to have written down what the round before it told.
_SETTLE_S = 5.0


def main() -> None:
    """Print one table, and the conditions it was measured under."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=200, help="timed tasks per round")
    parser.add_argument("--workers", type=int, default=2, help="threads, or processes of one thread each")
    parser.add_argument("--repeat", type=int, default=3, help="rounds per runner")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        prepare_environment(settings)
        start_orchestrator(settings)
        bench_task_runners(settings.home, options)


def bench_task_runners(home: Path, options: argparse.Namespace) -> None:
    """Starting, a task and stopping with each runner that is installed."""
    from infra.bench.task_rounds import Round, play_round

    runners = dict(_runners(home, options.workers))
    play_round(runners["threads"](), num_tasks=1, warm_up=0)  # what only the first flow of a process takes
    warm_up = options.workers * _WARM_UP_TASKS_PER_WORKER
    rounds: dict[str, list[Round]] = {name: [] for name in runners}
    loads = []
    for _ in range(options.repeat):
        for name, make in runners.items():
            time.sleep(_SETTLE_S)
            loads.append(os.getloadavg()[0])
            rounds[name].append(play_round(make(), num_tasks=options.tasks, warm_up=warm_up))
    print(f"\n| {options.tasks} tasks, {options.workers} workers | start s | per task ms | stop s | ", end="")
    print("processes | their memory MB | packages beside f2p's | MB on disk |")
    print("|---|---|---|---|---|---|---|---|")
    for name, measured in rounds.items():
        typical = {field.name: median(getattr(each, field.name) for each in measured) for field in fields(Round)}
        packages, megabytes = _brought(PACKAGES[name])
        print(
            f"| {name} | {typical['start_s']:.1f} | {typical['task_ms']:.1f} "
            f"({min(each.task_ms for each in measured):.1f} to {max(each.task_ms for each in measured):.1f}) | "
            f"{typical['stop_s']:.1f} | {typical['processes']:.0f} | {typical['memory_mb']:.0f} | "
            f"{packages} | {megabytes:.0f} |"
        )
    found = [f"{name} {version(name)}" for name in ("prefect", "distributed", "ray") if find_spec(name)]
    print(f"\nmedian of {options.repeat}; load before a round {min(loads):.1f} to {max(loads):.1f}; {', '.join(found)}")


def _runners(home: Path, workers: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each runner that is installed by its name; a new one for every round."""
    from prefect.task_runners import ThreadPoolTaskRunner

    from flows.scaling.fan_out import dask_task_runner

    yield "threads", lambda: ThreadPoolTaskRunner(max_workers=workers)
    yield "Dask", lambda: dask_task_runner(Settings(home=home, dask=f"local:{workers}"))
    if find_spec("prefect_ray"):
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from prefect_ray import RayTaskRunner

        settings = {
            "num_cpus": workers,
            "include_dashboard": False,  # Dask's is off as well
            "log_to_driver": False,
            "logging_level": "ERROR",
            "_temp_dir": str(home / "ray"),
        }
        yield "Ray", lambda: RayTaskRunner(init_kwargs=settings)
    else:
        print("no Ray: pip install prefect-ray")


def _brought(package: str | None) -> tuple[int, float]:
    """How many packages this one needs, itself included, that f2p does not; their MB on disk."""
    extra = _needed(package) - _needed("f2p") if package else set()
    paths = (Path(str(path.locate())) for name in extra for path in distribution(name).files or ())
    return len(extra), sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def _needed(
    package: str, extras: frozenset[str] = frozenset(), seen: set[tuple[str, frozenset[str]]] | None = None
) -> set[str]:
    """Names of the installed packages that this one needs, directly or not, and its own."""
    seen = set() if seen is None else seen
    name = canonicalize_name(package)
    if (name, extras) not in seen:
        with suppress(PackageNotFoundError):
            wanted = [Requirement(line) for line in distribution(name).requires or ()]
            seen.add((name, extras))
            for one in wanted:
                if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                    _needed(one.name, frozenset(one.extras), seen)
    return {known for known, _ in seen}


if __name__ == "__main__":
    main()
