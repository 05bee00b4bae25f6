"""Photo-like datasets: rendered, then treated as photos. The content matters, so the mock engine renders them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.detection import FaceDetector
from f2p_datasets.loaders import PairLoader
from f2p_datasets.manifest import finish_dataset, read_manifest
from f2p_datasets.rendering import DatasetPlan, render_shard
from f2p_datasets.shards import read_shard


@pytest.fixture(scope="module")
def photo_like_plan(mock_engine: MockEngine, template: AlignmentTemplate) -> DatasetPlan:
    return DatasetPlan(
        schema=mock_engine.describe("justice_female"),
        count=30,
        seed=0,
        sampler="natural",
        resolution=128,
        shard_size=15,
        domain="photo-like",
        template=template,
    )


@pytest.fixture(scope="module")
def photo_like(mock_engine: MockEngine, photo_like_plan: DatasetPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photo-like")
    for shard_index in range(photo_like_plan.num_shards):
        render_shard(mock_engine, photo_like_plan, shard_index, folder)
    finish_dataset(folder, photo_like_plan.provenance(mock_engine))
    return folder


def test_every_picture_lies_in_the_studios_frame(photo_like: Path, template: AlignmentTemplate) -> None:
    detector, offsets = FaceDetector(), []
    for pair in read_shard(photo_like / "shard-000000.tar"):
        for face in detector.detect(pair.picture)[:1]:
            offsets.append(face.landmarks[17:].mean(0) - template.at(128)[17:].mean(0))
    assert len(offsets) >= 12
    assert np.abs(np.median(offsets, axis=0)).max() < 2.0


def test_masks_are_aligned_with_their_pictures(photo_like: Path, template: AlignmentTemplate) -> None:
    nose_x, nose_y = np.rint(template.at(128)[30]).astype(int)
    noses = [
        np.asarray(pair.mask)[nose_y - 3 : nose_y + 4, nose_x - 3 : nose_x + 4]
        for pair in read_shard(photo_like / "shard-000000.tar")
    ]
    assert np.mean([(nose == Part.NOSE).mean() for nose in noses]) > 0.8


def test_rejects_are_missing_counted_and_listed(photo_like: Path) -> None:
    manifest = read_manifest(photo_like)
    listed = [json.loads(line) for line in (photo_like / "rejects.jsonl").read_text().splitlines()]
    kept = pq.read_table(photo_like / "pairs.parquet").column("key").to_pylist()
    assert manifest.num_pairs + manifest.num_rejects == 30
    assert sorted(kept + [reject["key"] for reject in listed]) == [f"{index:08d}" for index in range(30)]


def test_a_shard_rendered_again_elsewhere_has_the_same_bytes(
    photo_like: Path, photo_like_plan: DatasetPlan, tmp_path: Path
) -> None:
    fresh = MockEngine()
    render_shard(fresh, photo_like_plan, 1, tmp_path)
    for name in ("shard-000001.tar", "shard-000001.parquet"):
        assert (tmp_path / name).read_bytes() == (photo_like / name).read_bytes()


def test_pose_and_scene_are_stored_with_a_pair(photo_like: Path) -> None:
    facts = [pair.facts for shard in sorted(photo_like.glob("*.tar")) for pair in read_shard(shard)]
    seen, rendered = (
        np.array(angles) for angles in zip(*[(f["yaw_deg"], f["scene"]["yaw_deg"]) for f in facts], strict=True)
    )
    assert np.corrcoef(seen, rendered)[0, 1] > 0.8


def test_the_frontal_subset_holds_front_views_only(photo_like: Path) -> None:
    table = pq.read_table(photo_like / "pairs.parquet", columns=["index", "frontal", "yaw_deg"]).to_pylist()
    frontal = {row["index"] for row in table if row["frontal"] and row["index"] % 5 != 4}
    loader = PairLoader(photo_like, split="train", batch_size=4, seed=0, subset="frontal")
    assert set(loader.indices) == frontal
    assert all(abs(row["yaw_deg"]) <= 12 for row in table if row["frontal"])
