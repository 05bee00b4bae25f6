from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.errors import InputError
from f2p_models.errors import DivergenceError
from flows.cli.app import main
from flows.engines.orders import EngineOrder
from flows.gates.gate import Check, GateError, pass_gates, refusing
from flows.gates.limits import GateLimits
from flows.recipes import smoke
from flows.runs import GateRecord, Run, open_run, read_run
from flows.settings import Settings

GOOD = Check(name="pictures", passed=True, detail="8 looked at", way_out="mend the engine")
BAD = Check(name="canaries", passed=False, detail="3 of 9 failed, 1 may", way_out="mend the engine")


@pytest.fixture
def run(settings: Settings) -> Iterator[Run]:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run:
        yield run


def test_every_outcome_is_on_record_before_the_first_failure_is_raised(run: Run) -> None:
    with pytest.raises(GateError) as caught:
        pass_gates(run, "studio", [GOOD, BAD, replace(BAD, name="coverage")])
    on_disk = read_run(run.settings, run.record.run_id).gates
    assert [(gate.name, gate.passed) for gate in on_disk] == [
        ("pictures", True),
        ("canaries", False),
        ("coverage", False),
    ]
    assert on_disk[0].detail == "8 looked at"
    assert caught.value.gate == on_disk[1]
    assert str(caught.value) == "studio: refused by the gate 'canaries': 3 of 9 failed, 1 may; mend the engine"


def test_a_refused_run_says_so_in_its_record(settings: Settings) -> None:
    with (
        pytest.raises(GateError) as caught,
        open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run,
    ):
        pass_gates(run, "studio", [BAD])
    record = read_run(settings, "latest")
    assert (record.status, record.error) == ("refused", str(caught.value))


def test_a_refusal_has_an_exit_status_of_its_own_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: Any) -> None:
        raise GateError(GateRecord(stage="studio", name="canaries", passed=False, detail="3 of 9"))

    monkeypatch.setattr(sys.modules[main.__module__], "app", refuse)
    assert main(["run"]) == 4
    assert capsys.readouterr().err == "f2p: studio: refused by the gate 'canaries': 3 of 9\n"


def test_a_gate_s_error_travels_between_processes() -> None:
    error = GateError(GateRecord(stage="studio", name="canaries", passed=False, detail="3 of 9"))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.gate) == (str(error), error.gate)


def test_an_error_that_means_a_refusal_becomes_one(run: Run) -> None:
    with (
        pytest.raises(GateError, match="'finite': loss: nan at step 3; lower it"),
        refusing(run, "imitator", "finite", DivergenceError, way_out="lower it"),
    ):
        raise DivergenceError("loss: nan at step 3")
    with pytest.raises(InputError, match="of another kind"), refusing(run, "imitator", "finite", DivergenceError):
        raise InputError("of another kind")


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ({"min_faces_found": 80}, "min_faces_found: 80 is no share"),
        ({"max_canary_failures": -0.1}, "max_canary_failures: -0.1 is no share"),
        ({"max_gap": 0.5}, "max_gap: 0.5; held-out errors are the larger ones"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        GateLimits(**limits)


@pytest.fixture(scope="module")
def altered(environment: dict[str, str], migrated: Callable[[Path], Path]) -> Callable[..., Any]:
    """``altered({"F2P_TEST_RATE": "1e3"}, home)``: a smoke run with something altered."""

    def call(changes: dict[str, str], home: Path) -> subprocess.CompletedProcess[str]:
        program = str(Path(__file__).with_name("altered_f2p.py"))
        order = ("run", "--character", "tiny", "--recipe", "smoke", "--workers", "1", "--json")
        return subprocess.run(
            [sys.executable, program, *order, "--home", str(migrated(home))],
            env={**environment, **changes}, capture_output=True, text=True, timeout=840, check=False,
        )  # fmt: skip

    return call


def gates_of(result: dict[str, Any]) -> dict[str, str]:
    return {gate["name"]: gate["detail"] for gate in result["gates"]}


@pytest.fixture(scope="module")
def built(altered: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which a smoke run has published version 1."""
    settings = Settings(home=tmp_path_factory.mktemp("built") / "home")
    first = altered({}, settings.home)
    assert first.returncode == 0, first.stderr
    assert {gate["passed"] for gate in json.loads(first.stdout)["gates"]} == {True}
    return settings


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_poisoned_recipe_is_refused_and_the_champion_stays(altered: Callable[..., Any], built: Settings) -> None:
    before = sorted(path.name for path in (built.registry / "tiny").glob("[0-9]*"))
    poisoned = altered({"F2P_TEST_RATE": "1e3"}, built.home)
    assert poisoned.returncode == 4, poisoned.stderr
    last_line = poisoned.stderr.strip().splitlines()[-1]
    assert last_line.startswith("f2p: imitator: refused by the gate 'better than a constant picture': held-out L1 is ")
    record = read_run(built, "latest")
    assert (record.status, record.folder_of("version")) == ("refused", None)
    assert sorted(path.name for path in (built.registry / "tiny").glob("[0-9]*")) == before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_champion_is_scored_anew_when_the_engine_s_build_changes(
    altered: Callable[..., Any], built: Settings
) -> None:
    rebuilt = altered({"F2P_TEST_BUILD": "9"}, built.home)
    assert rebuilt.returncode == 0, rebuilt.stderr
    result = json.loads(rebuilt.stdout)
    assert [step["stage"] for step in result["steps"]][-2:] == ["rescoring", "version"]
    assert "of version 1, scored anew on this held-out set, margin 0.02 (the default" in gates_of(result)["champion"]
