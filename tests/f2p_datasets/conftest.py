"""Fixtures of the datasets' tests: a character of a few sliders and an engine of a few lines.

Where the content of the pictures matters the tests take the mock engine instead.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from engine_bridge.characters import load_schema
from engine_bridge.errors import EngineError
from engine_bridge.frames import Frame, Picture, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.scene import BRIDGE_SCENE_FIELDS, ENGINE_SCENE_FIELDS
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.manifest import DatasetManifest, finish_dataset
from f2p_datasets.rendering import DatasetPlan, render_shard


class StripeEngine:
    """Draws the vector as a picture: deterministic, instant, no face in it."""

    name, build = "stripes", "1"
    scene_fields = ENGINE_SCENE_FIELDS | BRIDGE_SCENE_FIELDS

    def __init__(self, schema: ParameterSchema, first_frame_id: int = 0, fails_after: int | None = None) -> None:
        self._schema, self._next_frame_id, self._fails_after = schema, first_frame_id, fails_after

    def describe(self, character: str) -> ParameterSchema:
        return self._schema

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        return [self._frame(request) for request in requests]

    def close(self) -> None:
        pass

    def _frame(self, request: RenderRequest) -> Frame:
        if self._fails_after == self._next_frame_id:
            raise EngineError("the engine died")
        self._next_frame_id += 1
        side = request.resolution
        line = np.resize((request.vector * 255).astype(np.uint8), side)
        ramp = np.arange(side, dtype=np.uint8)
        picture = np.stack(np.broadcast_arrays(line[None, :], ramp[:, None], np.uint8(request.request_id % 256)), -1)
        mask = np.broadcast_to((line % 11)[None, :], (side, side)).copy()
        return Frame(
            request_id=request.request_id,
            frame_id=self._next_frame_id,
            vector=np.round(request.vector * 1000) / np.float32(1000),  # applied, not asked for
            picture=picture,
            mask=mask,
        )


@pytest.fixture(scope="session")
def schema() -> ParameterSchema:
    return load_schema("tiny")


@pytest.fixture
def engine(schema: ParameterSchema) -> StripeEngine:
    return StripeEngine(schema)


@pytest.fixture
def make_engine(schema: ParameterSchema) -> Callable[..., StripeEngine]:
    """``first_frame_id`` and ``fails_after`` as StripeEngine's."""
    return partial(StripeEngine, schema)


@pytest.fixture
def plan(schema: ParameterSchema) -> DatasetPlan:
    """60 pairs at 32 px in shards of 12."""
    return DatasetPlan(schema=schema, count=60, seed=0, resolution=32, shard_size=12)


@pytest.fixture
def render(engine: StripeEngine) -> Callable[[DatasetPlan, Path], DatasetManifest]:
    """Render all shards of a plan and finish the dataset."""

    def render_dataset(plan: DatasetPlan, folder: Path) -> DatasetManifest:
        for shard_index in range(plan.num_shards):
            render_shard(engine, plan, shard_index, folder)
        return finish_dataset(folder, plan.provenance(engine))

    return render_dataset


@pytest.fixture(scope="session")
def finished_dataset(schema: ParameterSchema, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset that nobody changes."""
    folder, engine = tmp_path_factory.mktemp("finished") / "dataset", StripeEngine(schema)
    plan = DatasetPlan(schema=schema, count=60, seed=0, resolution=32, shard_size=12)
    for shard_index in range(plan.num_shards):
        render_shard(engine, plan, shard_index, folder)
    finish_dataset(folder, plan.provenance(engine))
    return folder


@pytest.fixture
def dataset(finished_dataset: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    return Path(shutil.copytree(finished_dataset, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def astronaut() -> Picture:
    """A real photo (512, 512, 3): public domain, ships with scikit-image."""
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def astronaut_face(astronaut: Picture) -> DetectedFace:
    return FaceDetector().detect(astronaut)[0]


@pytest.fixture(scope="session")
def mock_engine() -> Iterator[MockEngine]:
    engine = MockEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def template(mock_engine: MockEngine) -> AlignmentTemplate:
    """The average face of the mock engine's adult woman."""
    schema = mock_engine.describe("justice_female")
    request = RenderRequest(request_id=0, character=schema.character, vector=schema.default_vector())
    return AlignmentTemplate.from_average_face(mock_engine.render([request])[0].picture)
