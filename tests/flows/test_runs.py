from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from engine_bridge.errors import InputError, UnknownCharacterError
from flows.engines.orders import EngineOrder
from flows.leases import lease
from flows.recipes import smoke
from flows.run_records import list_runs, read_run
from flows.runs import TIDYING, Run, is_under_way, open_run
from flows.settings import Settings


@pytest.fixture
def run(settings: Settings) -> Iterator[Run]:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run:
        yield run


def saved(run: Run) -> dict[str, object]:
    content: dict[str, object] = json.loads((run.folder / "run.json").read_text())
    return content


def test_ids_are_readable_and_count_up(settings: Settings, run: Run) -> None:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as second:
        assert run.record.run_id.endswith("-tiny-smoke-001")
        assert second.record.run_id.endswith("-tiny-smoke-002")


def test_a_run_whose_training_the_processes_cannot_share_is_refused_before_it_begins(settings: Settings) -> None:
    three = replace(settings, train_processes=3)
    order = {"character": "tiny", "recipe": smoke(), "engine": EngineOrder()}
    with (
        pytest.raises(InputError, match="the segmenter in batches of 8, which cannot be parted evenly among 3"),
        open_run(three, **order, trains=("segmenter",)),
    ):
        pass
    assert list_runs(settings) == []
    with open_run(three, **order):  # that trains nothing
        pass


def test_a_finished_step_is_on_disk_before_the_next_begins(run: Run) -> None:
    with run.step("Render", "studio", "0" * 16, Path("/somewhere"), {"seed": 0}) as step:
        step.figures = {"pairs": 40}
    [step_on_disk] = saved(run)["steps"]  # type: ignore[misc]
    assert step_on_disk["figures"] == {"pairs": 40}
    assert saved(run)["status"] == "running"


def test_a_step_that_fails_is_not_recorded_as_done(run: Run) -> None:
    with pytest.raises(InputError), run.step("Render", "studio", "0" * 16, Path("/somewhere"), {"seed": 0}):
        raise InputError("count: give more")
    assert saved(run)["steps"] == []


def test_what_a_step_works_on_is_on_record_before_it_looks_at_it(run: Run) -> None:
    with run.step("Render", "studio", "0" * 16, Path("/somewhere"), {}):
        assert saved(run)["in_use"] == "/somewhere"
    assert saved(run)["in_use"] == ""


def test_a_step_waits_until_a_tidying_is_over_with_its_folder(run: Run, settings: Settings, tmp_path: Path) -> None:
    """Or it would find the output whole, and miss it a moment later."""
    folder, tidied = tmp_path / "output", Event()
    folder.mkdir()

    def step() -> bool:
        with run.step("Render", "studio", "0" * 16, folder, {}):
            return folder.exists() or not tidied.is_set()

    with ThreadPoolExecutor() as pool, lease(folder, settings.locks, run=TIDYING):
        begun = pool.submit(step)
        with suppress(TimeoutError):
            begun.result(timeout=0.5)
        assert saved(run)["in_use"] == str(folder)
        assert not begun.done()
        folder.rmdir()
        tidied.set()
    assert begun.result() is False


def test_a_run_has_a_lease_as_long_as_its_process_works_on_it(settings: Settings) -> None:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run:
        assert is_under_way(settings, run.record)
        running = replace(run.record)
    assert not is_under_way(settings, running)


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "finished"), (InputError("count: give more"), "failed"), (KeyboardInterrupt(), "interrupted")],
)
def test_the_record_says_how_the_run_ended(settings: Settings, error: BaseException | None, status: str) -> None:
    try:
        with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()):
            if error:
                raise error
    except (InputError, KeyboardInterrupt):
        pass
    record = read_run(settings, "latest")
    assert (record.status, record.error) == (status, str(error) if error else "")


def test_a_record_reads_back_with_its_steps(settings: Settings, run: Run) -> None:
    with run.step("Render", "studio", "0" * 16, Path("/somewhere"), {"seed": 0}):
        pass
    record = read_run(settings, run.record.run_id)
    assert record.folder_of("studio") == Path("/somewhere")
    assert record.folder_of("imitator") is None


def test_a_part_of_the_id_is_enough_if_it_fits_one_run_only(settings: Settings, run: Run) -> None:
    assert read_run(settings, "smoke-001").run_id == run.record.run_id
    with (
        open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()),
        pytest.raises(InputError, match="fits 2 runs"),
    ):
        read_run(settings, "tiny")


def test_a_run_that_is_not_there_is_refused_with_those_that_are(settings: Settings, run: Run) -> None:
    with pytest.raises(InputError, match=f"no run 'nightly'.*{run.record.run_id}"):
        read_run(settings, "nightly")


def test_without_any_run_that_is_said(settings: Settings) -> None:
    assert list_runs(settings) == []
    with pytest.raises(InputError, match="none was started yet"):
        read_run(settings, "latest")


def test_an_unknown_character_leaves_no_run_behind(settings: Settings) -> None:
    with (
        pytest.raises(UnknownCharacterError),
        open_run(settings, character="nobody", recipe=smoke(), engine=EngineOrder()),
    ):
        pass
    assert list_runs(settings) == []
