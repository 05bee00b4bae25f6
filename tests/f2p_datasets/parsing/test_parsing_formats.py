from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine_bridge.parts import NOT_JUDGED, NUM_PARTS, Part
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.parsing import FASSEG, HELEN, open_parsing_set

HEIGHT, WIDTH = 32, 24
ALL_FORMATS = ("helen", "lapa", "celebamask", "packed_celebamask", "fasseg")


@pytest.fixture(params=ALL_FORMATS)
def any_set(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Name of a format, and a miniature copy of it."""
    root: Path = request.getfixturevalue(request.param)
    return request.param.removeprefix("packed_"), root


def read_first(root: Path) -> np.ndarray:
    labelled = open_parsing_set(root)
    return labelled.read(labelled.photos[0])[1]


def test_every_format_is_recognized_by_its_layout(any_set: tuple[str, Path]) -> None:
    name, root = any_set
    assert open_parsing_set(root).format.name == name


def test_every_photo_has_labels_of_its_size_and_classes_of_its_scheme(any_set: tuple[str, Path]) -> None:
    labelled = open_parsing_set(any_set[1])
    for photo in labelled.photos:
        picture, mask = labelled.read(photo)
        assert mask.shape == picture.shape[:2] == (HEIGHT, WIDTH)
        assert mask.dtype == np.uint8
        assert mask.max() < len(labelled.scheme.names)


def test_a_set_without_a_photo_file_says_which(any_set: tuple[str, Path]) -> None:
    labelled = open_parsing_set(any_set[1])
    (labelled.root / labelled.photos[0].photo).unlink()
    with pytest.raises(PhotoError, match=r"no such file"):
        labelled.read(labelled.photos[0])


def test_labels_of_another_shape_than_the_photo_are_refused(any_set: tuple[str, Path]) -> None:
    labelled = open_parsing_set(any_set[1])
    photo = labelled.photos[0]
    Image.new("RGB", (60, 20)).save(labelled.root / photo.photo)
    with pytest.raises(PhotoError, match="do not belong together"):
        labelled.read(photo)


def test_a_cut_label_file_is_refused_by_name(any_set: tuple[str, Path]) -> None:
    labelled = open_parsing_set(any_set[1])
    path = next(path for path in (labelled.root / name for name in labelled.photos[0].labels) if path.is_file())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(PhotoError, match=path.name):
        labelled.read(labelled.photos[0])


def test_the_hash_of_a_set_changes_with_a_label(any_set: tuple[str, Path]) -> None:
    root = any_set[1]
    before = open_parsing_set(root)
    first = before.sha256
    assert open_parsing_set(root).sha256 == first
    path = next(path for path in (root / name for name in before.photos[0].labels) if path.is_file())
    path.write_bytes(path.read_bytes() + b"\0")
    assert open_parsing_set(root).sha256 != first


def test_helens_class_is_the_most_probable_one(helen: Path) -> None:
    assert np.unique(read_first(helen)).tolist() == list(range(NUM_PARTS))


def test_helens_lists_are_its_partitions(helen: Path) -> None:
    names = {photo.partition: photo.photo for photo in open_parsing_set(helen).photos}
    assert names == {"train": "images/232194_1.jpg", "test": "images/100032540_1.jpg"}


def test_a_missing_probability_map_is_named(helen: Path) -> None:
    (helen / "labels/232194_1/232194_1_lbl07.png").unlink()
    with pytest.raises(PhotoError, match=r"232194_1_lbl07\.png: no such file"):
        read_first(helen)


def test_a_probability_map_of_another_size_is_named(helen: Path) -> None:
    Image.new("L", (WIDTH, HEIGHT - 1)).save(helen / "labels/232194_1/232194_1_lbl03.png")
    with pytest.raises(PhotoError, match=r"lbl03\.png: 24 x 31 pixels, but 232194_1_lbl00\.png has 24 x 32"):
        read_first(helen)


def test_a_list_that_leads_out_of_its_folder_is_refused(helen: Path) -> None:
    (helen / "exemplars.txt").write_text("1 , ../../etc/passwd\n")
    with pytest.raises(DatasetError, match="leads out of its folder"):
        open_parsing_set(helen)


def test_lapa_has_helens_classes_as_grey_levels(lapa: Path) -> None:
    assert np.unique(read_first(lapa)).tolist() == list(range(NUM_PARTS))


def test_an_unknown_class_is_refused_with_its_number(lapa: Path) -> None:
    Image.fromarray(np.full((HEIGHT, WIDTH), 11, np.uint8)).save(lapa / "train/labels/1_0.png")
    with pytest.raises(PhotoError, match="has class 11; its classes are 0 to 10"):
        read_first(lapa)


@pytest.mark.parametrize(
    ("name", "path"), [("lapa", "train/labels/1_0.png"), ("packed_celebamask", "train/masks/00ab.png")]
)
def test_labels_that_were_converted_to_colors_are_refused(name: str, path: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(name)
    with Image.open(root / path) as labels:
        labels.convert("RGB").save(root / path)
    with pytest.raises(PhotoError, match="mode RGB, not palette or grey"):
        read_first(root)


def test_celebamasks_palette_indices_become_helens_parts(packed_celebamask: Path) -> None:
    mask = read_first(packed_celebamask)
    of_class = {
        number: int(mask[np.flatnonzero(np.arange(HEIGHT) * 19 // HEIGHT == number)[0], 0]) for number in range(19)
    }
    assert (of_class[4], of_class[5]) == (Part.LEFT_EYE, Part.RIGHT_EYE)
    assert (of_class[6], of_class[7]) == (Part.LEFT_BROW, Part.RIGHT_BROW)
    assert (of_class[10], of_class[11], of_class[12]) == (Part.INNER_MOUTH, Part.UPPER_LIP, Part.LOWER_LIP)
    assert (of_class[1], of_class[2], of_class[3], of_class[13]) == (
        Part.FACE_SKIN,
        Part.NOSE,
        Part.FACE_SKIN,
        Part.HAIR,
    )
    assert {of_class[number] for number in (0, 8, 9, 14, 15, 16, 17, 18)} == {Part.BACKGROUND}


def test_photos_packed_without_masks_are_passed_over(packed_celebamask: Path) -> None:
    assert [photo.photo for photo in open_parsing_set(packed_celebamask).photos] == ["train/images/00ab.jpg"]


def test_celebamasks_part_files_lie_over_each_other_in_its_order(celebamask: Path) -> None:
    mask = read_first(celebamask)
    assert mask[10, 15] == Part.LEFT_EYE  # over the skin
    assert mask[10, 19] == Part.BACKGROUND  # an ear over the skin
    assert mask[20, 10] == Part.FACE_SKIN
    assert mask[0, 0] == Part.BACKGROUND


def test_celebamasks_partitions_follow_celebas_numbers(celebamask: Path) -> None:
    assert [(photo.photo, photo.partition) for photo in open_parsing_set(celebamask).photos] == [
        ("CelebA-HQ-img/7.jpg", "train"),
        ("CelebA-HQ-img/2001.jpg", "test"),
    ]


def test_a_photo_without_any_part_file_is_refused(celebamask: Path) -> None:
    shutil.rmtree(celebamask / "CelebAMask-HQ-mask-anno/0")
    with pytest.raises(PhotoError, match="none of its part files"):
        read_first(celebamask)


def test_part_files_of_different_sizes_are_refused(celebamask: Path) -> None:
    Image.new("L", (WIDTH, HEIGHT)).save(celebamask / "CelebAMask-HQ-mask-anno/0/00007_l_eye.png")
    with pytest.raises(PhotoError, match="l_eye"):
        read_first(celebamask)


def test_a_mapping_of_words_is_refused_with_its_line(celebamask: Path) -> None:
    (celebamask / "CelebA-HQ-to-CelebA-mapping.txt").write_text("idx orig_idx orig_file\nseven 1 1.jpg\n")
    with pytest.raises(DatasetError, match=r"mapping\.txt:2"):
        open_parsing_set(celebamask)


def test_blended_colors_are_taken_for_the_nearest_class(fasseg: Path) -> None:
    assert np.unique(read_first(fasseg)).tolist() == list(range(6))


def test_fasseg_lists_both_partitions_by_number(fasseg: Path) -> None:
    photos = open_parsing_set(fasseg).photos
    assert [photo.photo for photo in photos] == ["Train_RGB/2.bmp", "Train_RGB/10.bmp", "Test_RGB/1.bmp"]
    assert [photo.partition for photo in open_parsing_set(fasseg, "fasseg", "test").photos] == ["test"]


def test_fassegs_third_version_has_folders_of_angles(fasseg: Path, tmp_path: Path) -> None:
    for kind, spelled in (("RGB", "RGB"), ("Labels", "labels")):
        shutil.move(fasseg / f"Train_{kind}", tmp_path / f"v3/Train_{spelled}/90")
    names = [photo.photo for photo in open_parsing_set(tmp_path / "v3").photos]
    assert names == ["Train_RGB/90/2.bmp", "Train_RGB/90/10.bmp"]


def test_a_photo_in_the_place_of_labels_is_refused(fasseg: Path) -> None:
    Image.new("RGB", (WIDTH, HEIGHT), (120, 130, 140)).save(fasseg / "Train_Labels/2.bmp")
    with pytest.raises(PhotoError, match="its colors are not the classes'"):
        read_first(fasseg)


def test_an_unknown_format_and_a_missing_folder_are_refused(lapa: Path) -> None:
    with pytest.raises(DatasetError, match="'cityscapes' is unknown; choose auto or one of helen, lapa"):
        open_parsing_set(lapa, "cityscapes")
    with pytest.raises(DatasetError, match="no such folder"):
        open_parsing_set(lapa / "nowhere")


def test_a_folder_of_no_known_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="layout of no parsing set"):
        open_parsing_set(tmp_path)


@pytest.mark.parametrize("name", ["helen", "lapa", "celebamask", "fasseg"])
def test_a_folder_of_another_format_says_what_it_lacks(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has n"):
        open_parsing_set(tmp_path, name)


def test_an_absent_partition_is_refused_with_those_there_are(lapa: Path) -> None:
    with pytest.raises(DatasetError, match=r"'test' has no photos in .*; it has train, val"):
        open_parsing_set(lapa, "lapa", "test")


def test_fassegs_hair_includes_brows_and_its_mouth_the_lips() -> None:
    said = dict(zip(Part, FASSEG.say(np.arange(NUM_PARTS, dtype=np.uint8)[None])[0], strict=True))
    names = {part: FASSEG.names[said[part]] for part in Part}
    assert {part for part, name in names.items() if name == "hair"} == {Part.LEFT_BROW, Part.RIGHT_BROW, Part.HAIR}
    assert {part for part, name in names.items() if name == "mouth"} == {
        Part.UPPER_LIP,
        Part.INNER_MOUTH,
        Part.LOWER_LIP,
    }


def test_what_is_not_judged_stays_so_in_any_scheme() -> None:
    unknown = np.full((1, 1), NOT_JUDGED, np.uint8)
    assert FASSEG.say(unknown) == HELEN.say(unknown) == NOT_JUDGED
    assert FASSEG.paint(unknown).tolist() == [[[0, 0, 0]]]


def test_labels_of_absurd_size_are_refused_like_any_others(lapa: Path) -> None:
    labelled = open_parsing_set(lapa)
    Image.new("1", (20_000, 20_000)).save(lapa / labelled.photos[0].labels[0])
    with pytest.raises(PhotoError, match=r"1_0\.png: "):
        labelled.read(labelled.photos[0])
