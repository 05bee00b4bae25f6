from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from engine_bridge.mock import MockEngine
from flows.planning.estimates import Estimate, Estimator, in_all
from flows.recipes import smoke
from flows.run_records import RunRecord, StepRecord
from flows.settings import Settings
from flows.targets import Order


@pytest.fixture
def order(settings: Settings) -> Iterator[Order]:
    with closing(MockEngine()) as engine:
        yield Order(settings=settings, schema=engine.describe("tiny"), recipe=smoke(), engine=engine, seed=0)


def step(
    stage: str, seconds: float, *, cached: bool = False, pairs: int = 0, epochs: int = 0, share: float = 1.0
) -> StepRecord:
    inputs = {"training": {"epochs": epochs, "batch_size": 8}} if epochs else {}
    return StepRecord(
        title=stage,
        stage=stage,
        key="0" * 16,
        folder="",
        cached=cached,
        seconds=seconds,
        share=share,
        inputs=inputs,
        figures={"pairs": pairs, "rejects": 0} if pairs else {},
    )


def run_of(*steps: StepRecord, recipe: str = "smoke", engine: str = "mock b1") -> RunRecord:
    return RunRecord(run_id="r", character="tiny", recipe=recipe, engine=engine, seed=0, started="", steps=list(steps))


def test_without_earlier_runs_the_defaults_are_taken_and_said(order: Order) -> None:
    estimate = Estimator(order, []).dataset("studio", 1000, 128)
    assert estimate.source == "defaults"
    assert estimate.seconds == pytest.approx(2.5)
    assert estimate.bytes == pytest.approx(1000 * 128 * 128 * 1.4)


def test_an_earlier_run_says_how_long_a_pair_takes(order: Order) -> None:
    earlier = run_of(step("studio", 30.0, pairs=100))
    assert Estimator(order, [earlier]).dataset("studio", 400, 64).seconds == pytest.approx(120.0)


@pytest.mark.parametrize(
    "other",
    [
        run_of(step("studio", 30.0, pairs=100), recipe="quick"),
        run_of(step("studio", 30.0, pairs=100), engine="godot3 b1"),
        run_of(step("studio", 0.1, pairs=100, cached=True)),
        run_of(step("photo-like", 30.0, pairs=100)),
    ],
)
def test_runs_of_another_kind_say_nothing(order: Order, other: RunRecord) -> None:
    assert Estimator(order, [other]).dataset("studio", 400, 64).source == "defaults"


def test_another_build_of_the_engine_takes_as_long(order: Order) -> None:
    earlier = run_of(step("studio", 30.0, pairs=100), engine="mock b2")
    assert Estimator(order, [earlier]).dataset("studio", 100, 64).source == "earlier runs"


def test_one_disturbed_night_does_not_count(order: Order) -> None:
    nights = [run_of(step("studio", seconds, pairs=100)) for seconds in (10.0, 9000.0, 11.0)]
    assert Estimator(order, nights).dataset("studio", 100, 64).seconds == pytest.approx(11.0)


def test_what_broke_off_and_was_continued_counts_for_what_was_done_after(order: Order) -> None:
    continued = run_of(step("studio", 30.0, pairs=100, share=0.6))
    assert Estimator(order, [continued]).dataset("studio", 100, 64).seconds == pytest.approx(50.0)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_what_was_nearly_done_or_nobody_knows_how_far_says_nothing(order: Order, share: float) -> None:
    continued = run_of(step("studio", 3.0, pairs=100, share=share), step("imitator", 8.0, epochs=4, share=share))
    assert Estimator(order, [continued]).dataset("studio", 100, 64).source == "defaults"
    assert Estimator(order, [continued]).training("imitator", 100).source == "defaults"


def test_a_training_takes_as_long_as_its_samples(order: Order) -> None:
    """Twice the pairs and, by the recipe, half the epochs of then."""
    earlier = run_of(step("studio", 1.0, pairs=100), step("imitator", 80.0, epochs=4))
    assert Estimator(order, [earlier]).training("imitator", 200).seconds == pytest.approx(80.0)


def test_a_limit_of_batches_is_a_limit_of_samples(order: Order) -> None:
    limited = replace(order.recipe, translator=replace(order.recipe.translator, batches_per_epoch=2))
    estimator = Estimator(replace(order, recipe=limited), [])
    assert estimator.training("translator", 1000).seconds == estimator.training("translator", 5000).seconds


def test_a_wider_network_costs_more_disk(order: Order) -> None:
    wide = replace(order, recipe=replace(order.recipe, imitator_width=0.5))
    narrow_bytes = Estimator(order, []).training("imitator", 100).bytes
    assert Estimator(wide, []).training("imitator", 100).bytes > 5 * narrow_bytes


def test_a_sum_with_a_default_in_it_is_no_measurement() -> None:
    measured, default = Estimate(seconds=1.0, bytes=10), Estimate(seconds=2.0, bytes=20, source="defaults")
    assert in_all([measured, default]) == Estimate(seconds=3.0, bytes=30, source="defaults")
    assert in_all([measured, measured]).source == "earlier runs"
    assert in_all([]) == Estimate()
