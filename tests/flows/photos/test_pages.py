from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from f2p_datasets.collections import open_collection
from f2p_datasets.manifest import finish_dataset
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.provenance import Provenance
from f2p_datasets.shards import write_shard
from flows.photos import pages as photo_pages
from flows.photos.pages import FRAME_PX, FRONTAL_FRAME, TILE_PX, photo_sheet, write_rejects_page

MEASURED = {"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0, "face_px": 90.0, "sharpness": 200.0}


def photo(index: int) -> Pair:
    picture = np.full((32, 32, 3), 10 * index, np.uint8)
    return Pair(index=index, picture=picture, facts={"file": f"{index}.jpg", "frontal": index == 1} | MEASURED)


def write_photos(folder: Path, pairs: list[Pair | Reject], shard_size: int) -> Path:
    provenance = Provenance(
        domain="photos",
        code_version="test",
        count=len(pairs),
        resolution=32,
        shard_size=shard_size,
        encoding="png",
        photos_sha256="0",
    )
    for shard in range(provenance.num_shards):
        write_shard(folder, shard, pairs[shard * shard_size : (shard + 1) * shard_size], provenance)
    finish_dataset(folder, provenance)
    return folder


def test_a_sheet_shows_photos_of_every_shard_and_frames_the_front_views(tmp_path: Path) -> None:
    sheet = photo_sheet(write_photos(tmp_path, [photo(index) for index in range(12)], shard_size=6))
    assert sheet.shape == (2 * TILE_PX, 10 * TILE_PX, 3)
    middles = sheet[TILE_PX // 2 :: TILE_PX, TILE_PX // 2 :: TILE_PX, 0].ravel()[:12]
    assert middles.tolist() == [10 * index for index in range(12)]
    assert tuple(sheet[0, TILE_PX + FRAME_PX // 2]) == FRONTAL_FRAME
    assert tuple(sheet[0, FRAME_PX // 2]) != FRONTAL_FRAME


def test_a_page_escapes_what_a_file_is_called(tmp_path: Path) -> None:
    name = "<script>alert(1)<!--.jpg"
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / name).write_text("no image")
    reject = Reject(index=0, reason="not an <image>", facts={"file": name})
    folder = write_photos(tmp_path / "set", [reject], shard_size=5)
    page = write_rejects_page(folder, open_collection(tmp_path / "source")).read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "cannot be read" in page


def test_a_page_of_many_rejects_lists_the_last_ones_without_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_pages, "MOST_THUMBNAILS", 1)
    (tmp_path / "source").mkdir()
    rejects: list[Pair | Reject] = []
    for index in range(3):
        (tmp_path / f"source/{index}.jpg").touch()
        rejects.append(Reject(index=index, reason="no face found", facts={"file": f"{index}.jpg"}))
    folder = write_photos(tmp_path / "set", rejects, shard_size=5)
    page = write_rejects_page(folder, open_collection(tmp_path / "source")).read_text()
    shown, others = page.split("Without pictures")
    assert "0.jpg" in shown
    assert "1.jpg" not in shown
    assert "1.jpg" in others
    assert "2.jpg" in others
