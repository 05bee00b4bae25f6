from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine_bridge.parts import Part
from f2p_models.segmenter import SegmenterConfig
from f2p_models.training import Augmentation, SegmenterTraining, TrainingResult, train_segmenter
from f2p_models.training.segmenter import at_grid, class_weights, count_parts, measure_constant_mask

Build = Callable[..., Any]


@pytest.fixture(scope="module")
def result(toy_source: Build, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    return train_segmenter(
        SegmenterConfig(width=0.06, blocks=(1, 1, 1, 1), input_px=64),
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
