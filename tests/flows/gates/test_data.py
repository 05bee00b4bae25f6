from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.manifest import finish_dataset, read_manifest
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.samplers import build_sampler
from f2p_datasets.shards import write_shard
from flows.gates import data as data_gate
from flows.gates.data import check_dataset
from flows.gates.gate import Check
from flows.gates.limits import GateLimits

SIDE = 32
Change = Callable[[Pair], Pair | Reject]


@pytest.fixture(scope="module")
def engine() -> MockEngine:
    return MockEngine()


@pytest.fixture
def dataset(engine: MockEngine, tmp_path: Path) -> Callable[..., Path]:
    """``dataset(change, count=..., domain=...)``: pairs of tiny as an engine would answer them, each changed first."""

    def make(change: Change = lambda pair: pair, count: int = 20, domain: str = "studio") -> Path:
        template = AlignmentTemplate(np.linspace(0.1, 0.9, 136).reshape(68, 2)) if domain == "photo-like" else None
        schema = engine.describe("tiny")
        plan = DatasetPlan(
            schema=schema, count=count, seed=0, resolution=SIDE, shard_size=count, domain=domain, template=template
        )
        provenance = plan.provenance(engine)
        write_shard(tmp_path, 0, (change(pair) for pair in pairs(schema, count)), provenance)
        finish_dataset(tmp_path, provenance)
        return tmp_path

    return make


def pairs(schema: ParameterSchema, count: int) -> Iterator[Pair]:
    draw = np.random.Generator(np.random.Philox(0))
    for index, vector in enumerate(build_sampler("uniform", schema, 0).vectors(0, count)):
        picture = draw.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        mask = np.full((SIDE, SIDE), Part.FACE_SKIN, np.uint8)
        facts: dict[str, Any] = {"engine_frame": index, "character": "tiny", "fingerprint": schema.fingerprint}
        yield Pair(index=index, picture=picture, mask=mask, vector=vector, facts=facts)


def failed(folder: Path, limits: GateLimits | None = None) -> list[Check]:
    return [check for check in check_dataset(folder, limits or GateLimits()) if not check.passed]


def test_a_good_dataset_passes_every_gate(dataset: Callable[..., Path]) -> None:
    checks = list(check_dataset(dataset(count=300), GateLimits()))
    assert [check.name for check in checks] == ["complete", "coverage", "different pictures", "pictures"]
    assert all(check.passed for check in checks)
    assert checks[0].line == "300 pairs and 0 rejects of 300 ordered"


def test_a_slider_that_never_moves_is_refused_by_name(dataset: Callable[..., Path], engine: MockEngine) -> None:
    def stuck(pair: Pair) -> Pair:
        assert pair.vector is not None
        vector = pair.vector.copy()
        vector[0] = 0.5
        return replace(pair, vector=vector)

    [check] = failed(dataset(stuck, count=300))
    assert check.name == "coverage"
    assert f"({engine.describe('tiny').continuous[0].name} at 0 to 10 % of its range: 0 pairs" in check.line
    assert "and 7 more); the engine does not apply these values" in check.line
    assert failed(dataset(stuck, count=300), GateLimits(coverage=False)) == []


def test_blank_pictures_are_refused(dataset: Callable[..., Path]) -> None:
    def blank(pair: Pair) -> Pair:
        return replace(pair, picture=np.full_like(pair.picture, pair.index))

    [check] = failed(dataset(blank))
    assert check.line.startswith("2 pictures looked at, 2 show no head (pair 0 is blank; pair 1 is blank)")


def test_masks_without_a_head_are_refused(dataset: Callable[..., Path]) -> None:
    def empty(pair: Pair) -> Pair:
        return replace(pair, mask=np.zeros((SIDE, SIDE), np.uint8))

    [check] = failed(dataset(empty))
    assert "pair 0 has an empty mask" in check.line


def test_frames_that_come_again_are_refused(dataset: Callable[..., Path]) -> None:
    first = next(pairs(MockEngine().describe("tiny"), 1)).picture

    def stale(pair: Pair) -> Pair:
        return replace(pair, picture=first) if pair.index % 4 == 0 else pair

    [check] = failed(dataset(stale))
    assert check.line.startswith("20.0% of 20 pictures repeat another one, at most 1% may; ")


def test_too_few_faces_are_refused_and_the_limit_is_the_recipe_s(dataset: Callable[..., Path]) -> None:
    def mostly_found(pair: Pair) -> Pair | Reject:
        found = {"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0, "face_px": 20.0, "sharpness": 1.0, "frontal": True}
        if pair.index % 10 < 3:
            return Reject(index=pair.index, reason="no face found")
        return replace(pair, facts={**pair.facts, **found})

    folder = dataset(mostly_found, domain="photo-like")
    [check] = failed(folder)
    assert check.line.startswith("a face in 70.0% of the photo-like pictures, at least 80% is asked; ")
    assert failed(folder, GateLimits(min_faces_found=0.7)) == []


def test_a_table_that_lost_rows_is_refused(dataset: Callable[..., Path]) -> None:
    manifest = read_manifest(dataset())
    check = data_gate._complete(Path("somewhere"), manifest, 19)
    assert (check.passed, check.detail) == (False, "19 pairs and 0 rejects of 20 ordered")


@pytest.mark.parametrize(
    ("failures", "canaries", "passed"), [(1, 3, True), (2, 3, False), (2, 100, True), (3, 100, False)]
)
def test_one_canary_may_fail_or_a_small_share(failures: int, canaries: int, passed: bool) -> None:
    assert data_gate._canaries(failures, canaries, GateLimits()).passed is passed
