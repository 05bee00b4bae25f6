"""CelebAMask-HQ (Lee et al., CVPR 2020), as published and as packed for challenges.

    CelebA-HQ-img/<k>.jpg                                         1024 x 1024
    CelebAMask-HQ-mask-anno/<k // 2000>/<k, five digits>_<part>.png    512 x 512, not zero is the part; often no file
    CelebA-HQ-to-CelebA-mapping.txt                               the partitions are CelebA's, by its number

    <partition>/images/<id>.jpg    <partition>/masks/<id>.png     a palette picture: the index is the class

Its sides are the person's own, as ours are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.frames import Mask
from engine_bridge.parts import Part
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.parsing.labels import check_same_size, read_classes, read_coverage
from f2p_datasets.parsing.records import LabelledPhoto

#: Its classes in the order in which they are laid over each other (later wins), and what Helen calls each. Helen has
#: no glasses: they are part of the skin that they lie on. Ears, neck, hats and clothes are background to it.
PARTS: Final = {
    "background": Part.BACKGROUND,
    "skin": Part.FACE_SKIN,
    "nose": Part.NOSE,
    "eye_g": Part.FACE_SKIN,
    "l_eye": Part.LEFT_EYE,
    "r_eye": Part.RIGHT_EYE,
    "l_brow": Part.LEFT_BROW,
    "r_brow": Part.RIGHT_BROW,
    "l_ear": Part.BACKGROUND,
    "r_ear": Part.BACKGROUND,
    "mouth": Part.INNER_MOUTH,
    "u_lip": Part.UPPER_LIP,
    "l_lip": Part.LOWER_LIP,
    "hair": Part.HAIR,
    "hat": Part.BACKGROUND,
    "ear_r": Part.BACKGROUND,
    "neck_l": Part.BACKGROUND,
    "neck": Part.BACKGROUND,
    "cloth": Part.BACKGROUND,
}
MEANING: Final = np.array(list(PARTS.values()), np.uint8)
IMAGES: Final = "CelebA-HQ-img"
MASK_FOLDERS: Final = ("CelebAMask-HQ-mask-anno", "CelebAMaskHQ-mask-anno")
MAPPING: Final = "CelebA-HQ-to-CelebA-mapping.txt"
PHOTOS_PER_FOLDER: Final = 2000
#: CelebA's partitions by its photos' numbers: train below the first, val below the second, then test.
FIRST_VAL, FIRST_TEST = 162_771, 182_638


def is_celebamask(folder: Path) -> bool:
    """Whether a folder has the layout of either variant."""
    return (folder / IMAGES).is_dir() or bool(_packed(folder))


def list_celebamask(folder: Path) -> list[LabelledPhoto]:
    """Either variant's photos, sorted by number or by name."""
    found = _list_published(folder) if (folder / IMAGES).is_dir() else _packed(folder)
    if not found:
        raise DatasetError(f"{folder}: has neither {IMAGES}/*.jpg nor train/images/*.jpg with train/masks/*.png")
    return found


def read_celebamask(folder: Path, photo: LabelledPhoto) -> Mask:
    """Part ids from the palette picture, or from the part files that are there."""
    if len(photo.labels) == 1:
        return read_classes(folder / photo.labels[0], MEANING)
    return _lay_over_each_other(folder, photo)


def _lay_over_each_other(folder: Path, photo: LabelledPhoto) -> Mask:
    """The part files that are there. Raises PhotoError when there is not even skin."""
    layers = [(part, folder / label) for part, label in zip(MEANING[1:], photo.labels, strict=True)]
    layers = [(part, path) for part, path in layers if path.is_file()]
    if not layers:
        raise PhotoError(f"{folder / photo.photo}: none of its part files ({photo.labels[0]}, ...) is there")
    first = layers[0][1]
    mask = np.zeros(read_coverage(first).shape, np.uint8)
    for part, path in layers:
        covered = read_coverage(path)  # published as white on black, in RGB
        check_same_size(first, mask.shape, path, covered.shape)
        mask[covered] = part
    return mask


def _list_published(folder: Path) -> list[LabelledPhoto]:
    masks = next((name for name in MASK_FOLDERS if (folder / name).is_dir()), None)
    if masks is None:
        raise DatasetError(f"{folder}: has no folder {MASK_FOLDERS[0]} beside {IMAGES}")
    partitions = _read_partitions(folder / MAPPING)
    photos = [path for path in (folder / IMAGES).glob("*.jpg") if path.stem.isdigit()]
    return [_published(int(path.stem), masks, partitions) for path in sorted(photos, key=lambda path: int(path.stem))]


def _published(number: int, masks: str, partitions: dict[int, str]) -> LabelledPhoto:
    stem = f"{masks}/{number // PHOTOS_PER_FOLDER}/{number:05d}"
    return LabelledPhoto(
        photo=f"{IMAGES}/{number}.jpg",
        labels=tuple(f"{stem}_{name}.png" for name in list(PARTS)[1:]),
        partition=partitions.get(number),
    )


def _read_partitions(path: Path) -> dict[int, str]:
    """Partitions by number, where the mapping is there. Raises DatasetError for a line that is none of its own."""
    if not path.is_file():
        return {}
    found = {}
    for line_number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields or line_number == 1:
            continue
        if len(fields) < 2 or not (fields[0].isdigit() and fields[1].isdigit()):
            raise DatasetError(f"{path}:{line_number}: {line!r} has no two numbers; copy it again")
        original = int(fields[1])
        found[int(fields[0])] = "train" if original < FIRST_VAL else "val" if original < FIRST_TEST else "test"
    return found


def _packed(folder: Path) -> list[LabelledPhoto]:
    return [
        LabelledPhoto(
            photo=f"{partition}/images/{image.name}",
            labels=(f"{partition}/masks/{image.stem}.png",),
            partition=partition,
        )
        for partition in ("train", "val", "test")
        if (folder / partition / "masks").is_dir()  # published test photos have none
        for image in sorted((folder / partition / "images").glob("*.jpg"))
    ]
