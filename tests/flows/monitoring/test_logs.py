from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from engine_bridge.errors import InputError
from flows.engines.orders import EngineOrder
from flows.monitoring import logs
from flows.monitoring.logs import LOG_NAME, log, logged_stage, plain_json, read_log
from flows.recipes import smoke
from flows.runs import Run, open_run
from flows.settings import Settings


def write_many(home: Path, writer: int) -> None:
    """One of several processes that log at the same time, into files that are long after ten lines."""
    logs.LARGEST_BYTES, logs.NUM_OLD_FILES = 2_000, 1_000  # type: ignore[misc]
    for number in range(100):
        log(Settings(home=home), "event", run=f"{writer}-{number}")


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_line_says_when_what_and_whose(settings: Settings) -> None:
    log(settings, "stage finished", run="r1", character="tiny", stage="studio", pairs=40)
    [line] = read_log(settings)
    assert line["time"].endswith("+00:00")
    assert {name: line[name] for name in ("level", "event", "run", "character", "stage", "pairs")} == {
        "level": "info",
        "event": "stage finished",
        "run": "r1",
        "character": "tiny",
        "stage": "studio",
        "pairs": 40,
    }


def test_what_json_cannot_say_becomes_text(settings: Settings) -> None:
    log(settings, "event", path=Path("/a"), loss=float("nan"), names={"b"}, text="é\n\ud800")
    [line] = read_log(settings)
    assert (line["path"], line["loss"], line["names"]) == ("/a", "nan", ["b"])
    assert plain_json({1: [float("inf")]}) == {"1": ["inf"]}


def test_a_fact_takes_no_columns_place(settings: Settings) -> None:
    log(settings, "event", run="r1", time="noon", pid="mine")
    assert read_log(settings)[0]["time"] != "noon"


def test_a_line_that_was_cut_short_swallows_no_other(settings: Settings) -> None:
    log(settings, "first")
    with (settings.logs / LOG_NAME).open("a") as stream:
        stream.write('{"event": "cut sh')
    log(settings, "second")
    assert [line["event"] for line in read_log(settings)] == ["first", "second"]


def test_a_long_file_makes_room_and_only_so_many_are_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST_BYTES", 1)
    monkeypatch.setattr(logs, "NUM_OLD_FILES", 2)
    for number in range(5):
        log(settings, f"event {number}")
    kept = {path.name: json.loads(path.read_text())["event"] for path in settings.logs.glob(f"{LOG_NAME}*")}
    assert kept == {LOG_NAME: "event 4", f"{LOG_NAME}.1": "event 3", f"{LOG_NAME}.2": "event 2"}


def test_processes_that_log_at_once_lose_no_line(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(settings.home, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    files = list(settings.logs.glob(f"{LOG_NAME}*"))
    written = [json.loads(line)["run"] for path in files for line in lines_of(path)]
    assert len(files) > 5
    assert sorted(written) == sorted(f"{writer}-{number}" for writer in range(3) for number in range(100))


def test_a_log_that_cannot_be_written_stops_no_work(settings: Settings) -> None:
    settings.home.mkdir()
    settings.logs.write_text("a file where the folder would be")
    log(settings, "event")


def test_nothing_was_logged_in_a_new_home(settings: Settings) -> None:
    assert read_log(settings) == []


def test_a_stage_that_is_finished_has_a_line_at_both_ends(settings: Settings) -> None:
    with logged_stage(settings, run="r1", character="tiny", stage="studio", title="Render") as facts:
        facts["cached"] = False
    begun, finished = read_log(settings)
    assert (begun["event"], finished["event"], finished["cached"]) == ("stage begun", "stage finished", False)
    assert finished["seconds"] >= 0


@pytest.mark.parametrize(
    ("error", "event", "level"),
    [(OSError("no space left"), "stage failed", "error"), (KeyboardInterrupt(), "stage interrupted", "warning")],
)
def test_a_stage_that_does_not_finish_says_why(
    settings: Settings, error: BaseException, event: str, level: str
) -> None:
    with pytest.raises(type(error)), logged_stage(settings, run="r", character="c", stage="studio", title="Render"):
        raise error
    ended = read_log(settings)[-1]
    assert (ended["event"], ended["level"], ended["error"]) == (event, level, str(error))
    assert ended["error_type"] == type(error).__name__


def fail_after_a_step(run: Run) -> None:
    with run.step("Render", "studio", "0" * 16, run.settings.datasets, {"seed": 0}) as step:
        step.figures = {"pairs": 40}
    run.meet("studio", "count", True, "40 of 40")
    run.meet("imitator", "finite", False, "loss is inf")
    raise InputError("seed: give another")


def test_a_run_leaves_its_way_in_the_log(settings: Settings) -> None:
    order = {"character": "tiny", "recipe": smoke(), "engine": EngineOrder()}
    with pytest.raises(InputError), open_run(settings, **order) as run:  # type: ignore[arg-type]
        fail_after_a_step(run)
    lines = read_log(settings)
    assert {(line["run"], line["character"]) for line in lines} == {(run.record.run_id, "tiny")}
    assert [(line["level"], line["event"], line["stage"]) for line in lines] == [
        ("info", "run begun", ""),
        ("info", "stage begun", "studio"),
        ("info", "stage finished", "studio"),
        ("info", "gate met", "studio"),
        ("error", "gate refused", "imitator"),
        ("error", "run failed", ""),
    ]
    assert lines[2]["figures"] == {"pairs": 40}
    assert lines[-1]["error"] == "seed: give another"
