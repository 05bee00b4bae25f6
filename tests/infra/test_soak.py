"""The long proofs in small: that they attack what they say, and that they would find what they look for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.errors import InputError
from engine_bridge.mock import MockEngine
from f2p_datasets.manifest import DatasetManifest, finish_dataset, read_manifest
from f2p_datasets.pairs import Pair
from f2p_datasets.rendering import DatasetPlan, render_shard
from f2p_datasets.shards import read_shard, write_shard
from infra.soak.attacks import plan_attacks
from infra.soak.audit import audit_dataset

ROOT = Path(__file__).parents[2]
COUNT = 6


@pytest.fixture(scope="module")
def engine() -> MockEngine:
    return MockEngine()


@pytest.fixture
def dataset(engine: MockEngine, tmp_path: Path) -> Path:
    """Six pairs in one shard."""
    plan = DatasetPlan(schema=engine.describe("tiny"), count=COUNT, seed=3, resolution=64, shard_size=COUNT)
    folder = tmp_path / "dataset"
    render_shard(engine, plan, 0, folder)
    finish_dataset(folder, plan.provenance(engine))
    return folder


def store(folder: Path, pairs: Sequence[Pair]) -> DatasetManifest:
    """The folder's dataset with other pairs, as consistent in itself as the first one was."""
    provenance = read_manifest(folder).provenance
    write_shard(folder, 0, iter(pairs), provenance)
    return finish_dataset(folder, provenance)


def stored(folder: Path) -> list[Pair]:
    return list(read_shard(folder / "shard-000000.tar"))


def test_a_dataset_that_tells_the_truth_passes(dataset: Path, engine: MockEngine) -> None:
    audit = audit_dataset(dataset, engine)
    assert audit.pairs == COUNT
    assert (audit.wrong, audit.misplaced, audit.missing, audit.double) == ((), (), (), ())


def test_swapped_pictures_are_wrong(dataset: Path, engine: MockEngine) -> None:
    one, other, *rest = stored(dataset)
    swapped = replace(one, picture=other.picture, mask=other.mask), replace(other, picture=one.picture, mask=one.mask)
    store(dataset, [*swapped, *rest])
    assert audit_dataset(dataset, engine).wrong == (0, 1)


def test_a_mask_that_is_off_by_a_pixel_is_wrong(dataset: Path, engine: MockEngine) -> None:
    *rest, last = stored(dataset)
    assert last.mask is not None
    mask = last.mask.copy()
    mask[0, 0] = 5
    store(dataset, [*rest, replace(last, mask=mask)])
    audit = audit_dataset(dataset, engine)
    assert (audit.wrong, audit.largest.mask_pixels) == ((COUNT - 1,), 1)


def test_pairs_that_answer_each_others_requests_are_misplaced(dataset: Path, engine: MockEngine) -> None:
    one, other, *rest = stored(dataset)
    store(dataset, [replace(other, index=0), replace(one, index=1), *rest])
    audit = audit_dataset(dataset, engine)
    assert (audit.wrong, audit.misplaced) == ((), (0, 1))


def test_a_pair_that_is_there_twice_is_double_and_the_other_is_missing(dataset: Path, engine: MockEngine) -> None:
    *rest, before, _last = stored(dataset)
    store(dataset, [*rest, before, replace(before, index=COUNT - 1)])
    assert audit_dataset(dataset, engine).double == (COUNT - 2, COUNT - 1)
    store(dataset, [*rest, before])
    assert audit_dataset(dataset, engine).missing == (COUNT - 1,)


def test_attacks_are_spread_over_the_run_and_follow_from_the_seed() -> None:
    attacks = plan_attacks(kills=10, stops=1, num_shards=20, seed=0)
    moments = [attack.moment for attack in attacks]
    assert moments == sorted(moments)
    assert moments[0] >= 2
    assert moments[-1] < 19
    assert max(later - earlier for earlier, later in pairwise(moments)) < 2 * 17 / 11
    assert Counter(attack.signal for attack in attacks) == {signal.SIGKILL: 10, signal.SIGSTOP: 1}
    assert attacks == plan_attacks(kills=10, stops=1, num_shards=20, seed=0)
    assert attacks != plan_attacks(kills=10, stops=1, num_shards=20, seed=1)


def test_too_few_shards_for_attacks_are_refused() -> None:
    with pytest.raises(InputError, match="render more pairs"):
        plan_attacks(kills=1, stops=0, num_shards=3, seed=0)


@pytest.fixture
def environment(migrated: Callable[[Path], Path], tmp_path: Path) -> dict[str, str]:
    """For proofs in processes of their own. Every frame takes a while, so that there is time to attack."""
    return {**os.environ, "F2P_HOME": str(migrated(tmp_path / "home")), "F2P_MOCK_FAULTS": "slow=0.1"}


def prove(*arguments: str, environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Exit status and report."""
    command = [sys.executable, "-m", "infra.soak", *arguments, "--engine", "mock_remote", "--character", "tiny"]
    done = subprocess.run(
        [*command, "--resolution", "64", "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_and_frozen_engines_leave_no_wrong_missing_or_double_pair(environment: dict[str, str]) -> None:
    # Of two engines, a small shard may well need only one; and an idle one that is frozen is missed by nobody.
    order = ("--pairs", "60", "--kills", "2", "--stops", "1", "--instances", "1")
    status, report = prove("kills", *order, environment=environment)
    assert report["problems"] == []
    assert status == 0
    assert Counter(hit["signal"] for hit in report["hits"]) == {"SIGKILL": 2, "SIGSTOP": 1}
    assert len(report["restarts"]) == 3
    assert report["freezes_detected"] == 1
    assert report["audit"]["pairs"] == 60


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_memory_stays_as_it_is(environment: dict[str, str]) -> None:
    quick = {name: value for name, value in environment.items() if name != "F2P_MOCK_FAULTS"}
    status, report = prove("memory", "--pairs", "200", environment=quick)
    assert (status, report["problems"]) == (0, [])
    assert report["samples"][-1]["pairs"] == 200


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_engine_that_grows_is_found(environment: dict[str, str]) -> None:
    growing = environment | {"F2P_MOCK_FAULTS": "memory=4"}
    status, report = prove("memory", "--pairs", "60", environment=growing)
    assert status == 1
    assert report["problems"][0].startswith("engines: memory grew by")
