from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from flows import render, train
from flows.engines.orders import EngineOrder
from flows.layout import TRAINING
from flows.planning import dataset_plans
from flows.planning.training_plans import network_target
from flows.recipes import smoke
from flows.render import _mover, render_studio
from flows.runs import Run, open_run
from flows.settings import Settings


@pytest.fixture
def run(settings: Settings) -> Iterator[Run]:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run:
        yield run


def test_a_bar_moves_to_where_an_import_is_and_skips_what_was_there() -> None:
    steps: list[int] = []
    move = _mover(SimpleNamespace(advance=steps.append))  # type: ignore[arg-type]  # a bar is more than this
    for done in (500, 501, 502):
        move(done, 1000)
    assert steps == [500, 1, 1]


@pytest.mark.parametrize(("there", "share"), [(0, 1.0), (15, 0.25)])
def test_of_pairs_that_were_there_a_step_does_not_say_that_it_rendered_them(
    run: Run, monkeypatch: pytest.MonkeyPatch, there: int, share: float
) -> None:
    finished = SimpleNamespace(num_pairs=20, num_rejects=0, rendering=None)
    for name in ("_render_missing", "finish_dataset", "pass_data_gate", "show_table"):
        monkeypatch.setattr(render, name, lambda *_, **__: None)
    monkeypatch.setattr(render, "read_manifest", lambda _: finished)
    monkeypatch.setattr(dataset_plans, "pairs_there", lambda _: there)
    render_studio(run)
    [step] = run.record.steps
    assert (step.figures["pairs"], step.share) == (20, share)


@pytest.mark.parametrize(("begun", "share"), [(False, 1.0), (True, 0.0)])
def test_a_training_that_went_on_says_that_nobody_knows_how_much_of_it_was_left(
    run: Run, monkeypatch: pytest.MonkeyPatch, begun: bool, share: float
) -> None:
    for name in ("_card", "save_checkpoint", "_show", "pass_training_gate"):
        monkeypatch.setattr(train, name, lambda *_, **__: None)
    monkeypatch.setattr(train, "read_card", lambda _: SimpleNamespace(metrics={}))
    inputs: dict[str, Any] = {"training": {}}
    if begun:
        state = network_target(run.order, "translator", inputs).folder / TRAINING / "warmup" / "state.pt"
        state.parent.mkdir(parents=True)
        state.write_bytes(b"state")
    result: Any = SimpleNamespace(module=None)
    train.trained(run, "translator", inputs, lambda *_: result, datasets=[])
    [step] = run.record.steps
    assert step.share == share
