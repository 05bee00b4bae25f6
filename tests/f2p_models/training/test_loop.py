from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from f2p_models.errors import DamagedStateError, TrainingError
from f2p_models.imitator import ImitatorConfig
from f2p_models.training import ImitatorTraining, TrainingResult, train_imitator
from f2p_models.training.distributed import Processes
from f2p_models.training.interrupts import AgreedInterrupt
from f2p_models.training.loop import fit
from f2p_models.training.run_folder import RunFolder
from f2p_models.training.settings import FitSettings

Build = Callable[..., Any]


@pytest.fixture
def train(toy_source: Build, tmp_path: Path) -> Callable[..., TrainingResult]:
    """Trains a tiny imitator in ``tmp_path / name`` on 24 pairs: 3 steps an epoch."""

    def run(
        name: str, *, source: Any = None, resume: bool = False, progress: Any = None, **settings: Any
    ) -> TrainingResult:
        training = {"epochs": 4, "batch_size": 8, "optimizer": "adam", "learning_rate": 2e-3, **settings}
        return train_imitator(
            ImitatorConfig(vector_size=6, resolution=64, width=0.02),
            ImitatorTraining(**training),
            train=source or toy_source("train", 24),
            heldout=toy_source("heldout", 8),
            folder=tmp_path / name,
            resume=resume,
            progress=progress,
            device=torch.device("cpu"),
        )

    return run


def state_of(folder: Path) -> dict[str, Any]:
    return RunFolder(folder).read_state()


def assert_same_bits(first: Any, second: Any) -> None:
    """Nested containers of tensors, equal to the last bit."""
    assert type(first) is type(second)
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same_bits(first[key], second[key])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same_bits(one, other)
    else:
        assert first == second


class LinearTask:
    """The smallest thing that can be fitted."""

    def __init__(self, during_step: Callable[[int], None] = lambda _: None) -> None:
        self.module = torch.nn.Linear(6, 1)
        self.during_step = during_step

    def losses(self, batch: Any, step: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        self.during_step(step)
        return {"loss": self.module(batch.vector).square().mean()}

    def evaluate(self) -> dict[str, float]:
        return {}

    def preview(self) -> None:
        return None


def fit_linear(task: LinearTask, source: Any, folder: Path, **settings: Any) -> None:
    fit(task, source, FitSettings(**settings), folder=folder, device=torch.device("cpu"), title="linear")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("step", [1, 4, 6], ids=["first step", "mid-epoch", "last step of an epoch"])
def test_a_run_stopped_by_ctrl_c_ends_with_the_bits_of_one_never_stopped(
    train: Build, progress_stopping_at: Build, tmp_path: Path, optimizer: str, step: int
) -> None:
    settings = {"optimizer": optimizer, "schedule": "one_cycle"}
    train("whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        train("stopped", progress=progress_stopping_at(step), **settings)
    train("stopped", resume=True, **settings)
    assert_same_bits(state_of(tmp_path / "whole"), state_of(tmp_path / "stopped"))


def test_two_epochs_and_two_more_are_four(train: Build, tmp_path: Path) -> None:
    train("whole", epochs=4)
    train("in two", epochs=2)
    train("in two", epochs=4, resume=True)
    assert_same_bits(state_of(tmp_path / "whole"), state_of(tmp_path / "in two"))
    assert (tmp_path / "whole/history.jsonl").read_bytes() == (tmp_path / "in two/history.jsonl").read_bytes()


@pytest.mark.parametrize(("every", "kept"), [(0, 3), (2, 4)])
def test_a_killed_run_loses_what_came_after_its_last_saved_state(
    train: Build, progress_stopping_at: Build, tmp_path: Path, every: int, kept: int
) -> None:
    with pytest.raises(MemoryError):
        train("killed", progress=progress_stopping_at(5, MemoryError), checkpoint_every_steps=every)
    assert state_of(tmp_path / "killed")["position"]["step"] == kept
    train("killed", resume=True)
    train("whole")
    assert_same_bits(state_of(tmp_path / "whole"), state_of(tmp_path / "killed"))


def test_a_signal_in_the_middle_of_a_step_waits_for_its_end(toy_source: Build, tmp_path: Path) -> None:
    task = LinearTask(during_step=lambda step: os.kill(os.getpid(), signal.SIGINT) if step == 1 else None)
    with pytest.raises(KeyboardInterrupt):
        fit_linear(task, toy_source("train", 24), tmp_path)
    assert state_of(tmp_path)["position"] == {"epoch": 0, "batch": 2, "step": 2}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_group_meets_only_when_its_state_is_saved(
    toy_source: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever leaves before that has torchrun end the process that saves."""
    found: list[bool] = []
    monkeypatch.setattr(Processes, "meet", lambda _: found.append(RunFolder(tmp_path).state_path.exists()))
    task = LinearTask(during_step=lambda step: os.kill(os.getpid(), signal.SIGINT) if step == 1 else None)
    with pytest.raises(AgreedInterrupt):
        fit_linear(task, toy_source("train", 24), tmp_path)
    assert found == [True]


def test_a_finished_run_is_not_trained_again(train: Build, toy_source: Build) -> None:
    first = train("once")
    again = train("once", resume=True)
    assert again.metrics == first.metrics
    assert_same_bits(again.module.state_dict(), first.module.state_dict())


def test_without_resume_a_run_starts_over(train: Build, tmp_path: Path) -> None:
    train("run", epochs=1)
    train("run", epochs=2)
    assert len((tmp_path / "run/history.jsonl").read_text().splitlines()) == 2


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(train: Build, tmp_path: Path) -> None:
    for name, seed in (("first", 0), ("second", 0), ("other", 1)):
        train(name, epochs=1, seed=seed)
    first, second, other = (state_of(tmp_path / name)["module"] for name in ("first", "second", "other"))
    assert_same_bits(first, second)
    assert not torch.equal(first["layers.0.0.weight"], other["layers.0.0.weight"])


def test_the_callers_random_numbers_are_left_alone(train: Build) -> None:
    before = torch.get_rng_state()
    train("run", epochs=1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_run_is_not_continued_with_other_settings(train: Build) -> None:
    train("run", epochs=1)
    with pytest.raises(TrainingError, match=r"learning_rate: .* was trained with 0.002, now it is 0.1"):
        train("run", epochs=2, learning_rate=0.1, resume=True)


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_state_is_not_continued_and_that_is_said(
    train: Build, progress_stopping_at: Build, tmp_path: Path, damage: str
) -> None:
    train("undisturbed", epochs=2)
    train("run", epochs=1)
    state = bytearray((tmp_path / "run/state.pt").read_bytes())
    state[len(state) // 2] ^= 1
    (tmp_path / "run/state.pt").write_bytes(state[:3] if damage == "cut" else state)
    with pytest.raises(DamagedStateError, match=r"state\.pt: no training state"):
        RunFolder(tmp_path / "run").read_state()
    progress = progress_stopping_at(step=-1)
    train("run", epochs=2, resume=True, progress=progress)
    assert_same_bits(state_of(tmp_path / "run"), state_of(tmp_path / "undisturbed"))
    assert progress.notes == [f"{tmp_path / 'run/state.pt'} is damaged; the training begins anew"]


def test_a_loss_that_is_not_finite_stops_with_step_and_learning_rate(toy_source: Build, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"loss: (nan|inf) at step \d+ with learning rate 1000; lower"):
        fit_linear(LinearTask(), toy_source("train", 24), tmp_path, optimizer="sgd", learning_rate=1e3, epochs=20)


def test_weights_spoilt_by_the_last_step_of_an_epoch_are_not_saved(
    train: Build, toy_source: Build, tmp_path: Path
) -> None:
    class Spoilt(LinearTask):
        def evaluate(self) -> dict[str, float]:
            return {"l1": float("nan")}

    with pytest.raises(TrainingError, match="l1: not a number after epoch 1"):
        fit_linear(Spoilt(), toy_source("train", 24), tmp_path, epochs=1)
    assert not (tmp_path / "state.pt").exists()


def test_a_loss_that_only_some_steps_have_is_averaged_over_those(toy_source: Build, tmp_path: Path) -> None:
    class Alternating(LinearTask):
        def losses(self, batch: Any, step: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
            losses = super().losses(batch, step, generator)
            return losses | ({"content": torch.tensor(2.0)} if step == 1 else {})

    fit_linear(Alternating(), toy_source("train", 24), tmp_path, epochs=1)
    assert json.loads((tmp_path / "history.jsonl").read_text())["train_content"] == 2.0


def test_a_held_out_pair_among_the_training_pairs_is_refused(train: Build, toy_source: Build) -> None:
    with pytest.raises(TrainingError, match="pair 4 is in the training and in the held-out split"):
        train("run", source=toy_source("heldout", 1))


def test_a_source_that_ends_early_is_refused(train: Build, toy_source: Build) -> None:
    with pytest.raises(TrainingError, match="announced 3 batches, 2 came"):
        train("run", source=toy_source("train", 24, delivered=2))


def test_history_and_previews_lie_in_the_run_folder(train: Build, tmp_path: Path) -> None:
    train("run", epochs=2)
    records = [json.loads(line) for line in (tmp_path / "run/history.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2]
    assert {"step", "learning_rate", "train_loss", "l1", "psnr", "ssim"} <= records[0].keys()
    previews = sorted((tmp_path / "run/previews").iterdir())
    assert [path.name for path in previews] == ["epoch-0001.png", "epoch-0002.png"]
    assert not list((tmp_path / "run").rglob("*.tmp"))


def test_metrics_can_be_taken_less_often_but_always_at_the_end(train: Build) -> None:
    result = train("run", epochs=3, evaluate_every_epochs=2)
    assert ["l1" in record for record in result.history] == [False, True, True]


def test_progress_counts_every_step_also_those_done_before(train: Build, progress_stopping_at: Build) -> None:
    stopping = progress_stopping_at(5)
    with pytest.raises(KeyboardInterrupt):
        train("run", progress=stopping)
    assert stopping.open_tasks == 0
    resumed = progress_stopping_at(step=-1)
    train("run", progress=resumed, resume=True)
    assert resumed.steps == 12


def test_bf16_and_channels_last_train_too(train: Build) -> None:
    result = train("run", epochs=2, precision="bf16", channels_last=True)
    assert np.isfinite(result.metrics["l1"])
    assert {parameter.dtype for parameter in result.module.parameters()} == {torch.float32}
