"""What is registered with Prefect, and what its flows do before the pipeline begins. No server is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from prefect.client.schemas.objects import StateType

from engine_bridge.errors import EngineError, InputError
from flows.cli.app import ENGINE_TROUBLE, USERS_MISTAKE, main
from flows.gates.gate import GateError
from flows.leases import BusyError
from flows.monitoring.logs import read_log
from flows.nights.records import NightlyOutcome, NightRecord
from flows.recipes import RECIPES, find_recipe
from flows.run_records import GateRecord, RunRecord, StepRecord
from flows.serving import deployments
from flows.serving.registration import Choices, DeploymentOrder, build_deployments, known_choices
from flows.serving.supervision import KeptProcess
from flows.settings import Settings

CHOICES = Choices(characters=["elf", "tiny"], engines=["mock", "godot3"], closed=True)
NAMES = ["build-character", "render", "reevaluate", "nightly"]


def registered(order: DeploymentOrder | None = None, choices: Choices = CHOICES) -> dict[str, Any]:
    """The deployments by name."""
    return {found.name: found for found in build_deployments(order or DeploymentOrder(), choices)}


def form(name: str, choices: Choices = CHOICES) -> dict[str, Any]:
    """The fields of a deployment's form by name."""
    fields: dict[str, Any] = registered(choices=choices)[name]._parameter_openapi_schema.properties
    return fields


def test_four_flows_are_registered_by_the_module_they_are_in():
    assert {name: found.entrypoint for name, found in registered().items()} == {
        name: f"flows.serving.deployments.{name.replace('-', '_')}" for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_form_says_what_it_is(name: str):
    fields = form(name)
    assert [field for field, described in fields.items() if not described.get("description")] == []


def test_a_form_offers_the_recipes_that_there_are():
    assert form("build-character")["recipe"]["enum"] == list(get_args(deployments.RecipeName)) == list(RECIPES)


def test_a_form_offers_the_characters_and_engines_of_the_home(settings: Settings):
    choices = known_choices(settings, DeploymentOrder(engine="ws://127.0.0.1:9310"), closed=True)
    fields = form("build-character", choices)
    assert "tiny" in fields["character"]["enum"]
    known, other = fields["engine"]["anyOf"]
    assert {"mock", "godot3", "ws://127.0.0.1:9310"} <= set(known["enum"])
    assert other["type"] == "string"


def test_where_the_home_is_the_workers_other_characters_are_accepted_too():
    elsewhere = Choices(characters=["tiny"], engines=["mock"], closed=False)
    assert form("nightly", elsewhere)["characters"]["items"]["anyOf"][1]["type"] == "string"


def test_a_second_night_is_cancelled_and_a_second_order_waits():
    strategies = {name: found.concurrency_options.collision_strategy.value for name, found in registered().items()}
    assert strategies == {**dict.fromkeys(NAMES, "ENQUEUE"), "nightly": "CANCEL_NEW"}
    assert {found.concurrency_limit for found in registered().values()} == {1}


def test_nights_begin_at_times_in_utc():
    [schedule] = registered(DeploymentOrder(characters=["tiny"], cron="30 2 * * 1-5"))["nightly"].schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("30 2 * * 1-5", "UTC")


def test_without_characters_there_is_no_schedule():
    assert all(not found.schedules for found in registered().values())


def test_a_night_is_registered_with_what_was_ordered():
    order = DeploymentOrder(characters=["tiny"], recipe="smoke", seed=3, night={"keep": 5})
    wanted = {"characters": ["tiny"], "recipe": "smoke", "engine": "mock", "seed": 3, "keep": 5}
    assert registered(order)["nightly"].parameters == wanted


@pytest.mark.parametrize("cron", ["", "at one", "61 1 * * *", "0 1 * *"])
def test_a_bad_time_table_is_refused_with_an_example(cron: str):
    with pytest.raises(InputError, match=r"cron: .* give minute, hour, day, month and weekday in UTC"):
        DeploymentOrder(cron=cron)


def test_a_count_takes_the_place_of_the_recipes():
    assert find_recipe("smoke", num_pairs=33).num_pairs == 33
    assert find_recipe("smoke").num_pairs == 20


def test_a_flow_without_a_home_is_refused_because_its_folder_is_deleted():
    with pytest.raises(InputError, match="F2P_HOME: a deployed flow must be told its home"):
        deployments.reevaluate.fn("tiny")


def test_photos_that_are_not_on_the_workers_machine_are_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings):
    monkeypatch.setenv("F2P_HOME", str(settings.home))
    with pytest.raises(InputError, match="photos: faces is no folder on this machine; give its absolute path"):
        deployments.build_character.fn("tiny", photos="faces")


def refusal() -> GateError:
    return GateError(
        GateRecord(stage="imitator", name="better than the baseline", passed=False, detail="1.2, at most 0.9")
    )


def raising(error: BaseException) -> Any:
    def work() -> Any:
        raise error

    return work


def test_what_a_gate_refuses_is_red_and_says_why(settings: Settings):
    state = deployments._outcome(settings, "build-character", "tiny", raising(refusal()))
    assert (state.type, state.name) == (StateType.FAILED, "Refused")
    assert "1.2, at most 0.9" in (state.message or "")


def told(settings: Settings) -> list[tuple[str, str]]:
    """Kind and headline of every notice."""
    lines = [line for line in read_log(settings) if line["event"].startswith("notice: ")]
    return [(line["event"].removeprefix("notice: "), line["headline"]) for line in lines]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refusal(), "refused", "1.2, at most 0.9"),
        (InputError("prior: no version is published"), "failed", "prior: no version is published"),
        (EngineError("godot3: it does not start"), "failed", "it does not start"),
        (KeyError("epoch"), "failed", "unexpected KeyError"),
        (BusyError("run of tiny", None), "skipped", "another f2p process is working on it"),
    ],
)
def test_an_order_that_is_not_carried_out_is_told(settings: Settings, error: Exception, kind: str, words: str):
    with suppress(InputError, EngineError, KeyError):
        deployments._outcome(settings, "render", "tiny", raising(error))
    [(found, headline)] = told(settings)
    assert found == kind
    assert headline.startswith(f"tiny: {kind}: ")
    assert words in headline


def test_a_mistake_in_an_order_s_form_is_told_too(monkeypatch: pytest.MonkeyPatch, settings: Settings):
    monkeypatch.setenv("F2P_HOME", str(settings.home))
    with pytest.raises(InputError):
        deployments.build_character.fn("tiny", photos="faces")
    assert told(settings) == [
        ("failed", "tiny: failed: photos: faces is no folder on this machine; give its absolute path")
    ]


def test_a_night_whose_photos_are_away_is_told(monkeypatch: pytest.MonkeyPatch, settings: Settings):
    monkeypatch.setenv("F2P_HOME", str(settings.home))
    with pytest.raises(InputError, match="photos"):
        deployments.nightly.fn(["tiny"], photos="/no/such/folder")
    [(kind, headline)] = told(settings)
    assert kind == "failed"
    assert headline.startswith("the night could not begin: photos: /no/such/folder is no folder")


@pytest.mark.parametrize(("cached", "kind"), [(False, "published"), (True, "unchanged")])
def test_an_order_that_publishes_is_told_with_its_version(settings: Settings, cached: bool, kind: str):
    run = RunRecord(run_id="r1", character="tiny", recipe="smoke", engine="mock", seed=0, started="")
    note = StepRecord(title="", stage="version", key="", folder="", cached=cached, seconds=1.0)
    note.figures = {"version": 4, "champion": "yes"}
    run.steps = [note]
    state = deployments._outcome(settings, "build-character", "tiny", lambda: run)
    assert state.type is StateType.COMPLETED
    assert told(settings) == [(kind, f"tiny: {kind}: version 4, champion")]


def test_an_order_that_publishes_nothing_is_told_when_it_is_finished(settings: Settings):
    run = RunRecord(run_id="r1", character="tiny", recipe="render", engine="mock", seed=0, started="")
    deployments._outcome(settings, "render", "tiny", lambda: run)
    assert told(settings) == [("finished", "tiny: finished: render")]


def test_what_somebody_stops_is_told_to_nobody(settings: Settings):
    with pytest.raises(KeyboardInterrupt):
        deployments._outcome(settings, "render", "tiny", raising(KeyboardInterrupt()))
    assert told(settings) == []


@pytest.mark.parametrize(
    ("endings", "color"),
    [
        (["published", "unchanged", "skipped"], StateType.COMPLETED),
        (["published", "refused"], StateType.FAILED),
        (["failed"], StateType.FAILED),
    ],
)
def test_a_night_is_green_only_when_nothing_was_refused_or_failed(endings: Sequence[Any], color: StateType):
    outcomes = [NightlyOutcome(character="tiny", status=ending, reason="because") for ending in endings]
    night = NightRecord(night_id="2026-11-20-001", started="2026-11-20T01:00:00+00:00", characters=outcomes)
    state = deployments.state_of(night)
    assert state.type is color
    assert f"tiny: {endings[0]} (because)" in (state.message or "")


def command(*arguments: str, capsys: pytest.CaptureFixture[str], home: Path) -> tuple[int, str]:
    status = main([*arguments, "--home", str(home)])
    return status, capsys.readouterr().err


def test_deploying_without_a_server_names_the_variable(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    status, told = command("deploy", capsys=capsys, home=tmp_path)
    assert status == USERS_MISTAKE
    assert told.startswith("f2p: PREFECT_API_URL is not set")


def test_serving_beside_a_server_of_ones_own_is_refused_with_the_way_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.studio:4200/api")
    status, told = command("serve", capsys=capsys, home=tmp_path)
    assert status == USERS_MISTAKE
    assert "f2p deploy, and prefect worker start" in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--character", "tyni"], "tyni"),
        (["--character", "tiny", "--recipe", "quik"], "recipe: 'quik' is unknown"),
        (["--character", "tiny", "--cron", "tonight"], "cron: 'tonight' is no time table"),
        (["--worker-home", "data"], "worker-home: 'data' must be an absolute path"),
    ],
)
def test_a_mistake_is_told_before_anything_is_registered(
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    status, told = command("deploy", *options, capsys=capsys, home=tmp_path)
    assert status == USERS_MISTAKE
    assert words in told


def test_a_server_that_does_not_answer_is_one_line_and_status_3(environment: dict[str, str], tmp_path: Path):
    # In a process of its own: Prefect reads the address when it is imported.
    called = subprocess.run(
        [sys.executable, "-m", "flows.cli", "deploy", "--home", str(tmp_path)],
        env={**environment, "PREFECT_API_URL": "http://user:secret@127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert called.returncode == ENGINE_TROUBLE
    assert called.stderr.startswith("f2p: Prefect's server at http://127.0.0.1:9/api cannot be used")
    assert "secret" not in called.stderr
    assert len(called.stderr.splitlines()) == 1


def test_a_kept_process_is_started_again_when_it_ends():
    kept = KeptProcess("It", "this")  # the module prints a poem and ends
    kept.start()
    assert kept.process
    first = kept.process.pid
    kept.process.communicate()
    deadline = time.monotonic() + 60
    while not kept.keep():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert kept.process.pid != first
    kept.stop()


def test_a_process_ends_when_its_parent_is_no_longer_its_supervisor():
    watching = "import time; from flows.serving.supervision import end_with_supervisor as end; end({}); time.sleep(60)"
    for supervisor, expected in ((os.getpid(), None), (1, -15)):
        child = subprocess.Popen([sys.executable, "-c", watching.format(supervisor)])
        try:
            if expected is None:
                with pytest.raises(subprocess.TimeoutExpired):
                    child.wait(4)
            else:
                assert child.wait(60) == expected
        finally:
            child.kill()
            child.wait()
