from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine_bridge.characters import load_schema
from engine_bridge.schema import ParameterSchema, Vector
from f2p_models.errors import BundleError
from f2p_models.export import ParityReport
from f2p_models.registry import ModelVersion
from flows.engines.orders import EngineOrder
from flows.gates import publication as publish_gate
from flows.gates.gate import GateError
from flows.gates.publication import pass_champion_gate, pass_publish_gate
from flows.recipes import quick, smoke
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


def version(reason: str) -> ModelVersion:
    return ModelVersion(
        character="tiny",
        version=2,
        folder=Path("registry/tiny/2"),
        identity="i",
        metrics={},
        parents={},
        heldout="h",
        is_champion=False,
        reason=reason,
        published_at="",
    )


def test_a_version_that_is_kept_back_refuses_the_run(run_quick: Run) -> None:
    with pytest.raises(GateError) as caught:
        pass_champion_gate(run_quick, version("kept as challenger: score 0.4 against 0.5 of version 1"))
    assert str(caught.value) == (
        "version: refused by the gate 'champion': version 2 kept as challenger: score 0.4 against 0.5 of version 1; "
        "the champion stays; to use this one all the same: f2p models promote --character tiny --version 2"
    )


@pytest.mark.parametrize("reason", ["not worse: score 0.5 against 0.5 of version 1", "rolled back to version 1"])
def test_a_version_that_somebody_took_out_of_use_refuses_no_run(run_quick: Run, reason: str) -> None:
    pass_champion_gate(run_quick, version(reason))
    assert run_quick.record.gates[-1].passed


def test_a_recipe_may_keep_worse_versions_as_challengers(run: Run) -> None:
    pass_champion_gate(run, version("kept as challenger: score 0.4 against 0.5 of version 1"))
    assert run.record.gates[-1].passed


class Painter:
    """An imitator that paints one color, finite or not."""

    def __init__(self, color: float) -> None:
        self.color = color

    def picture(self, vectors: torch.Tensor) -> torch.Tensor:
        return torch.full((len(vectors), 3, 4, 4), self.color)


@dataclass
class Bundle:
    """What is loaded, as far as the gate looks at it."""

    schema: ParameterSchema
    imitator: Painter
    device: str = "cpu"


@dataclass
class Created:
    """A creation: one vector."""

    vectors: torch.Tensor
    mode: str = "one-shot"

    def vector(self, index: int) -> Vector:
        return np.asarray(self.vectors[index].numpy(), np.float32)


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that loads, and creates the average face."""
    schema = load_schema("tiny")
    monkeypatch.setattr(publish_gate, "load_bundle", lambda *_, **__: Bundle(schema, Painter(0.5)))
    vectors = torch.from_numpy(schema.default_vector())[None]
    monkeypatch.setattr(publish_gate, "_create", lambda *_: Created(vectors))


def exported(difference: float = 3e-8) -> list[ParityReport]:
    return [ParityReport(path=Path("onnx/imitator.onnx"), max_abs_difference=difference, tolerance=1e-4)]


def outcomes(run: Run) -> dict[str, bool]:
    return {gate.name: gate.passed for gate in run.record.gates}


@pytest.mark.usefixtures("working")
def test_a_bundle_that_creates_is_published(run: Run) -> None:
    pass_publish_gate(run, Path("bundle"), exported())
    assert outcomes(run) == {"ONNX parity": True, "loads": True, "creates": True}


@pytest.mark.usefixtures("working")
def test_exports_that_compute_something_else_are_refused(run: Run) -> None:
    with pytest.raises(GateError, match=r"differs from its network by 0\.01 at most, 0\.0001 is accepted"):
        pass_publish_gate(run, Path("bundle"), exported(0.01))


@pytest.mark.usefixtures("working")
def test_a_bundle_that_does_not_load_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: Any, **__: Any) -> None:
        raise BundleError("bundle: imitator/weights.safetensors is missing")

    monkeypatch.setattr(publish_gate, "load_bundle", damaged)
    with pytest.raises(GateError, match=r"'loads': bundle: imitator/weights\.safetensors is missing; delete what it"):
        pass_publish_gate(run, Path("bundle"), exported())
    assert outcomes(run) == {"ONNX parity": True, "loads": False}


@pytest.mark.usefixtures("working")
def test_a_picture_of_no_finite_numbers_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Bundle(load_schema("tiny"), Painter(math.nan))
    monkeypatch.setattr(publish_gate, "load_bundle", lambda *_, **__: broken)
    with pytest.raises(GateError, match="test photo by one-shot, figures that are not finite; look at the previews"):
        pass_publish_gate(run, Path("bundle"), exported())


@pytest.mark.usefixtures("working")
def test_a_vector_that_the_schema_does_not_know_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish_gate, "_create", lambda *_: Created(torch.full((1, 3), 0.5)))
    with pytest.raises(GateError, match="refused by the gate 'creates': "):
        pass_publish_gate(run, Path("bundle"), exported())
