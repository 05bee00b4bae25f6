from __future__ import annotations

from pathlib import Path

import pytest

from f2p_datasets.collections.celeba import celeba_training, is_celeba, list_celeba
from f2p_datasets.errors import DatasetError

ATTRIBUTES = (
    "3\r\n5_o_Clock_Shadow Male Smiling\r\n000001.jpg -1  1 -1\r\n000002.jpg  1 -1  1\r\n000003.jpg -1 -1 -1\r\n"
)
LANDMARKS = (
    "3\r\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y\r\n"
    "000001.jpg  69 109 106 113  77 142  73 152 108 154\r\n000002.jpg  69 110 107 112  81 135  70 151 108 153\r\n"
    "000003.jpg  76 112 104 106 108 128  74 156  98 158\r\n"
)


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    (tmp_path / "img_align_celeba").mkdir()
    (tmp_path / "list_eval_partition.txt").write_bytes(b"000001.jpg 0\r\n000002.jpg 1\r\n000003.jpg 2\r\n")
    (tmp_path / "identity_CelebA.txt").write_bytes(b"000001.jpg 2880\r\n000002.jpg 17\r\n")
    return tmp_path


def test_photos_come_with_partition_and_identity(celeba: Path) -> None:
    first, _, third = list_celeba(celeba)
    assert (first.name, first.partition, first.identity) == ("img_align_celeba/000001.jpg", "train", "2880")
    assert (third.partition, third.identity) == ("test", None)


def test_one_partition_can_be_picked(celeba: Path) -> None:
    assert [photo.name for photo in list_celeba(celeba, "valid")] == ["img_align_celeba/000002.jpg"]


def test_an_unknown_partition_is_refused_with_those_there_are(celeba: Path) -> None:
    with pytest.raises(DatasetError, match="partition: 'training' has no photos; choose one of test, train, valid"):
        list_celeba(celeba, "training")


def test_attributes_are_those_a_face_has(celeba: Path) -> None:
    (celeba / "list_attr_celeba.txt").write_bytes(ATTRIBUTES.encode())
    assert [photo.attributes for photo in list_celeba(celeba)] == [("Male",), ("5_o_Clock_Shadow", "Smiling"), ()]


def test_landmarks_are_five_points(celeba: Path) -> None:
    (celeba / "list_landmarks_align_celeba.txt").write_bytes(LANDMARKS.encode())
    points = list_celeba(celeba)[0].landmarks
    assert points is not None
    assert (len(points), points[0], points[-1]) == (5, (69.0, 109.0), (108.0, 154.0))


@pytest.mark.parametrize("header", ["image partition", "img label", "path label"])
def test_a_header_line_is_passed_over(celeba: Path, header: str) -> None:
    (celeba / "list_eval_partition.txt").write_text(f"{header}\n000009.jpg 0\n")
    assert [photo.name for photo in list_celeba(celeba)] == ["img_align_celeba/000009.jpg"]


def test_the_official_downloads_folders_are_known(tmp_path: Path) -> None:
    (tmp_path / "Img/img_align_celeba").mkdir(parents=True)
    (tmp_path / "Eval").mkdir()
    (tmp_path / "Eval/list_eval_partition.txt").write_text("000001.jpg 0\n")
    assert is_celeba(tmp_path)
    assert list_celeba(tmp_path)[0].name == "Img/img_align_celeba/000001.jpg"


def test_a_spreadsheets_copy_is_known(tmp_path: Path) -> None:
    (tmp_path / "img_align_celeba/img_align_celeba").mkdir(parents=True)
    (tmp_path / "list_eval_partition.csv").write_text("image_id,partition\n000001.jpg,2\n")
    (tmp_path / "list_attr_celeba.csv").write_text("image_id,Male,Smiling\n000001.jpg,-1,1\n")
    (photo,) = list_celeba(tmp_path)
    assert photo.name == "img_align_celeba/img_align_celeba/000001.jpg"
    assert (photo.partition, photo.attributes) == ("test", ("Smiling",))


def test_without_any_list_the_photos_of_the_folder_are_listed(tmp_path: Path) -> None:
    (tmp_path / "img_align_celeba").mkdir()
    (tmp_path / "img_align_celeba/000007.jpg").touch()
    assert [photo.name for photo in list_celeba(tmp_path)] == ["img_align_celeba/000007.jpg"]


def test_a_partition_without_its_list_is_refused(celeba: Path) -> None:
    (celeba / "list_eval_partition.txt").unlink()
    assert celeba_training(celeba) is None
    with pytest.raises(DatasetError, match=r"list_eval_partition.txt: missing; it says which photos are in .*'train'"):
        list_celeba(celeba, "train")


def test_the_layout_is_recognised(celeba: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert is_celeba(celeba)
    assert not is_celeba(tmp_path_factory.mktemp("empty"))


def test_a_folder_without_its_photos_is_refused_with_the_folder_to_give(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no folder img_align_celeba; give the folder in which"):
        list_celeba(tmp_path)


@pytest.mark.parametrize("line", ["000002.jpg", "000002.jpg x", "000002.jpg 7", "000002.jpg 1 2", "000002.jpg -1"])
def test_a_malformed_list_is_refused_by_name(celeba: Path, line: str) -> None:
    (celeba / "list_eval_partition.txt").write_text(f"000001.jpg 0\n{line}\n")
    with pytest.raises(DatasetError, match=r"list_eval_partition\.txt"):
        list_celeba(celeba)


def test_an_empty_list_is_refused_by_name(celeba: Path) -> None:
    (celeba / "list_eval_partition.txt").write_text("\n")
    with pytest.raises(DatasetError, match=r"list_eval_partition\.txt: names no photo"):
        list_celeba(celeba)


def test_a_list_that_is_no_text_is_refused_by_name(celeba: Path) -> None:
    (celeba / "list_eval_partition.txt").write_bytes(b"\xff\xd8\xff\xe0 0\n")
    with pytest.raises(DatasetError, match=r"list_eval_partition\.txt: not a text file"):
        list_celeba(celeba)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "..\\\\secret.jpg"])
def test_a_name_that_leads_out_of_the_folder_is_refused(celeba: Path, name: str) -> None:
    (celeba / "list_eval_partition.txt").write_text(f"000001.jpg 0\n{name} 0\n")
    with pytest.raises(DatasetError, match=r"list_eval_partition.txt:2: .* leads out of its folder"):
        list_celeba(celeba)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (ATTRIBUTES.replace("3\r\n", "4\r\n"), "promises 4 lines in its first, has 3: cut short"),
        (ATTRIBUTES.replace("-1  1 -1", "-1  x -1"), r"list_attr_celeba.txt:3: '-1 x -1' are no whole numbers"),
        (ATTRIBUTES.replace("  1 -1  1", "  1 -1"), "list_attr_celeba.txt:4: 2 numbers, the lines before have 3"),
        (ATTRIBUTES.replace(" Male Smiling", ""), "names 1 columns, its lines have 3"),
        ("000001.jpg -1 1 1\r\n", "no line with the attributes' names"),
        ("2\r\nMale\r\n", "promises 2 lines in its first, has 0"),
    ],
)
def test_bad_attributes_are_refused_by_name(celeba: Path, content: str, complaint: str) -> None:
    (celeba / "list_attr_celeba.txt").write_bytes(content.encode())
    with pytest.raises(DatasetError, match=complaint):
        list_celeba(celeba)


def test_landmarks_of_another_number_are_refused(celeba: Path) -> None:
    (celeba / "list_landmarks_align_celeba.txt").write_text("1\nx y\n000001.jpg 3 4\n")
    with pytest.raises(DatasetError, match="has no ten numbers per photo"):
        list_celeba(celeba)
