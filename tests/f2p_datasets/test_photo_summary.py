from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from f2p_datasets.errors import DatasetError
from f2p_datasets.manifest import finish_dataset
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.photo_summary import Spread, list_rejects, summarize_photos
from f2p_datasets.provenance import Provenance
from f2p_datasets.shards import write_shard

PROVENANCE = Provenance(
    domain="photos", code_version="test", count=10, resolution=32, shard_size=10, encoding="png", photos_sha256="0"
)


def photo(index: int) -> Pair:
    facts = {"file": f"{index}.jpg", "identity": f"person-{index // 2}", "partition": "train" if index < 4 else "test"}
    facts |= {"yaw_deg": float(index), "pitch_deg": 0.0, "roll_deg": 0.0, "face_px": 100.0, "sharpness": 200.0}
    return Pair(
        index=index,
        picture=np.zeros((32, 32, 3), np.uint8),
        facts=facts | {"frontal": index < 2, "landmark_error_px": 8.0},
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten photos, of which two are too small and two show nobody."""
    rejects = [
        Reject(index=6, reason="the face is 30 pixels high; 36 at least are needed", facts={"file": "6.jpg"}),
        Reject(index=7, reason="the face is 31 pixels high; 36 at least are needed", facts={"file": "7.jpg"}),
        Reject(index=8, reason="no face found", facts={"file": "8.jpg"}),
        Reject(index=9, reason="no face found", facts={"file": "9.jpg"}),
    ]
    write_shard(tmp_path, 0, [*map(photo, range(6)), *rejects], PROVENANCE)
    finish_dataset(tmp_path, PROVENANCE)
    return tmp_path


def test_shares_people_and_partitions_are_counted(photos: Path) -> None:
    summary = summarize_photos(photos)
    assert (summary.photos, summary.found, summary.share_found) == (10, 6, 0.6)
    assert (summary.frontal, summary.share_frontal, summary.people) == (2, 0.3333, 3)
    assert summary.partitions == {"test": 2, "train": 4}


def test_spreads_are_quantiles(photos: Path) -> None:
    spreads = summarize_photos(photos).spreads
    assert spreads["yaw_deg"] == Spread(low=0.5, median=2.5, high=4.5)
    assert spreads["landmark_error_px"] == Spread(low=8.0, median=8.0, high=8.0)


def test_reasons_that_differ_in_their_numbers_are_one(photos: Path) -> None:
    assert summarize_photos(photos).reasons == {
        "the face is N pixels high; N at least are needed": 2,
        "no face found": 2,
    }


def test_rejects_are_listed_in_order(photos: Path) -> None:
    assert [reject["file"] for reject in list_rejects(photos)] == ["6.jpg", "7.jpg", "8.jpg", "9.jpg"]


def test_a_set_in_which_no_face_was_found_is_summarized_too(tmp_path: Path) -> None:
    provenance = replace(PROVENANCE, count=1)
    write_shard(tmp_path, 0, [Reject(index=0, reason="no face found", facts={"file": "0.jpg"})], provenance)
    finish_dataset(tmp_path, provenance)
    summary = summarize_photos(tmp_path)
    assert (summary.found, summary.share_frontal, summary.people, summary.spreads) == (0, 0.0, 0, {})


def test_rendered_pairs_are_refused(finished_dataset: Path) -> None:
    with pytest.raises(DatasetError, match="holds studio pairs, no photos; give an imported collection"):
        summarize_photos(finished_dataset)


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no finished dataset"):
        list_rejects(tmp_path)
