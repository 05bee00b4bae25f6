from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.collections import PhotoRecord, open_collection
from f2p_datasets.detection import DetectedFace
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.loaders import PairLoader
from f2p_datasets.manifest import verify_dataset
from f2p_datasets.photo_sets import SMALLEST_FACE_PX, PhotoPlan, import_photos, usable_faces
from f2p_datasets.shards import read_shard
from f2p_datasets.subject import SubjectRule

MakePlan = Callable[[], PhotoPlan]


@pytest.fixture
def make_plan(astronaut: Picture, template: AlignmentTemplate, tmp_path: Path) -> MakePlan:
    """Eight photos: six of a face, one of none, one that is no image; the last shard has no pair."""
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(6):
        Image.fromarray(astronaut[: 500 - number]).save(root / f"{number}.png")
    Image.new("RGB", (200, 200), (90, 90, 90)).save(root / "6_wall.png")
    (root / "7_text.jpg").write_text("no image")
    return lambda: PhotoPlan(
        root=root, records=open_collection(root).records, template=template, resolution=64, shard_size=2
    )


def face_of(height_px: float) -> DetectedFace:
    return DetectedFace(box=(0.0, 0.0, height_px, height_px), landmarks=np.zeros((68, 2)), confidence=1.0)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_photos_become_a_dataset_for_the_same_loader(make_plan: MakePlan, tmp_path: Path) -> None:
    manifest = import_photos(make_plan(), tmp_path / "set")
    assert (manifest.num_pairs, manifest.num_rejects) == (6, 2)
    batch = next(PairLoader(tmp_path / "set", split="train", batch_size=5, seed=0, fields=("image",)).epoch(0))
    assert batch.image is not None
    assert batch.image.shape == (5, 3, 64, 64)
    assert batch.vector is None


def test_rejects_are_listed_with_file_and_reason(make_plan: MakePlan, tmp_path: Path) -> None:
    import_photos(make_plan(), tmp_path / "set")
    rejects = [json.loads(line) for line in (tmp_path / "set/rejects.jsonl").read_text().splitlines()]
    assert [(reject["key"], reject["file"]) for reject in rejects] == [
        ("00000006", "6_wall.png"),
        ("00000007", "7_text.jpg"),
    ]
    assert "no face found" in rejects[0]["reason"]
    assert "not an image file" in rejects[1]["reason"]


def test_the_table_says_file_and_quality_of_each_photo(make_plan: MakePlan, tmp_path: Path) -> None:
    import_photos(make_plan(), tmp_path / "set")
    rows = pq.read_table(tmp_path / "set/pairs.parquet").to_pylist()
    assert [row["file"] for row in rows] == [f"{number}.png" for number in range(6)]
    assert all(row["frontal"] and abs(row["yaw_deg"]) < 6 and row["face_px"] > 80 for row in rows)


def test_a_photo_is_as_sharp_in_a_small_dataset_as_in_a_large_one(make_plan: MakePlan, tmp_path: Path) -> None:
    sharpness = {}
    for resolution in (64, 256, 512):
        plan = replace(make_plan(), records=(PhotoRecord(name="0.png"),), resolution=resolution)
        import_photos(plan, tmp_path / f"{resolution}")
        table = pq.read_table(tmp_path / f"{resolution}/pairs.parquet")
        sharpness[resolution] = table.column("sharpness")[0].as_py()
    assert sharpness[64] == sharpness[256]
    assert sharpness[512] == pytest.approx(sharpness[256], rel=0.1)


def test_worker_processes_change_nothing(make_plan: MakePlan, tmp_path: Path) -> None:
    import_photos(make_plan(), tmp_path / "one")
    import_photos(make_plan(), tmp_path / "two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_killed_import_resumes_to_the_same_bytes(make_plan: MakePlan, tmp_path: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_photos(make_plan(), tmp_path / "one", progress=stop)
    calls: list[tuple[int, int]] = []
    import_photos(make_plan(), tmp_path / "one", progress=lambda *call: calls.append(call))
    import_photos(make_plan(), tmp_path / "two")
    assert calls == [(2, 8), (4, 8), (5, 8), (6, 8), (7, 8), (8, 8)]
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_other_photos_make_another_dataset(make_plan: MakePlan) -> None:
    plan = make_plan()
    key = plan.provenance().key
    (plan.root / "0.png").write_bytes((plan.root / "1.png").read_bytes())
    assert plan.provenance().key != key
    assert replace(plan, resolution=32).provenance().key != plan.provenance().key


def test_a_photo_set_verifies_and_has_no_vectors(make_plan: MakePlan, tmp_path: Path) -> None:
    import_photos(make_plan(), tmp_path / "set")
    assert verify_dataset(tmp_path / "set").schema is None
    with pytest.raises(DatasetError, match=r"a photos dataset has \['image'\]"):
        PairLoader(tmp_path / "set", split="train", batch_size=2, seed=0)


def test_a_small_face_beside_a_large_one_is_left_out() -> None:
    large, small = face_of(120.0), face_of(SMALLEST_FACE_PX - 1.0)
    assert usable_faces(Path("family.jpg"), [large, small]) == [large]


def test_a_photo_with_small_faces_only_is_refused_with_the_largest_ones_height() -> None:
    with pytest.raises(PhotoError, match="the face is 30 pixels high; 36 at least are needed"):
        usable_faces(Path("crowd.jpg"), [face_of(30.0), face_of(20.0)])


def test_no_photos_are_refused(make_plan: MakePlan) -> None:
    with pytest.raises(PhotoError, match="no photos to import"):
        replace(make_plan(), records=())


@pytest.mark.parametrize(("field", "value"), [("resolution", 8), ("resolution", 4096), ("shard_size", 0)])
def test_a_plan_that_cannot_be_carried_out_is_refused_by_its_field(make_plan: MakePlan, field: str, value: int) -> None:
    with pytest.raises(PhotoError, match=f"{field}: {value}"):
        replace(make_plan(), **{field: value})


def test_what_the_collection_says_is_kept_beside_each_photo(make_plan: MakePlan, tmp_path: Path) -> None:
    records = (
        PhotoRecord(name="0.png", identity="Ann", partition="train", attributes=("Smiling",)),
        PhotoRecord(name="1.png"),
    )
    import_photos(replace(make_plan(), records=records), tmp_path / "set")
    rows = pq.read_table(tmp_path / "set/pairs.parquet").to_pylist()
    assert [(row["identity"], row["partition"]) for row in rows] == [("Ann", "train"), (None, None)]
    first, second = read_shard(tmp_path / "set/shard-000000.tar")
    assert first.facts["attributes"] == ["Smiling"]
    assert "identity" not in second.facts


def test_other_facts_or_another_subject_make_another_dataset(make_plan: MakePlan) -> None:
    plan = make_plan()
    named = tuple(replace(record, identity="Ann") for record in plan.records)
    keys = {plan.provenance().key for plan in (plan, replace(plan, records=named), replace(plan, subject="central"))}
    assert len(keys) == 3


def test_a_photo_that_is_missing_is_a_reject(make_plan: MakePlan, tmp_path: Path) -> None:
    import_photos(
        replace(make_plan(), records=(PhotoRecord(name="gone.jpg"), PhotoRecord(name="0.png"))), tmp_path / "set"
    )
    (reject,) = [json.loads(line) for line in (tmp_path / "set/rejects.jsonl").read_text().splitlines()]
    assert (reject["file"], reject["reason"]) == ("gone.jpg", "no such file")


@pytest.fixture
def two_people(astronaut: Picture, template: AlignmentTemplate, tmp_path: Path) -> Callable[[SubjectRule], PhotoPlan]:
    """A large face in a corner, and the same one small in the middle."""
    head = astronaut[20:200, 135:315]
    wide = np.full((640, 640, 3), 90, np.uint8)
    wide[230:410, 230:410] = head
    wide[:230, :230] = np.asarray(Image.fromarray(head).resize((230, 230)))
    (tmp_path / "photos").mkdir()
    Image.fromarray(wide).save(tmp_path / "photos/0.png")
    records = (PhotoRecord(name="0.png"),)
    return lambda subject: PhotoPlan(
        root=tmp_path / "photos", records=records, template=template, subject=subject, resolution=64
    )


def test_of_several_faces_the_meant_one_is_aligned(
    two_people: Callable[[SubjectRule], PhotoPlan], tmp_path: Path
) -> None:
    sizes = {}
    for subject in ("largest", "central"):
        import_photos(two_people(subject), tmp_path / subject)
        sizes[subject] = pq.read_table(tmp_path / subject / "pairs.parquet").column("face_px")[0].as_py()
    assert sizes["central"] < 0.9 * sizes["largest"]


def test_faces_land_where_the_template_says(make_plan: MakePlan, tmp_path: Path, template: AlignmentTemplate) -> None:
    import_photos(make_plan(), tmp_path / "set")
    batch = next(PairLoader(tmp_path / "set", split="heldout", batch_size=5, seed=0, fields=("image",)).epoch(0))
    assert batch.image is not None
    left, right = np.rint(template.at(64)[[36, 45]]).astype(int)
    skin = batch.image[0, :, left[1] + 6, (left[0] + right[0]) // 2].tolist()
    assert skin[0] > skin[2] > 60  # reddish and bright: the nose
