"""Photos as they are named on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_datasets.photos import list_photos

SAMPLE_PHOTO: Final = "sample"


def find_photos(named: Sequence[str]) -> list[Path]:
    """Files as they are, folders as all photos in them, ``sample`` as the portrait that ships with scikit-image."""
    photos: list[Path] = []
    for name in named:
        if name == SAMPLE_PHOTO and not Path(name).exists():
            photos.append(sample_photo())
        elif Path(name).is_dir():
            photos += list_photos(Path(name))
        else:
            photos.append(Path(name))
    return photos


def sample_photo() -> Path:
    """Eileen Collins, astronaut: NASA, public domain. Found without importing scikit-image."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise InputError("photo: 'sample' needs scikit-image; install it or name a photo of your own")
    return Path(spec.origin).parent / "data" / "astronaut.png"


def reserve_folder_names(photo: Path, num_faces: int, taken: set[str]) -> list[str]:
    """A folder name for each face of a photo, by file stem, none of them ``taken``; they are added to it.

    A second ``me.jpg`` becomes ``me-2``, and two faces of one photo ``me-face1`` and ``me-face2``.
    """
    number = 1
    while not taken.isdisjoint(
        names := _face_names(photo.stem if number == 1 else f"{photo.stem}-{number}", num_faces)
    ):
        number += 1
    taken.update(names)
    return names


def _face_names(stem: str, num_faces: int) -> list[str]:
    return [stem] if num_faces == 1 else [f"{stem}-face{number}" for number in range(1, num_faces + 1)]
