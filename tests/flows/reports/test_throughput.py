from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flows.reports.learning import read_cards
from flows.reports.outputs import Outputs
from flows.reports.throughput import Throughput, measure_throughput
from flows.run_records import RunRecord, StepRecord
from flows.settings import Settings

MakeRun = Callable[..., RunRecord]


@pytest.fixture
def measured(settings: Settings) -> Callable[[RunRecord], dict[str, Throughput]]:
    """Lines by the title of their step."""

    def measure(record: RunRecord) -> dict[str, Throughput]:
        outputs = Outputs(settings, record)
        lines = measure_throughput(outputs, read_cards(outputs))
        assert outputs.notes == []
        return {line.title: line for line in lines}

    return measure


Measured = Callable[[RunRecord], dict[str, Throughput]]


def changed(record: RunRecord, stage: str, **changes: object) -> RunRecord:
    """The record with another step of that stage."""
    steps = [replace(step, **changes) if step.stage == stage else step for step in record.steps]  # type: ignore[arg-type]
    return replace(record, steps=steps)


def test_a_step_that_did_everything_counts_for_everything(make_run: MakeRun, measured: Measured) -> None:
    studio = measured(make_run("a"))["Render studio pairs"]
    assert (studio.count, studio.per_second) == (40, 20.0)


def test_what_went_on_with_a_begun_dataset_counts_for_its_own_share(make_run: MakeRun, measured: Measured) -> None:
    record = make_run("a")
    whole = measured(record)["Render studio pairs"]
    rest = measured(changed(record, "studio", share=0.25, seconds=0.5))["Render studio pairs"]
    assert (rest.count, rest.per_second) == (10, 20.0)
    assert rest.num_bytes == pytest.approx(whole.num_bytes / 4, abs=1)


@pytest.mark.parametrize("stage", ["studio", "imitator"])
def test_a_step_of_which_nobody_knows_how_much_it_did_says_nothing(
    make_run: MakeRun, measured: Measured, stage: str
) -> None:
    record = make_run("a")
    left_out = set(measured(record)) - set(measured(changed(record, stage, share=0.0)))
    assert left_out == {step.title for step in record.steps if step.stage == stage}


def test_a_network_that_went_on_to_learn_is_measured_twice_each_by_its_own_steps(
    settings: Settings, make_run: MakeRun, measured: Measured
) -> None:
    record = make_run("a")
    [first] = [step for step in record.steps if step.stage == "imitator"]
    again = went_on(settings, first, steps=5)
    lines = measured(replace(record, steps=[*record.steps, again]))
    assert lines[first.title].count == 12 * 8
    assert lines[again.title].count == 5 * 8


def went_on(settings: Settings, first: StepRecord, *, steps: int) -> StepRecord:
    """A second step of the stage, with a checkpoint and a history of its own."""
    folder = settings.checkpoints / "tiny-imitator-on"
    (folder / "training").mkdir(parents=True)
    (folder / "checkpoint").symlink_to(Path(first.folder) / "checkpoint")
    (folder / "training" / "history.jsonl").write_text(json.dumps({"epoch": 1, "step": steps}) + "\n")
    return replace(first, title="Go on", key="on", folder=str(folder))
