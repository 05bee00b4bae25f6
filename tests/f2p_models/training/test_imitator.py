from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from f2p_models.imitator import ImitatorConfig
from f2p_models.training import ImitatorTraining, TrainingResult, train_imitator
from f2p_models.training.imitator import measure_constant_picture, median_picture

Build = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("imitator")


@pytest.fixture(scope="module")
def result(toy_source: Build, folder: Path) -> TrainingResult:
    return train_imitator(
        ImitatorConfig(vector_size=6, resolution=64, width=0.06),
        ImitatorTraining(epochs=14, batch_size=8, optimizer="adam", learning_rate=5e-3, schedule="one_cycle"),
        train=toy_source("train", 128),
        heldout=toy_source("heldout", 16),
        folder=folder,
        device=torch.device("cpu"),
    )


def test_an_imitator_beats_the_best_constant_picture(result: TrainingResult) -> None:
    assert result.metrics["l1_ratio"] == pytest.approx(result.metrics["l1"] / result.baseline["l1"])
    assert result.metrics["l1_ratio"] < 0.7
    assert result.metrics["psnr"] > result.baseline["psnr"] + 2.0
    assert result.metrics["ssim"] > result.baseline["ssim"]


def test_it_comes_back_in_evaluation_mode(result: TrainingResult) -> None:
    assert not any(module.training for module in result.module.modules())


def test_the_metrics_are_those_of_the_module_that_comes_back(result: TrainingResult, toy_source: Build) -> None:
    batches = list(toy_source("heldout", 16).epoch(0))
    with torch.no_grad():
        errors = [(result.module.picture(batch.vector) - batch.image / 255.0).abs().mean() for batch in batches]
    assert result.metrics["l1"] == pytest.approx(float(torch.stack(errors).mean()), rel=1e-5)


@pytest.mark.usefixtures("result")
def test_the_preview_shows_engine_imitator_and_difference(folder: Path) -> None:
    sheet = np.asarray(Image.open(folder / "previews/epoch-0014.png"))
    assert sheet.shape == (3 * 192, 8 * 192, 3)


def test_the_best_constant_picture_is_the_median_of_training_pictures(toy_source: Build) -> None:
    train, heldout = toy_source("train", 24), toy_source("heldout", 8)
    expected = train.image.median(0).values / 255.0
    assert torch.equal(median_picture(train)[0], expected)
    baseline = measure_constant_picture(train, heldout, torch.device("cpu"))
    assert baseline["l1"] == pytest.approx(float((heldout.image / 255.0 - expected).abs().mean()), rel=1e-5)
