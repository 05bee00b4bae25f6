"""Benchmark of the orchestrator: the same shards with and without Prefect around them, side by side.

    python -m infra.bench.orchestrator [--count 4000] [--resolution 256] [--shard-size 250] [--workers 2] [--repeat 1]
    python -m infra.bench.orchestrator --count 20000 --shard-size 100        # a night's worth: 200 shards

Both ways use the same worker processes, started anew and with kernels already compiled, and both end with a dataset
that is finished and has passed its gate. What Prefect adds is the difference: its local server, the flow, one task per
shard, retries and artifacts; and what its database grows by. Repeated, both ways take turns and medians are told.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from f2p_datasets.manifest import finish_dataset
from f2p_datasets.rendering import DatasetPlan, render_shard
from flows.engines.orders import EngineOrder, open_engine
from flows.engines.workers import EngineWorkers
from flows.gates.data import check_dataset
from flows.gates.limits import GateLimits
from flows.settings import Settings, prepare_environment


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000, help="pairs per way")
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--shard-size", type=int, default=250, help="pairs per shard, and so per task")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1, help="how often both ways take turns")
    parser.add_argument("--character", default="justice_female")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench_orchestrator(Path(folder), options)


def bench_orchestrator(home: Path, options: argparse.Namespace) -> None:
    """Pairs/s with our workers alone, and with Prefect; the share of the time that Prefect takes."""
    settings = Settings(home=home)
    prepare_environment(settings)
    _flow(settings, options, count=options.shard_size, seed=0)  # compiles kernels, makes Prefect's database
    before = _database_bytes(settings)
    turns = []
    for seed in range(1, options.repeat + 1):
        turns.append(
            (_workers_alone(settings, options, seed), *_flow(settings, options, count=options.count, seed=seed))
        )
        shutil.rmtree(settings.datasets)
    alone, total, steps = (median(column) for column in zip(*turns, strict=True))
    grown = (_database_bytes(settings) - before) / options.repeat
    print(f"\n| {options.count} pairs, {options.resolution} px, {options.workers} workers | s | pairs/s |")
    print("|---|---|---|")
    for name, seconds in (("our workers alone", alone), ("f2p render, its step", steps), ("f2p render, all", total)):
        print(f"| {name} | {seconds:.1f} | {options.count / seconds:.0f} |")
    shares = [with_prefect / without - 1 for without, _, with_prefect in turns]
    each = ", ".join(f"{share:+.1%}" for share in shares)
    print(f"\ntasks, retries, artifacts: {median(shares):+.1%}, by turns {each}")
    print(f"server, flow, imports: {total - steps:.1f} s once, {total / alone - 1:+.1%} in all")
    print(f"Prefect's database grew by {grown / 1e6:.2f} MB")


def _workers_alone(settings: Settings, options: argparse.Namespace, seed: int) -> float:
    engine = open_engine(EngineOrder(), settings)
    plan = DatasetPlan(
        schema=engine.describe(options.character),
        count=options.count,
        seed=seed,
        resolution=options.resolution,
        shard_size=options.shard_size,
    )
    provenance = plan.provenance(engine)
    folder = settings.datasets / "alone"
    start = time.perf_counter()
    workers = EngineWorkers(engine=EngineOrder(), settings=settings, num_workers=options.workers)

    def render(shard_index: int) -> None:
        workers.do(render_shard, plan, shard_index, folder, deadline_s=600.0)

    with ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(render, range(plan.num_shards)))
    workers.close()
    finish_dataset(folder, provenance)
    assert all(check.passed for check in check_dataset(folder, GateLimits()))
    return time.perf_counter() - start


def _database_bytes(settings: Settings) -> int:
    """With what is not yet written back from its log."""
    return sum(path.stat().st_size for path in settings.prefect.glob("prefect.db*"))


def _flow(settings: Settings, options: argparse.Namespace, *, count: int, seed: int) -> tuple[float, float]:
    """Seconds of the whole command, and of its one step."""
    command = [
        *(sys.executable, "-m", "flows.cli", "render", "--json", "--home", str(settings.home)),
        *("--character", options.character, "--count", str(count), "--seed", str(seed)),
        *("--resolution", str(options.resolution), "--shard-size", str(options.shard_size)),
        *("--workers", str(options.workers)),
    ]
    start = time.perf_counter()
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ)
    return time.perf_counter() - start, float(json.loads(result.stdout)["seconds"])


if __name__ == "__main__":
    main()
