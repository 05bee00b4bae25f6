from __future__ import annotations

from pathlib import Path

import pytest

from f2p_datasets.errors import PhotoError
from f2p_datasets.photos import read_photo
from flows.photos.names import find_photos, reserve_folder_names, sample_photo


def test_the_sample_is_a_readable_photo_that_ships_with_a_dependency() -> None:
    assert read_photo(sample_photo()).shape == (512, 512, 3)


def test_files_stay_as_they_are_and_folders_become_the_photos_in_them(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").touch()
    (tmp_path / "a.png").touch()
    (tmp_path / "notes.txt").touch()
    found = find_photos(["me.jpg", str(tmp_path), "sample"])
    assert found == [Path("me.jpg"), tmp_path / "a.png", tmp_path / "b.jpg", sample_photo()]


def test_a_file_of_that_name_comes_before_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sample").touch()
    assert find_photos(["sample"]) == [Path("sample")]


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError):
        find_photos([str(tmp_path)])


def test_no_two_photos_share_a_folder() -> None:
    photos = [Path("a/me.jpg"), Path("b/me.jpg"), Path("me-2.png"), Path("you.jpg")]
    taken: set[str] = set()
    names = [name for photo in photos for name in reserve_folder_names(photo, 1, taken)]
    assert names == ["me", "me-2", "me-2-2", "you"]


def test_a_photo_called_like_a_face_of_another_one_has_a_folder_of_its_own() -> None:
    taken: set[str] = set()
    photos = [(Path("we.jpg"), 2), (Path("we-face1.jpg"), 1), (Path("other/we.jpg"), 2)]
    names = [name for photo, num_faces in photos for name in reserve_folder_names(photo, num_faces, taken)]
    assert names == ["we-face1", "we-face2", "we-face1-2", "we-2-face1", "we-2-face2"]
