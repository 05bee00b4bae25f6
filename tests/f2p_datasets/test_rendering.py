from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import EngineError, FrameRejectedError, InputError, SchemaError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.scene import Scene
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.manifest import DatasetManifest, finish_dataset
from f2p_datasets.provenance import Provenance
from f2p_datasets.rendering import DatasetPlan, frames_at_once, missing_shards, render_shard
from f2p_datasets.samplers import build_sampler
from f2p_datasets.shards import read_shard

Render = Callable[[DatasetPlan, Path], DatasetManifest]


CONFTEST = Path(__file__).parent / "conftest.py"
KILLED = """
import os, runpy, signal, sys
from pathlib import Path
from engine_bridge.characters import load_schema
from f2p_datasets.rendering import DatasetPlan, render_shard

class Engine(runpy.run_path(sys.argv[1])["StripeEngine"]):
    def render(self, requests):
        if self._next_frame_id >= 64:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().render(requests)

schema = load_schema("tiny")
plan = DatasetPlan(schema=schema, count=160, seed=0, resolution=32, shard_size=120)
render_shard(Engine(schema), plan, 0, Path(sys.argv[2]))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rendering_twice_gives_the_same_bytes(plan: DatasetPlan, render: Render, tmp_path: Path) -> None:
    render(plan, tmp_path / "one")
    render(plan, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_killed_and_resumed_run_gives_the_bytes_of_an_undisturbed_one(
    plan: DatasetPlan, make_engine: Callable[..., EngineBridge], tmp_path: Path, finished_dataset: Path
) -> None:
    dying = make_engine(first_frame_id=100, fails_after=130)
    render_shard(dying, plan, 0, tmp_path)
    render_shard(dying, plan, 1, tmp_path)
    with pytest.raises(EngineError, match="died"):
        render_shard(dying, plan, 2, tmp_path)
    engine = make_engine()
    assert missing_shards(engine, plan, tmp_path) == [2, 3, 4]
    for shard_index in reversed(missing_shards(engine, plan, tmp_path)):
        render_shard(engine, plan, shard_index, tmp_path)
    finish_dataset(tmp_path, plan.provenance(engine))
    assert contents(tmp_path) == contents(finished_dataset)


def test_a_run_killed_in_the_middle_of_a_shard_resumes_to_the_same_bytes(
    plan: DatasetPlan, engine: EngineBridge, render: Render, tmp_path: Path
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(CONFTEST), str(tmp_path / "killed")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.suffix for path in (tmp_path / "killed").iterdir()] == [".tmp"]
    plan = replace(plan, count=160, shard_size=120)
    assert render(plan, tmp_path / "killed") == render(plan, tmp_path / "undisturbed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "undisturbed")


def test_shard_size_changes_the_files_and_not_the_pairs(plan: DatasetPlan, render: Render, tmp_path: Path) -> None:
    render(plan, tmp_path / "small")
    render(replace(plan, shard_size=45), tmp_path / "large")
    small, large = (
        [pair for shard in sorted((tmp_path / name).glob("*.tar")) for pair in read_shard(shard)]
        for name in ("small", "large")
    )
    for one, other in zip(small, large, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)
        np.testing.assert_array_equal(np.asarray(one.vector), np.asarray(other.vector))


def test_the_applied_vector_is_stored_not_the_requested_one(
    plan: DatasetPlan, finished_dataset: Path, schema: ParameterSchema
) -> None:
    pair = next(read_shard(finished_dataset / "shard-000000.tar"))
    requested = build_sampler("uniform", schema, 0).vector(0)
    np.testing.assert_array_equal(np.asarray(pair.vector), np.round(requested * 1000) / np.float32(1000))


def test_the_bytes_of_a_shard_change_only_with_the_code_version(finished_dataset: Path) -> None:
    """When this fails on purpose, raise rendering.CODE_VERSION and put the new hash here."""
    content = (finished_dataset / "shard-000000.tar").read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith("ed13dbcc0d5497fa")


def test_all_shards_are_missing_from_an_empty_folder(plan: DatasetPlan, engine: EngineBridge, tmp_path: Path) -> None:
    assert missing_shards(engine, plan, tmp_path / "nowhere") == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"count": 61}, {"sampler": "sobol"}, {"resolution": 16}, {"encoding": "png"}]
)
def test_another_plan_has_another_key(plan: DatasetPlan, engine: EngineBridge, change: dict[str, Any]) -> None:
    assert replace(plan, **change).key(engine) != plan.key(engine)
    assert replace(plan).key(engine) == plan.key(engine)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"count": 0}, "count: 0 pairs; give between"),
        ({"shard_size": 0}, "shard_size: 0 pairs; give 1 or more"),
        ({"resolution": 8}, r"resolution: 8 lies outside"),
        ({"sampler": "halton"}, "sampler: 'halton' is unknown"),
        ({"domain": "cartoon"}, "domain: 'cartoon' is unknown; choose one of studio, photo-like"),
        ({"domain": "photo-like"}, "template: the photo-like domain needs one"),
        ({"template": AlignmentTemplate(np.zeros((68, 2)))}, "no other domain takes one"),
        ({"encoding": "jpg"}, "encoding: 'jpg' is unknown"),
        ({"seed": -1}, "seed: -1 is negative"),
    ],
)
def test_a_bad_plan_is_refused_with_the_way_out(plan: DatasetPlan, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        replace(plan, **change)


def test_a_shard_beyond_the_plan_is_refused(plan: DatasetPlan, engine: EngineBridge, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shard: 5 is none of the plan's 5 shards"):
        render_shard(engine, plan, 5, tmp_path)


def test_an_engine_with_another_schema_is_refused(plan: DatasetPlan, engine: EngineBridge, tmp_path: Path) -> None:
    other = replace(plan, schema=replace(plan.schema, title="Another"))
    with pytest.raises(SchemaError, match="plan again with the engine's"):
        render_shard(engine, other, 0, tmp_path)


def test_an_engine_that_repeats_a_frame_is_refused(
    plan: DatasetPlan, engine: EngineBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def repeat(requests: list[Any]) -> list[Frame]:
        return [replace(frame, frame_id=7) for frame in answer(requests)]

    answer = engine.render
    monkeypatch.setattr(engine, "render", repeat)
    with pytest.raises(FrameRejectedError, match="frame id 7 follows 7"):
        render_shard(engine, plan, 0, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def photo_like(plan: DatasetPlan) -> DatasetPlan:
    return replace(plan, domain="photo-like", template=AlignmentTemplate(np.full((68, 2), 0.5)))


def test_only_photo_like_datasets_depend_on_what_scenes_an_engine_can_do(
    plan: DatasetPlan,
    photo_like: DatasetPlan,
    make_engine: Callable[..., EngineBridge],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    versatile, fixed = make_engine(), make_engine()
    monkeypatch.setattr(fixed, "scene_fields", frozenset({"yaw_deg", "exposure"}))
    assert plan.key(fixed) == plan.key(versatile)
    assert photo_like.key(fixed) != photo_like.key(versatile)
    assert photo_like.provenance(fixed).scene_fields == ("exposure", "yaw_deg")
    assert "scene_fields" not in photo_like.provenance(versatile).to_dict()


def test_an_engine_is_only_asked_for_the_scene_fields_it_honours(
    photo_like: DatasetPlan, engine: EngineBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(requests: list[RenderRequest]) -> list[Frame]:
        scenes.extend(request.scene for request in requests)
        return answer(requests)

    scenes: list[Scene] = []
    answer = engine.render
    monkeypatch.setattr(engine, "render", watch)
    monkeypatch.setattr(engine, "scene_fields", frozenset({"yaw_deg"}))
    render_shard(engine, replace(photo_like, count=4), 0, tmp_path)
    assert all(scene == Scene(yaw_deg=scene.yaw_deg) for scene in scenes)
    assert any(scene.yaw_deg for scene in scenes)


def test_a_provenance_with_scene_fields_survives_reading_and_writing(
    photo_like: DatasetPlan, engine: EngineBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "scene_fields", frozenset({"yaw_deg"}))
    provenance = photo_like.provenance(engine)
    assert Provenance.from_dict(provenance.to_dict()) == provenance


@pytest.mark.parametrize(("resolution", "expected"), [(64, 64), (512, 64), (1024, 16), (4096, 1)])
def test_a_batch_is_as_large_as_memory_allows(resolution: int, expected: int) -> None:
    assert frames_at_once(resolution) == expected
