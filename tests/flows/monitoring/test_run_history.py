from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.monitoring.run_history import RunHistory, count_by_status, count_refusals, last_of_each_stage
from flows.settings import Settings

WriteRun = Callable[..., Path]


def step(stage: str, seconds: float, *, cached: bool = False, share: float = 1.0, **figures: int) -> dict[str, Any]:
    return {"stage": stage, "seconds": seconds, "cached": cached, "share": share, "figures": figures}


def gate(name: str, *, passed: bool) -> dict[str, Any]:
    return {"stage": "imitator", "name": name, "passed": passed, "detail": ""}


def test_a_run_is_counted_when_it_is_over(settings: Settings, write_run: WriteRun) -> None:
    write_run("r1", status="finished")
    write_run("r2", status="refused")
    write_run("r3", status="running")
    assert count_by_status(RunHistory(settings).read()) == {("tiny", "finished"): 1, ("tiny", "refused"): 1}


def test_a_stages_time_is_of_the_last_time_that_it_was_done(settings: Settings, write_run: WriteRun) -> None:
    write_run("r1", started="2026-11-18T00:00:00+00:00", steps=[step("studio", 90.0, pairs=40, rejects=2)])
    write_run("r2", started="2026-11-19T00:00:00+00:00", steps=[step("studio", 0.1, cached=True, pairs=40)])
    runs = RunHistory(settings).read()
    assert last_of_each_stage(runs, whole=True)["tiny", "studio"].seconds == 90.0
    assert last_of_each_stage(runs, whole=False)["tiny", "studio"].seconds == 0.1


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_what_only_went_on_with_work_that_had_broken_off_says_no_time_of_a_stage(
    settings: Settings, write_run: WriteRun, share: float
) -> None:
    write_run("r1", started="2026-11-18T00:00:00+00:00", steps=[step("studio", 90.0, pairs=40)])
    write_run("r2", started="2026-11-19T00:00:00+00:00", steps=[step("studio", 3.0, share=share, pairs=60)])
    runs = RunHistory(settings).read()
    assert last_of_each_stage(runs, whole=True)["tiny", "studio"].seconds == 90.0
    assert last_of_each_stage(runs, whole=False)["tiny", "studio"].pairs == 60


def test_records_without_shares_are_of_an_older_version(settings: Settings, write_run: WriteRun) -> None:
    old = step("studio", 90.0)
    del old["share"]
    write_run("r1", steps=[old])
    assert last_of_each_stage(RunHistory(settings).read(), whole=True)["tiny", "studio"].seconds == 90.0


def test_photos_count_as_pairs_and_networks_have_none(settings: Settings, write_run: WriteRun) -> None:
    write_run("r1", steps=[step("photos", 1.0, photos=7, rejects=3), step("imitator", 1.0, l1=1)])
    last = last_of_each_stage(RunHistory(settings).read(), whole=False)
    assert (last["tiny", "photos"].pairs, last["tiny", "photos"].rejects) == (7, 3)
    assert last["tiny", "imitator"].pairs is None


def test_only_gates_that_were_not_met_are_counted(settings: Settings, write_run: WriteRun) -> None:
    for run in ("r1", "r2"):
        write_run(run, gates=[gate("finite loss", passed=False), gate("gap", passed=True)])
    assert count_refusals(RunHistory(settings).read()) == {("tiny", "imitator", "finite loss"): 2}


def test_a_record_is_read_again_only_when_it_has_changed(
    settings: Settings, write_run: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run("r1", status="running")
    history = RunHistory(settings)
    history.read()
    path.write_text(path.read_text().replace("running", "finished"))
    assert history.read()[0].status == "finished"
    monkeypatch.setattr(json, "loads", None)  # reading it once more would fail
    assert history.read()[0].status == "finished"


def test_a_run_that_was_tidied_away_is_forgotten(settings: Settings, write_run: WriteRun) -> None:
    path = write_run("r1")
    history = RunHistory(settings)
    assert len(history.read()) == 1
    path.unlink()
    assert (history.read(), history.num_damaged) == ([], 0)


@pytest.mark.parametrize("content", ["", '{"character": "tiny"', "null", "{}"])
def test_a_damaged_record_is_counted_and_hides_no_other(settings: Settings, write_run: WriteRun, content: str) -> None:
    write_run("r1")
    write_run("r2").write_text(content)
    history = RunHistory(settings)
    assert (len(history.read()), history.num_damaged) == (1, 1)


def test_records_without_gates_are_of_an_older_version(settings: Settings, write_run: WriteRun) -> None:
    path = write_run("r1")
    record = json.loads(path.read_text())
    del record["gates"]
    path.write_text(json.dumps(record))
    assert len(RunHistory(settings).read()) == 1
