from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flows.reports.changes import Change, earlier_runs, explain, find_changes
from flows.run_records import RunRecord, StepRecord
from flows.settings import Settings


def step(key: str = "k1", *, cached: bool = False, **inputs: Any) -> StepRecord:
    return StepRecord(title="Train", stage="imitator", key=key, folder="/f", cached=cached, seconds=1.0, inputs=inputs)


def run(run_id: str, *steps: StepRecord, character: str = "tiny") -> RunRecord:
    return RunRecord(
        run_id=run_id, character=character, recipe="smoke", engine="m", seed=0, started="", steps=list(steps)
    )


def test_nested_settings_are_compared_by_dotted_names() -> None:
    before = {"training": {"learning_rate": 0.1, "gone": 1}, "same": [1, 2]}
    after = {"training": {"learning_rate": 0.2, "fresh": None}, "same": [1, 2]}
    assert find_changes(before, after) == [
        Change(name="training.learning_rate", before=0.1, after=0.2),
        Change(name="training.gone", before=1, after=None),
    ]


def test_the_first_time_needs_no_reason() -> None:
    now = run("b", step())
    assert explain(now, now.steps[0], []) == "first time"


def test_a_changed_input_is_the_reason() -> None:
    now = run("b", step("k2", code="c", training={"learning_rate": 1000}))
    before = run("a", step("k1", code="c", training={"learning_rate": 0.004}))
    assert explain(now, now.steps[0], [before]) == "recipe: training.learning_rate 0.004 -> 1000"


def test_of_records_without_inputs_nothing_more_is_claimed() -> None:
    now, before = run("b", step("k2", code="c")), run("a", step("k1"))
    assert explain(now, now.steps[0], [before]) == "its inputs or its code changed"


def test_an_output_that_was_damaged_is_told_from_a_new_one() -> None:
    now, before = run("b", step("k1")), run("a", step("k1"))
    assert explain(now, now.steps[0], [before]) == "same inputs as before, but its output was gone or did not verify"


def test_a_cached_step_names_the_last_run_that_made_it() -> None:
    now = run("d", step(cached=True))
    earlier = [run("c", step(cached=True)), run("b", step()), run("a", step())]
    assert explain(now, now.steps[0], earlier) == "made by b"
    assert explain(now, now.steps[0], []) == "was there already"


def test_earlier_runs_are_this_characters_and_readable(
    settings: Settings, save_record: Callable[[RunRecord], RunRecord]
) -> None:
    for name, character in (("1", "tiny"), ("2", "other"), ("3", "tiny"), ("4", "tiny")):
        save_record(run(name, character=character))
    for name, text in (("5", '{"run_id": '), ("6", json.dumps({"strange": 1})), ("7", "[]")):
        (settings.runs / name).mkdir()
        (settings.runs / name / "run.json").write_text(text)
    newest = save_record(run("8"))
    assert [record.run_id for record in earlier_runs(settings, newest)] == ["4", "3", "1"]
