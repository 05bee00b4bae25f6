from __future__ import annotations

from pathlib import Path

import pytest

from f2p_datasets.celeba import is_celeba, list_celeba
from f2p_datasets.errors import DatasetError


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    (tmp_path / "img_align_celeba").mkdir()
    (tmp_path / "list_eval_partition.txt").write_bytes(b"000001.jpg 0\r\n000002.jpg 1\r\n000003.jpg 2\r\n")
    (tmp_path / "identity_CelebA.txt").write_bytes(b"000001.jpg 2880\r\n000002.jpg 17\r\n")
    return tmp_path


def test_photos_come_with_partition_and_identity(celeba: Path) -> None:
    first, _, third = list_celeba(celeba)
    assert (first.path, first.partition, first.identity) == (celeba / "img_align_celeba/000001.jpg", "train", 2880)
    assert (third.partition, third.identity) == ("test", None)


def test_one_partition_can_be_picked(celeba: Path) -> None:
    assert [photo.path.name for photo in list_celeba(celeba, "valid")] == ["000002.jpg"]


def test_a_header_line_is_passed_over(celeba: Path) -> None:
    (celeba / "list_eval_partition.txt").write_text("image partition\n000009.jpg 0\n")
    assert [photo.path.name for photo in list_celeba(celeba)] == ["000009.jpg"]


def test_the_layout_is_recognised(celeba: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert is_celeba(celeba)
    assert not is_celeba(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize("line", ["000002.jpg", "000002.jpg x", "000002.jpg 7"])
def test_a_malformed_list_is_refused_by_name(celeba: Path, line: str) -> None:
    (celeba / "list_eval_partition.txt").write_text(f"000001.jpg 0\n{line}\n")
    with pytest.raises(DatasetError, match=r"list_eval_partition\.txt"):
        list_celeba(celeba)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "..\\\\secret.jpg"])
def test_a_name_that_leads_out_of_the_folder_is_refused(celeba: Path, name: str) -> None:
    (celeba / "list_eval_partition.txt").write_text(f"000001.jpg 0\n{name} 0\n")
    with pytest.raises(DatasetError, match=r"list_eval_partition.txt:2: .* leads out of img_align_celeba"):
        list_celeba(celeba)
