from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from engine_bridge.errors import InputError
from flows import stages
from flows.engines.orders import EngineOrder
from flows.settings import Settings


class RenderingError(Exception):
    """Raised where the first pairs would be rendered."""


@pytest.fixture
def train(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``train("imitator")`` in eight processes; of the smoke recipe, batches of eight, the translator's of four."""

    def render(*_: object) -> None:
        raise RenderingError

    monkeypatch.setattr(stages, "render_studio", render)
    order: dict[str, Any] = dict.fromkeys(("dataset", "photos", "num_workers"))

    def call(network: Literal["imitator", "segmenter", "translator"]) -> None:
        stages.train_network.fn(
            replace(settings, train_processes=8),
            network,
            character="tiny",
            recipe="smoke",
            engine=EngineOrder(),
            seed=0,
            resume=True,
            **order,
        )

    return call


@pytest.mark.parametrize("network", ["imitator", "segmenter"])
def test_a_network_is_not_refused_for_the_batches_of_another_one(train: Any, network: str) -> None:
    with pytest.raises(RenderingError):
        train(network)


def test_a_network_whose_batches_the_processes_cannot_part_is_refused_before_anything_is_rendered(train: Any) -> None:
    with pytest.raises(InputError, match="the translator in batches of 4, which cannot be parted evenly among 8"):
        train("translator")
