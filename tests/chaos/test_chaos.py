"""Faults in minutes: every kind once, on real runs, and after each the next run has put all right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.errors import InputError
from infra.soak.chaos import ChaosConfig, ChaosReport, Injection, plan_injections
from infra.soak.chaos_faults import FAULTS
from infra.soak.chaos_scene import Findings

ROOT = Path(__file__).parents[2]


def injection(**values: Any) -> Injection:
    found = {"number": 3, "fault": "full disk", "detail": "imitator", "seconds": 1.0, "findings": Findings()}
    return Injection(**found | values)


def report(*injections: Injection, shared_files: tuple[str, ...] = ()) -> ChaosReport:
    config = ChaosConfig(injections=len(injections))
    return ChaosReport(config=config, injections=injections, shared_files=shared_files, seconds=1.0)


def test_every_fault_is_tried_when_there_are_enough_injections() -> None:
    planned = Counter(plan_injections(ChaosConfig(injections=200)))
    assert planned.total() == 200
    assert planned.keys() == FAULTS.keys()
    assert planned["kill -9 of the flow, while training"] > planned["read-only home"]


def test_injections_follow_from_the_seed() -> None:
    first, again, other = (plan_injections(ChaosConfig(injections=50, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_faults_are_chosen_by_words_of_their_names() -> None:
    assert set(plan_injections(ChaosConfig(injections=9, words=("full disk", "read-only")))) == {
        "full disk",
        "read-only home",
    }


def test_a_fault_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError, match="fault: none is called earthquake; there are: kill -9 of the flow"):
        plan_injections(ChaosConfig(injections=1, words=("earthquake",)))


def test_a_broken_promise_is_named_with_the_number_of_the_injection_that_shows_it_again() -> None:
    broken = injection(findings=Findings(problems=["missing in the end: datasets/x"]))
    assert not broken.recovered
    assert report(injection(), broken).problems == ["#3 full disk (imitator): missing in the end: datasets/x"]


def test_a_finished_file_that_a_run_wrote_into_is_a_problem() -> None:
    assert report(injection(), shared_files=("datasets/x",)).problems == [
        "a run wrote into a finished file: datasets/x"
    ]


def test_what_could_not_be_tried_counts_neither_as_recovered_nor_as_a_problem() -> None:
    untried = injection(unavailable="mounting a small disk: not allowed")
    assert not untried.recovered
    assert report(untried).problems == []


def test_only_what_was_tried_is_proven() -> None:
    untried = injection(unavailable="mounting a small disk: not allowed")
    assert report(injection()).verdict == "proven"
    assert report(injection(), untried).verdict == "nothing wrong was found, but 1 of 2 injections were not tried"
    no_time_left = replace(report(injection()), config=ChaosConfig(injections=200))
    assert no_time_left.verdict == "nothing wrong was found, but 199 of 200 injections were not tried"
    assert no_time_left.to_dict()["num_untried"] == 199
    again = replace(report(injection()), config=ChaosConfig(injections=200, only=17))
    assert again.verdict == "proven"
    assert report(untried, shared_files=("datasets/x",)).verdict == "something is wrong"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_after_every_kind_of_fault_the_next_run_puts_all_right(
    migrated: Callable[[Path], Path], tmp_path: Path
) -> None:
    home = migrated(tmp_path / "home")
    command = [sys.executable, "-m", "infra.soak", "chaos", "--injections", str(len(FAULTS)), "--seed", "1", "--json"]
    done = subprocess.run(
        [*command, "--home", str(home)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert found["num_untried"] == sum(bool(injection["unavailable"]) for injection in found["injections"])
    assert done.returncode == 0
    assert {injection["fault"] for injection in found["injections"]} == FAULTS.keys()
    assert list(home.glob("cache/chaos-*")) == []
