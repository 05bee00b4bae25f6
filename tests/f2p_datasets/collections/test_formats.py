from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from f2p_datasets.collections import FORMATS, PhotoRecord, open_collection, open_for_training
from f2p_datasets.collections.records import hash_record
from f2p_datasets.errors import DatasetError, PhotoError

LAYOUTS = {
    "celeba": ["img_align_celeba/000001.jpg", "identity_CelebA.txt"],
    "calfw": ["aligned images/Ann_Lee_0001.jpg", "pairs_CALFW.txt"],
    "cplfw": ["aligned images/Ann_Lee_1.jpg", "pairs_CPLFW.txt"],
    "cfp": ["Data/Images/001/frontal/01.jpg"],
    "webdataset": ["photos-000.tar"],
    "agedb": ["0_MariaCallas_35_f.jpg"],
    "lfw": ["Ann_Lee/Ann_Lee_0001.jpg"],
    "folder": ["holidays/me.jpg"],
}
LINES = {
    "identity_CelebA.txt": "000001.jpg 1\n",
    "pairs_CALFW.txt": "Ann_Lee_0001.jpg 1\n",
    "pairs_CPLFW.txt": "Ann_Lee_1.jpg 1\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_auto_recognises_each_layout(
    name: str, touch: Callable[..., None], tmp_path: Path, jpeg: bytes, write_tar: Callable[..., Path]
) -> None:
    touch(*LAYOUTS[name])
    for path in tmp_path.rglob("*"):
        if path.name in LINES:
            path.write_text(LINES[path.name])
        elif path.suffix == ".tar":
            write_tar(path, {"000.jpg": jpeg})
    collection = open_collection(tmp_path)
    assert (collection.format.name, len(collection.records)) == (name, 1)


def test_every_format_has_a_layout_that_auto_is_tested_with() -> None:
    assert set(FORMATS) == set(LAYOUTS)


def test_an_unknown_format_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="format: 'celebA' is unknown; choose auto or one of celeba, calfw"):
        open_collection(tmp_path, "celebA")


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in ("folder", "webdataset")])
def test_a_folder_of_another_kind_is_refused_by_the_format_that_was_asked_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "me.jpg").touch()
    with pytest.raises(DatasetError, match=str(tmp_path)):
        open_collection(tmp_path, name)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        open_collection(tmp_path / "nowhere")


def test_a_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "me.jpg").touch()
    for name in ("auto", "lfw"):
        with pytest.raises(DatasetError, match=r"me\.jpg: a file"):
            open_collection(tmp_path / "me.jpg", name)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="holds no photos"):
        open_collection(tmp_path)


def test_the_first_photos_can_be_had_alone(touch: Callable[..., None], tmp_path: Path) -> None:
    touch("c.jpg", "a.jpg", "b.jpg")
    assert [photo.name for photo in open_collection(tmp_path, limit=2).records] == ["a.jpg", "b.jpg"]


def test_training_keeps_the_other_partitions_for_judging(touch: Callable[..., None], tmp_path: Path) -> None:
    touch("img_align_celeba/000001.jpg")
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n")
    assert [photo.name for photo in open_for_training(tmp_path).records] == ["img_align_celeba/000001.jpg"]


def test_training_takes_the_whole_of_a_collection_without_partitions(
    touch: Callable[..., None], tmp_path: Path
) -> None:
    touch("Ann_Lee/Ann_Lee_0001.jpg", "Bo_Ek/Bo_Ek_0001.jpg")
    assert len(open_for_training(tmp_path).records) == 2


@pytest.mark.parametrize("name", ["../me.jpg", "/me.jpg", "a/../../me.jpg", "a\\me.jpg", "a\0.jpg"])
def test_no_record_leads_out_of_its_collection(name: str) -> None:
    with pytest.raises(DatasetError, match="leads out of its folder"):
        PhotoRecord(name=name)


def test_a_photo_that_a_list_names_and_nobody_has_is_hashed_as_missing(tmp_path: Path) -> None:
    assert hash_record(tmp_path, PhotoRecord(name="gone.jpg")) == "missing"


def test_a_published_set_that_is_not_recognized_is_not_learned_from(touch: Callable[..., None], tmp_path: Path) -> None:
    touch("photos/1.jpg", "pairsDevTest.txt")
    with pytest.raises(DatasetError, match=r"pairsDevTest.txt, yet not the layout"):
        open_for_training(tmp_path)
