from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.errors import InputError
from f2p_models.training import Augmentation, ImitatorTraining, SegmenterTraining, TranslatorTraining
from f2p_models.training.optimization import learning_rate_factor


@pytest.mark.parametrize(
    ("settings", "bad", "message"),
    [
        (ImitatorTraining, {"epochs": 0}, "epochs: 0 must be at least 1"),
        (ImitatorTraining, {"batch_size": 0}, "batch_size: 0"),
        (ImitatorTraining, {"learning_rate": 0.0}, "learning_rate: 0.0 must be above 0"),
        (ImitatorTraining, {"learning_rate": float("nan")}, "learning_rate: nan"),
        (ImitatorTraining, {"optimizer": "lion"}, "optimizer: 'lion' is unknown; use one of sgd, adam"),
        (ImitatorTraining, {"schedule": "linear"}, "schedule: 'linear' is unknown"),
        (ImitatorTraining, {"precision": "16"}, "precision: '16' is unknown; use one of 32, bf16"),
        (ImitatorTraining, {"seed": -1}, "seed: -1"),
        (SegmenterTraining, {"class_weighting": "some"}, "class_weighting: 'some' is unknown"),
        (TranslatorTraining, {"lambda_2": -1.0}, "lambda_2: -1.0"),
        (TranslatorTraining, {"full_set_period": 1}, "1 leaves no step for the content loss; set lambda_2 to 0"),
        (TranslatorTraining, {"lambda_1": 0.0, "lambda_2": 0.0}, "nothing ties a character to its photo; raise one"),
        (TranslatorTraining, {"lambda_1": 0.0, "lambda_3": 0.0}, "every 4th step would learn nothing; set it to 0"),
        (TranslatorTraining, {"labelled_batch_size": 0}, "labelled_batch_size: 0"),
        (TranslatorTraining, {"content_memory_mb": -1}, "content_memory_mb: -1"),
        (TranslatorTraining, {"max_imitator_l1_ratio": 0.0}, "max_imitator_l1_ratio: 0.0"),
        (Augmentation, {"flip": 1.5}, "flip: 1.5"),
    ],
)
def test_bad_settings_are_refused_with_field_value_and_way_out(
    settings: type[Any], bad: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        settings(**bad)


def test_the_defaults_are_the_papers() -> None:
    imitator, segmenter, translator = ImitatorTraining(), SegmenterTraining(), TranslatorTraining()
    assert (imitator.optimizer, imitator.momentum, imitator.batch_size) == ("sgd", 0.9, 16)
    assert (imitator.learning_rate, imitator.schedule, imitator.epochs) == (0.01, "step_decay", 500)
    assert (segmenter.optimizer, segmenter.batch_size, segmenter.learning_rate) == ("sgd", 16, 0.001)
    assert (translator.optimizer, translator.learning_rate, translator.epochs) == ("adam", 1e-4, 20)
    assert (translator.lambda_1, translator.lambda_2, translator.lambda_3) == (0.01, 1.0, 1.0)
    assert (translator.full_set_period, translator.lambda_parameter, translator.warmup_epochs) == (4, 0.0, 0)


def test_settings_become_plain_json() -> None:
    settings = SegmenterTraining(imagenet_trunk=Path("resnet50.pth"))
    assert json.loads(json.dumps(settings.to_dict()))["imagenet_trunk"] == "resnet50.pth"


def test_step_decay_takes_ten_percent_off_every_fifty_epochs() -> None:
    rates = [
        learning_rate_factor("step_decay", epoch * 7, num_steps=700, steps_per_epoch=7) for epoch in (0, 49, 50, 100)
    ]
    assert rates == pytest.approx([1.0, 1.0, 0.9, 0.81])


def test_one_cycle_goes_up_and_then_down_to_almost_nothing() -> None:
    rates = [learning_rate_factor("one_cycle", step, num_steps=100, steps_per_epoch=10) for step in range(101)]
    assert rates[0] == pytest.approx(0.04)
    assert max(rates) == rates[15] == pytest.approx(1.0)
    assert rates[:16] == sorted(rates[:16])
    assert rates[15:] == sorted(rates[15:], reverse=True)
    assert rates[100] == pytest.approx(0.001)


def test_a_constant_rate_is_constant() -> None:
    assert {learning_rate_factor("constant", step, num_steps=9, steps_per_epoch=3) for step in range(9)} == {1.0}
