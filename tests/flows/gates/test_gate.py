from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine_bridge.errors import InputError
from f2p_models.errors import DivergenceError
from flows.cli.app import main
from flows.engines.orders import EngineOrder
from flows.gates.gate import Check, GateError, pass_gates, refusing
from flows.gates.limits import GateLimits
from flows.recipes import smoke
from flows.run_records import GateRecord, read_run
from flows.runs import Run, open_run
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
