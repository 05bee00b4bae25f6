from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_models.checkpoints import CheckpointCard, save_checkpoint
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.translator import Translator, TranslatorConfig
from flows.engines.orders import EngineOrder
from flows.gates.gate import GateError
from flows.gates.training import check_training, pass_gap_gate
from flows.recipes import Recipe, quick, smoke
from flows.runs import Run, open_run
from flows.settings import Settings


@pytest.fixture
def run(settings: Settings) -> Iterator[Run]:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run:
        yield run


@pytest.fixture
def run_quick(settings: Settings) -> Iterator[Run]:
    with open_run(settings, character="tiny", recipe=quick(), engine=EngineOrder()) as run:
        yield run


NETWORKS: dict[str, Callable[[], Imitator | Segmenter | Translator]] = {
    "imitator": lambda: Imitator(ImitatorConfig(vector_size=4, resolution=64, width=0.02)),
    "segmenter": lambda: Segmenter(SegmenterConfig(width=0.02, input_px=32)),
    "translator": lambda: Translator(TranslatorConfig(embedding_size=8, num_continuous=2, block_sizes=(2,))),
}
GOOD_METRICS: dict[str, dict[str, float]] = {
    "imitator": {"l1": 0.02, "l1_ratio": 0.4},
    "segmenter": {"miou": 0.6, "accuracy": 0.9},
    "translator": {"slider_error": 0.13, "verification_auc": 0.9},
}
BASELINES: dict[str, dict[str, float]] = {
    "imitator": {"l1": 0.05},
    "segmenter": {"miou": 0.5, "accuracy": 0.85},
    "translator": {"slider_error": 0.14},
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """``checkpoint("imitator", history, l1_ratio=0.9)``: a finished training with these numbers."""

    def make(
        kind: str, history: str = '{"epoch": 1, "train_loss": 0.1}\n', settings: Any = None, **changed: float
    ) -> Path:
        card = CheckpointCard(
            kind=kind,
            character="tiny",
            schema_fingerprint="f",
            recipe="quick",
            code_version="0",
            epoch=1,
            recipe_settings=settings or {"warmup_epochs": 2},
            metrics={**GOOD_METRICS[kind], **changed},
            extra={"baseline": BASELINES[kind]},
        )
        torch.manual_seed(0)
        save_checkpoint(tmp_path / kind / "checkpoint", NETWORKS[kind](), card)
        (tmp_path / kind / "training").mkdir(exist_ok=True)
        (tmp_path / kind / "training" / "history.jsonl").write_text(history)
        return tmp_path / kind / "checkpoint"

    return make


def refused(checkpoint: Path, recipe: Recipe | None = None) -> list[str]:
    return [check.line for check in check_training(checkpoint, recipe or quick()) if not check.passed]


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_training_that_learned_something_passes(kind: str, checkpoint: Callable[..., Path]) -> None:
    checks = list(check_training(checkpoint(kind), quick()))
    assert [check.passed for check in checks] == [True, True]
    assert checks[0].detail == "every figure of 1 epochs is a finite number"


@pytest.mark.parametrize(
    ("kind", "changed", "line"),
    [
        (
            "imitator",
            {"l1_ratio": 24.9},
            "held-out L1 is 24.900 of the best constant picture's, at most 0.7 is accepted",
        ),
        ("segmenter", {"miou": 0.5}, "held-out mean IoU 0.5000, more than the constant mask's 0.5000 is asked"),
        (
            "translator",
            {"slider_error": 0.15},
            "held-out slider error 0.1500, less than the mean's 0.1400 is asked",
        ),
    ],
)
def test_a_training_no_better_than_the_simplest_answer_is_refused(
    kind: str, changed: dict[str, float], line: str, checkpoint: Callable[..., Path]
) -> None:
    [found] = refused(checkpoint(kind, **changed))
    assert found.startswith(line + "; ")


def test_a_translator_that_saw_no_vectors_has_to_tell_people_apart(checkpoint: Callable[..., Path]) -> None:
    unlabelled = {"lambda_parameter": 0.0, "warmup_epochs": 0}
    assert refused(checkpoint("translator", settings=unlabelled, slider_error=0.9)) == []
    [found] = refused(checkpoint("translator", settings=unlabelled, verification_auc=0.5))
    assert found.startswith("held-out verification AUC 0.5000, more than guessing's 0.5000 is asked; ")


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_figures_that_are_no_numbers_are_refused_by_any_recipe(number: str, checkpoint: Callable[..., Path]) -> None:
    [found] = refused(checkpoint("segmenter", f'{{"epoch": 1, "train_loss": {number}}}\n'), smoke())
    assert found.startswith(f"train_loss {float(number)}; lower the recipe's learning rate")


def test_a_picture_met_exactly_is_no_fault(checkpoint: Callable[..., Path]) -> None:
    assert refused(checkpoint("imitator", '{"epoch": 1, "psnr": Infinity}\n')) == []


def test_a_history_that_is_none_is_a_mistake_and_one_that_was_tidied_away_is_not(
    checkpoint: Callable[..., Path],
) -> None:
    folder = checkpoint("imitator", "{half")
    with pytest.raises(InputError, match=r"history\.jsonl: not a training's history .* delete it"):
        list(check_training(folder, quick()))
    shutil.rmtree(folder.parent / "training")
    assert refused(folder) == []


def test_the_smoke_recipe_asks_for_no_quality_but_refuses_a_poisoned_imitator(checkpoint: Callable[..., Path]) -> None:
    assert refused(checkpoint("segmenter", miou=0.1), smoke()) == []
    assert refused(checkpoint("imitator", l1_ratio=8.0), smoke()) == []
    assert refused(checkpoint("imitator", l1_ratio=24.9), smoke()) != []


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What networks err on training pairs is 0.01; the list has an entry per measurement."""
    calls: list[int] = []

    def measure(*_: Any) -> float:
        calls.append(1)
        return 0.01

    monkeypatch.setattr("flows.gates.training.measure_error", measure)
    return calls


class Pairs:
    """600 pairs that nobody looks at."""

    num_pairs = 600


def test_a_network_that_learned_its_pairs_by_heart_is_refused(
    run_quick: Run, checkpoint: Callable[..., Path], measured: list[int]
) -> None:
    folder = checkpoint("imitator")
    with pytest.raises(GateError, match=r"held-out error 0\.0200 is 2\.00 times the 0\.0100 on 300 training pairs"):
        pass_gap_gate(run_quick, "imitator", folder, Pairs)  # type: ignore[arg-type]
    assert measured == [1]


def test_the_comparison_is_measured_once_for_the_same_weights(
    run_quick: Run, checkpoint: Callable[..., Path], measured: list[int]
) -> None:
    folder = checkpoint("imitator", l1=0.0149)
    for _ in range(2):
        pass_gap_gate(run_quick, "imitator", folder, Pairs)  # type: ignore[arg-type]
    assert measured == [1]
    (folder.parent / "gap.json").write_text("{half")
    pass_gap_gate(run_quick, "imitator", folder, Pairs)  # type: ignore[arg-type]
    assert measured == [1, 1]
    assert [gate.name for gate in run_quick.record.gates] == ["gap"] * 3


def test_a_recipe_without_a_limit_measures_nothing(
    run: Run, checkpoint: Callable[..., Path], measured: list[int]
) -> None:
    pass_gap_gate(run, "imitator", checkpoint("imitator"), Pairs)  # type: ignore[arg-type]
    assert (measured, run.record.gates) == ([], [])
