from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.errors import InputError
from f2p_models.score_noise import ScoreNoise, read_noise
from flows.engines.orders import EngineOrder
from flows.gates import noise
from flows.run_records import RunRecord, StepRecord, list_runs, read_run
from flows.settings import Settings

F2p = Callable[..., Any]


class Measured:
    """An evaluation, as far as the noise is concerned."""

    def __init__(self, score: float, heldout: str) -> None:
        self.score, self.heldout = score, heldout


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Runs end at once, with a score of half plus a hundredth per seed; the list has what each was told."""
    told: list[dict[str, Any]] = []

    def build(character: str, **order: Any) -> RunRecord:
        told.append({"character": character, **order})
        step = StepRecord(
            title="Evaluate", stage="evaluation", key="k", folder=str(order["seed"]), cached=False, seconds=0.0
        )
        return RunRecord(
            run_id="r", character=character, recipe=order["recipe"], engine="mock 1", seed=order["seed"], started="",
            steps=[step],
        )  # fmt: skip

    monkeypatch.setattr(noise, "build_character", build)
    monkeypatch.setattr(noise, "read_evaluation", lambda path: Measured(0.5 + 0.01 * int(path.parent.name), "set"))
    return told


def measure(settings: Settings, **order: Any) -> ScoreNoise:
    return noise.measure_noise(settings, character="tiny", recipe="smoke", engine=EngineOrder(), **order)


def test_every_seed_is_a_run_that_publishes_nothing(settings: Settings, runs: list[dict[str, Any]]) -> None:
    found = measure(settings, num_seeds=3, first_seed=5)
    assert [run["seed"] for run in runs] == [5, 6, 7]
    assert {run["publishing"] for run in runs} == {False}
    assert found.scores == {5: 0.55, 6: pytest.approx(0.56), 7: pytest.approx(0.57)}


def test_what_was_measured_lies_where_the_registry_looks(settings: Settings, runs: list[dict[str, Any]]) -> None:
    found = measure(settings, num_seeds=2)
    assert len(runs) == 2
    assert read_noise(settings.registry, "tiny", "smoke") == found


def test_one_seed_is_refused_before_it_is_trained(settings: Settings, runs: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="seeds: 1 shows no spread"):
        measure(settings, num_seeds=1)
    assert runs == []


def test_scores_of_different_held_out_sets_are_no_noise(
    settings: Settings, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise, "read_evaluation", lambda path: Measured(0.5, path.parent.name))
    with pytest.raises(InputError, match="measured on 2 held-out sets, so the engine was changed; run it again"):
        measure(settings, num_seeds=2)
    assert (len(runs), read_noise(settings.registry, "tiny", "smoke")) == (2, None)


@pytest.mark.slow
def test_the_verb_trains_every_seed_and_publishes_none(f2p: F2p, migrated: Any, settings: Settings) -> None:
    migrated(settings.home)
    order = ("noise", "--character", "tiny", "--recipe", "smoke", "--workers", "1")
    measured = f2p(*order, "--seeds", "2", "--json", home=settings.home)
    assert measured.returncode == 0, measured.stderr
    printed = json.loads(measured.stdout)
    kept = read_noise(settings.registry, "tiny", "smoke")
    assert kept is not None
    assert printed["margin"] == kept.margin == min(2 * kept.deviation, 0.05)
    records = [read_run(settings, run_id) for run_id in list_runs(settings)]
    assert [(record.seed, record.status, record.steps[-1].stage) for record in records] == [
        (0, "finished", "evaluation"),
        (1, "finished", "evaluation"),
    ]
    assert list(Path(settings.registry / "tiny").glob("[0-9]*")) == []
