from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine_bridge.errors import InputError
from engine_bridge.parts import NOT_JUDGED, Part
from f2p_models.errors import TrainingError
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.training import Augmentation, SegmenterTraining, TrainingResult, train_segmenter
from f2p_models.training.segmenter import (
    at_grid,
    class_weights,
    count_parts,
    measure_constant_mask,
    segmentation_metrics,
)
from f2p_models.trunks import find_packaged_weights

Build = Callable[..., Any]
NARROW = SegmenterConfig(width=0.06, blocks=(1, 1, 1, 1), input_px=64)


@pytest.fixture(scope="module")
def result(toy_source: Build, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    return train_segmenter(
        NARROW,
        SegmenterTraining(
            epochs=5, batch_size=8, optimizer="adam", learning_rate=5e-3, schedule="one_cycle", class_weighting="sqrt",
            augmentation=Augmentation(scale=0.1, background=0.3, occluder=0.1),
        ),
        train=[toy_source("train", 96), toy_source("train", 32)],
        heldout=toy_source("heldout", 16),
        folder=tmp_path_factory.mktemp("segmenter"),
        device=torch.device("cpu"),
    )  # fmt: skip


def test_a_segmenter_beats_the_constant_mask(result: TrainingResult) -> None:
    assert result.metrics["accuracy"] > result.baseline["accuracy"]
    assert result.metrics["miou"] > result.baseline["miou"] + 0.1


def test_only_parts_in_the_held_out_masks_are_judged(result: TrainingResult) -> None:
    assert {name for name in result.metrics if name.startswith("iou_")} == {"iou_background", "iou_face_skin"}
    assert result.metrics["miou"] == pytest.approx(
        (result.metrics["iou_background"] + result.metrics["iou_face_skin"]) / 2
    )


def test_the_grid_takes_the_part_at_the_centre_of_each_cell() -> None:
    mask = torch.zeros(1, 16, 16, dtype=torch.uint8)
    mask[0, 4, 12] = Part.NOSE
    assert at_grid(mask, 2).tolist() == [[[0, Part.NOSE], [0, 0]]]


def test_rare_parts_weigh_more_and_pixels_one_on_average() -> None:
    counts = torch.zeros(len(Part), 1, 1, dtype=torch.int64)
    counts[Part.BACKGROUND], counts[Part.NOSE] = 900, 100
    weights = class_weights(counts, "sqrt")
    assert weights[Part.NOSE] / weights[Part.BACKGROUND] == pytest.approx(3.0)
    assert 0.9 * weights[Part.BACKGROUND] + 0.1 * weights[Part.NOSE] == pytest.approx(1.0)
    assert weights[Part.HAIR] == 0.0


def test_without_weighting_all_parts_weigh_the_same() -> None:
    assert class_weights(torch.ones(len(Part), 2, 2, dtype=torch.int64), "none").unique().tolist() == [1.0]


def test_the_constant_mask_is_the_most_frequent_part_of_each_grid_point(toy_source: Build) -> None:
    source = toy_source("train", 40)
    counts = count_parts(source, 8)
    assert int(counts.sum()) == 40 * 64
    by_hand = at_grid(source.mask, 8).long().mode(0).values
    assert torch.equal(counts.argmax(0), by_hand)
    expected = float((by_hand == at_grid(source.mask, 8)).float().mean())
    assert measure_constant_mask(counts, source, 8)["accuracy"] == pytest.approx(expected)


@pytest.fixture
def train(toy_source: Build, tmp_path: Path) -> Callable[..., TrainingResult]:
    """One epoch, with changes of the settings and further arguments of ``train_segmenter``."""

    def call(config: SegmenterConfig = NARROW, **others: Any) -> TrainingResult:
        settings = {name: others.pop(name) for name in list(others) if name in SegmenterTraining.__dataclass_fields__}
        return train_segmenter(
            config,
            SegmenterTraining(epochs=1, batch_size=8, optimizer="adam", **settings),
            train=[toy_source("train", 32)],
            heldout=toy_source("heldout", 16),
            folder=tmp_path / "training",
            device=torch.device("cpu"),
            **others,
        )

    return call


class Photos:
    """A source of photos: the toy pictures without their masks."""

    def __init__(self, source: Any) -> None:
        self._source, self.num_pairs, self.num_batches = source, source.num_pairs, source.num_batches

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Any]:
        for batch in self._source.epoch(epoch, start_batch):
            yield replace(batch, mask=None, vector=None)


def test_a_segmenter_goes_on_with_photos_that_it_labels_itself(
    result: TrainingResult, train: Callable[..., TrainingResult], toy_source: Build
) -> None:
    start = result.module
    assert isinstance(start, Segmenter)
    photos = Photos(toy_source("train", 32))
    adapted = train(start=start, photos=photos, photo_confidence=0.5, learning_rate=1e-3)
    assert adapted.history[-1]["step"] == 8  # four batches of renders, four of photos
    assert adapted.metrics["miou"] > adapted.baseline["miou"]
    assert any(not torch.equal(value, start.state_dict()[key]) for key, value in adapted.module.state_dict().items())


def test_photos_of_which_nothing_is_sure_teach_nothing_but_do_no_harm(
    result: TrainingResult, train: Callable[..., TrainingResult], toy_source: Build
) -> None:
    adapted = train(start=result.module, photos=Photos(toy_source("train", 32)), photo_confidence=1.0)
    assert math.isfinite(adapted.history[-1]["train_loss"])


def test_photos_without_a_segmenter_to_label_them_are_refused(
    train: Callable[..., TrainingResult], toy_source: Build
) -> None:
    with pytest.raises(TrainingError, match="need a trained segmenter to start from"):
        train(photos=Photos(toy_source("train", 32)))


def test_a_segmenter_of_another_architecture_cannot_go_on(
    result: TrainingResult, train: Callable[..., TrainingResult]
) -> None:
    with pytest.raises(TrainingError, match=r"cannot go on as .*efficientnet_lite0"):
        train(SegmenterConfig(trunk="efficientnet_lite0", input_px=64), start=result.module)


def test_going_on_leaves_the_segmenter_that_was_given_as_it_is(
    result: TrainingResult, train: Callable[..., TrainingResult]
) -> None:
    before = {key: value.clone() for key, value in result.module.state_dict().items()}
    train(start=result.module, learning_rate=0.01)
    assert all(torch.equal(value, before[key]) for key, value in result.module.state_dict().items())


def test_the_lite_trunk_starts_from_the_packaged_weights(train: Callable[..., TrainingResult]) -> None:
    config = SegmenterConfig(trunk="efficientnet_lite0", input_px=64)
    trained = train(config, imagenet_trunk="packaged", learning_rate=1e-6, fine_labels=True)
    weights = torch.load(find_packaged_weights(), weights_only=True)["_conv_stem.weight"]
    torch.testing.assert_close(trained.module.state_dict()["trunk.stem.0.weight"], weights, atol=1e-4, rtol=1e-3)


def test_backgrounds_are_seen_in_training_only(train: Callable[..., TrainingResult]) -> None:
    photos = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    plain, changed = train(learning_rate=1e-3), train(learning_rate=1e-3, backgrounds=photos)
    assert plain.history[-1]["train_loss"] != changed.history[-1]["train_loss"]
    assert plain.baseline == changed.baseline


def test_what_is_not_judged_counts_neither_for_nor_against() -> None:
    target = torch.tensor([[[Part.NOSE, NOT_JUDGED], [Part.HAIR, NOT_JUDGED]]], dtype=torch.uint8)
    predicted = torch.tensor([[[Part.NOSE, Part.HAIR], [Part.HAIR, Part.NOSE]]])
    assert segmentation_metrics(iter([(predicted, target)]))["miou"] == 1.0


def test_a_confidence_above_one_is_refused() -> None:
    with pytest.raises(InputError, match="photo_confidence"):
        SegmenterTraining(photo_confidence=1.2)
