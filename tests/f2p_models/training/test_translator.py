from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from f2p_models.errors import TrainingError
from f2p_models.imitator import ImitatorConfig
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.training import (
    FrozenNetworks,
    ImitatorTraining,
    TrainingResult,
    TranslatorTraining,
    train_imitator,
    train_translator,
)
from f2p_models.training.content_memory import ContentMemory
from f2p_models.training.embedded import EmbeddedBatch, EmbeddedSource, embed_source
from f2p_models.training.translator_metrics import identity_metrics, mean_vector_metrics, parameter_metrics
from f2p_models.training.translator_task import TranslatorTask
from f2p_models.translator import Translator, TranslatorConfig

Build = Callable[..., Any]
CPU = torch.device("cpu")
CONFIG = TranslatorConfig(embedding_size=24, num_continuous=4, block_sizes=(2,))


@pytest.fixture(scope="module")
def networks(toy_source: Build, toy_embedder: Any, tmp_path_factory: pytest.TempPathFactory) -> FrozenNetworks:
    imitator = train_imitator(
        ImitatorConfig(vector_size=6, resolution=64, width=0.06),
        ImitatorTraining(epochs=12, batch_size=8, optimizer="adam", learning_rate=5e-3, schedule="one_cycle"),
        train=toy_source("train", 128),
        heldout=toy_source("heldout", 8),
        folder=tmp_path_factory.mktemp("imitator"),
        device=CPU,
    )
    torch.manual_seed(0)
    segmenter = Segmenter(SegmenterConfig(width=0.06, blocks=(1, 1, 1, 1), input_px=32))
    return FrozenNetworks(
        imitator=imitator.module, segmenter=segmenter, embedder=toy_embedder, imitator_metrics=imitator.metrics
    )


@pytest.fixture
def train(networks: FrozenNetworks, toy_source: Build, tmp_path: Path) -> Callable[..., TrainingResult]:
    def run(
        *, sources: dict[str, Any] | None = None, resume: bool = False, progress: Any = None, **settings: Any
    ) -> TrainingResult:
        training = {"epochs": 1, "batch_size": 8, "max_imitator_l1_ratio": 0.9, **settings}
        return train_translator(
            CONFIG,
            TranslatorTraining(**training),
            networks=networks,
            **{"photos": toy_source("train", 64), "heldout": toy_source("heldout", 24), **(sources or {})},
            folder=tmp_path,
            resume=resume,
            progress=progress,
            device=CPU,
        )

    return run


@pytest.fixture
def task(networks: FrozenNetworks, toy_source: Build) -> TranslatorTask:
    networks.freeze(CPU)
    heldout = toy_source("heldout", 8)
    embedded = EmbeddedSource(heldout, embed_source(networks.embedder, heldout, device=CPU, title="toys"))
    torch.manual_seed(1)
    module = Translator(CONFIG)
    torch.nn.init.normal_(module.continuous_head.weight, std=0.05)
    content = ContentMemory(networks.segmenter, limit_bytes=1 << 20, device=CPU)
    return TranslatorTask(module, TranslatorTraining(), networks, embedded, content, torch.zeros(24), CPU)


def one_batch(task: TranslatorTask) -> EmbeddedBatch:
    return next(task.heldout.epoch(0))


def test_warm_up_and_fine_tuning_beat_the_mean_vector(train: Build) -> None:
    result = train(warmup_epochs=40, warmup_batch_size=16, warmup_learning_rate=3e-3, lambda_parameter=1.0)
    assert result.metrics["slider_error"] < 0.7 * result.baseline["slider_error"]
    assert result.metrics["choice_accuracy"] > result.baseline["choice_accuracy"] + 0.1
    assert result.metrics["retrieval_top1"] > 5 / 24
    assert result.metrics["verification_auc"] > 0.8


def test_photos_alone_bring_the_characters_nearer_to_them(train: Build, toy_source: Build) -> None:
    """No vector is known anywhere: the paper's setting."""
    photos = {"photos": toy_source("train", 64, photos=True)}
    settings = {"learning_rate": 1e-3, "lambda_1": 1.0, "lambda_2": 0.0, "lambda_3": 0.1}
    result = train(sources=photos, epochs=6, **settings)
    assert result.history[-1]["identity_similarity"] > result.history[0]["identity_similarity"]
    assert result.history[-1]["verification_auc"] > 0.8


def test_held_out_photos_without_vectors_are_judged_by_identity_alone(train: Build, toy_source: Build) -> None:
    result = train(sources={"heldout": toy_source("heldout", 8, photos=True)})
    assert result.metrics.keys() == {"identity_similarity", "retrieval_top1", "verification_auc"}
    assert result.baseline == {}


def test_nothing_but_the_translator_learns(train: Build, networks: FrozenNetworks) -> None:
    """Batch norm included: a frozen network in training mode would still move its statistics."""
    before = copy.deepcopy([networks.imitator.state_dict(), networks.segmenter.state_dict()])
    train(epochs=2)
    for saved, network in zip(before, (networks.imitator, networks.segmenter), strict=True):
        assert not any(module.training for module in network.modules())
        assert all(torch.equal(saved[name], value) for name, value in network.state_dict().items())


def test_the_identity_loss_reaches_every_picture_of_the_batch(task: TranslatorTask) -> None:
    """Two public reproductions computed it on the first one only."""
    created: list[torch.Tensor] = []

    class Watching(torch.nn.Module):
        def picture(self, vectors: torch.Tensor) -> torch.Tensor:
            picture = task.networks.imitator.picture(vectors)
            picture.retain_grad()
            created.append(picture)
            return picture

    settings = TranslatorTraining(lambda_1=1.0, lambda_2=0.0, lambda_3=0.0)
    watched = replace(task, networks=replace(task.networks, imitator=Watching()), training=settings)
    watched.losses(one_batch(task), 0, torch.Generator())["loss"].backward()
    assert (created[0].grad.abs().amax((1, 2, 3)) > 0).all()


def test_the_total_is_the_weighted_sum_of_its_parts(task: TranslatorTask) -> None:
    settings = TranslatorTraining(lambda_1=0.5, lambda_2=2.0, lambda_3=3.0, lambda_parameter=4.0)
    batch = replace(one_batch(task), labelled=one_batch(task))
    losses = replace(task, training=settings).losses(batch, 0, torch.Generator())
    expected = 0.5 * losses["identity"] + 2.0 * losses["content"] + 3.0 * losses["loopback"] + 4.0 * losses["parameter"]
    assert torch.allclose(losses["loss"], expected)


def test_the_full_set_has_no_content_loss(task: TranslatorTask) -> None:
    assert "content" not in task.losses(replace(one_batch(task), with_content=False), 0, torch.Generator())


def test_the_papers_recipe_looks_at_no_vector(task: TranslatorTask) -> None:
    batch = one_batch(task)
    torch.manual_seed(5)
    with_vector = task.losses(replace(batch, labelled=batch), 0, torch.Generator())
    without = task.losses(replace(batch, vector=None), 0, torch.Generator())
    assert torch.equal(with_vector["loss"], without["loss"])
    assert "parameter" not in with_vector


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"lambda_1": 0.0, "lambda_3": 0.0, "full_set_period": 0}, {"content"}),
        ({"lambda_3": 0.0}, {"content", "identity"}),
        ({"lambda_2": 0.0, "lambda_3": 0.0}, {"identity"}),
        ({"lambda_1": 0.0, "lambda_2": 0.0, "lambda_3": 0.0, "lambda_parameter": 1.0}, {"parameter"}),
    ],
)
def test_a_loss_of_weight_zero_is_left_out(task: TranslatorTask, weights: dict[str, Any], expected: set[str]) -> None:
    batch = replace(one_batch(task), labelled=one_batch(task))
    losses = replace(task, training=TranslatorTraining(**weights)).losses(batch, 0, torch.Generator())
    assert losses.keys() == {"loss", *expected}
    losses["loss"].backward()


def test_content_alone_trains(train: Build) -> None:
    result = train(lambda_1=0.0, lambda_3=0.0, full_set_period=0)
    assert result.history[-1]["train_loss"] == pytest.approx(result.history[-1]["train_content"])


def test_photos_learn_from_renders_beside_them(train: Build, toy_source: Build) -> None:
    """Self-supervision on photos and the truth of renders in the same step."""
    sources = {"photos": toy_source("train", 32, photos=True), "renders": [toy_source("train", 64)]}
    result = train(sources=sources, lambda_parameter=1.0, lambda_2=0.0, learning_rate=2e-3, epochs=8)
    assert result.history[-1]["train_parameter"] < 0.9 * result.history[0]["train_parameter"]
    assert result.metrics["slider_error"] < result.baseline["slider_error"]


def test_the_parameter_loss_needs_renders(train: Build, toy_source: Build) -> None:
    with pytest.raises(TrainingError, match="no source has vectors"):
        train(sources={"photos": toy_source("train", 16, photos=True)}, lambda_parameter=1.0)


@pytest.mark.parametrize("metrics", [{"l1_ratio": 0.95}, {"l1_ratio": float("nan")}, {}])
def test_an_imitator_that_learned_nothing_is_refused(
    networks: FrozenNetworks, toy_source: Build, tmp_path: Path, metrics: dict[str, float]
) -> None:
    with pytest.raises(TrainingError, match=r"best constant picture's, at most 0\.7 is accepted"):
        train_translator(
            CONFIG,
            TranslatorTraining(max_imitator_l1_ratio=0.7),
            networks=replace(networks, imitator_metrics=metrics),
            photos=toy_source("train", 8),
            heldout=toy_source("heldout", 8),
            folder=tmp_path,
        )


def test_held_out_photos_among_the_training_photos_are_refused(train: Build, toy_source: Build) -> None:
    with pytest.raises(TrainingError, match="held-out split"):
        train(sources={"photos": toy_source("heldout", 8)})


def test_a_stopped_training_ends_with_the_bits_of_one_never_stopped(
    train: Build, tmp_path: Path, progress_stopping_at: Build
) -> None:
    settings = {"epochs": 2, "warmup_epochs": 2, "warmup_batch_size": 16, "embedding_noise": 0.1}
    whole = train(**settings)
    with pytest.raises(KeyboardInterrupt):
        train(progress=progress_stopping_at(9), **settings)
    resumed = train(resume=True, **settings)
    for name, value in whole.module.state_dict().items():
        assert torch.equal(value, resumed.module.state_dict()[name])
    assert resumed.history == whole.history


def test_parameter_metrics_tell_sliders_from_choices() -> None:
    applied = torch.tensor([[0.2, 0.4, 1.0, 0.0], [0.6, 0.8, 0.0, 1.0]])
    predicted = torch.tensor([[0.3, 0.4, 0.6, 0.4], [0.6, 0.5, 0.7, 0.3]])
    metrics = parameter_metrics(predicted, applied, (2,))
    assert metrics["slider_error"] == pytest.approx(0.1)
    assert metrics["choice_accuracy"] == 0.5


def test_the_mean_vector_answers_the_most_frequent_choice() -> None:
    train_vectors = torch.tensor([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    metrics = mean_vector_metrics(train_vectors, torch.tensor([[0.5, 1.0, 0.0], [0.7, 0.0, 1.0]]), (2,))
    assert metrics == {"slider_error": pytest.approx(0.1), "choice_accuracy": 0.5}


def test_identity_metrics_compare_characters_with_pictures(toy_embedder: Any) -> None:
    photos = torch.eye(24)[:3]
    assert identity_metrics(photos, photos, toy_embedder)["retrieval_top1"] == 1.0
    assert identity_metrics(photos, photos.roll(1, 0), toy_embedder)["retrieval_top1"] == 0.0


def test_closing_the_gap_needs_renders_and_moves_what_is_seen_of_characters(train: Build, toy_source: Build) -> None:
    photos = {"photos": toy_source("train", 16, photos=True)}
    with pytest.raises(TrainingError, match="measured on renders, and there are none"):
        train(sources=photos, close_domain_gap=True)
    with_renders = photos | {"renders": [toy_source("train", 32)]}
    identity = [
        train(sources=with_renders, close_domain_gap=close, lambda_1=1.0, lambda_2=0.0).history[0]["train_identity"]
        for close in (False, True)
    ]
    assert identity[0] != identity[1]


def test_mixed_precision_reaches_the_same_losses(train: Build) -> None:
    """The segmenter's resizing and the embedder's crop want full precision: what they see is given it."""
    full, mixed = (train(precision=precision, lambda_1=1.0).history[0] for precision in ("32", "bf16"))
    for name in ("train_identity", "train_content"):
        assert mixed[name] == pytest.approx(full[name], rel=0.05)
