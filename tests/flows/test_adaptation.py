from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine_bridge.mock import MockEngine
from f2p_datasets.manifest import finish_dataset
from f2p_datasets.rendering import DatasetPlan, render_shard
from f2p_models.checkpoints import CheckpointCard, save_checkpoint
from f2p_models.segmenter import Segmenter
from f2p_models.training.sources import BatchSource
from flows.adaptation import adapt_segmenter
from flows.engines.orders import EngineOrder
from flows.gates.gate import GateError
from flows.gates.limits import GateLimits
from flows.recipes import smoke
from flows.runs import Run, open_run
from flows.settings import Settings

NUM_RENDERS, NUM_LABELLED = 20, 10


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Of a recipe that asks for nothing but that no pairs are learned by heart."""
    monkeypatch.setattr("flows.train.show_picture", lambda *_: None)  # it would start Prefect's server
    recipe = replace(smoke(), gates=replace(GateLimits.structural(), max_gap=1.5))
    with open_run(settings, character="tiny", recipe=recipe, engine=EngineOrder()) as run:
        yield run


@pytest.fixture
def segmenter(run: Run, tmp_path: Path) -> Path:
    """One that has learned from renders, by its card."""
    card = CheckpointCard(
        kind="segmenter",
        character="tiny",
        schema_fingerprint=run.schema.fingerprint,
        recipe="smoke",
        code_version="0",
        epoch=1,
        recipe_settings={},
        metrics={"miou": 0.6, "accuracy": 0.9},
    )
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "first", Segmenter(run.recipe.segmenter_config()), card)
    return tmp_path / "first"


@pytest.fixture
def renders(tmp_path: Path) -> Path:
    return rendered(tmp_path / "renders", NUM_RENDERS, seed=0)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Renders have all that is wanted of labelled photos here: pictures and masks."""
    return rendered(tmp_path / "labelled", NUM_LABELLED, seed=1)


def rendered(folder: Path, count: int, *, seed: int) -> Path:
    engine = MockEngine()
    plan = DatasetPlan(schema=engine.describe("tiny"), count=count, seed=seed, resolution=64, shard_size=count)
    render_shard(engine, plan, 0, folder)
    finish_dataset(folder, plan.provenance(engine))
    return folder


def err_on_training_pairs(monkeypatch: pytest.MonkeyPatch, error: float) -> list[int]:
    """Let every network err by so much on what it has seen; the list has the number of those pairs."""
    measured = list[int]()

    def measure(_network: object, pairs: BatchSource, _embedder: object) -> float:
        measured.append(pairs.num_pairs)
        return error

    monkeypatch.setattr("flows.gates.training.measure_error", measure)
    return measured


def test_a_segmenter_that_learned_its_renders_by_heart_while_it_went_on_is_refused(
    run: Run, segmenter: Path, renders: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = err_on_training_pairs(monkeypatch, 1e-3)
    with pytest.raises(GateError, match=r"segmenter: refused by the gate 'gap': held-out error 0\.\d+ is"):
        adapt_segmenter.fn(run, segmenter, renders, labelled=labelled)
    assert measured == [4 * NUM_RENDERS // 5]


def test_a_segmenter_that_went_on_meets_the_gates_of_the_first_one(
    run: Run, segmenter: Path, renders: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    err_on_training_pairs(monkeypatch, 1.0)
    adapted = adapt_segmenter.fn(run, segmenter, renders, labelled=labelled)
    assert [(gate.stage, gate.name, gate.passed) for gate in run.record.gates] == [
        ("segmenter", "finite", True),
        ("segmenter", "gap", True),
    ]
    assert (adapted.parent / "gap.json").is_file()
