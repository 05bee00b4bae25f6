"""Faces found in photos, ready for a creator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.photo_sets import usable_faces
from f2p_datasets.photos import read_photo
from f2p_datasets.pose import PEOPLE
from f2p_datasets.quality import PHOTO_LIMITS, FaceQuality, judge_face
from f2p_models.creation import ModeChoice, choose_mode, fixed_mode
from flows.photos.names import reserve_folder_names
from flows.progress import say

#: Side of the pictures for people; networks see the version's resolution.
SHOWN_PX: Final = 512

Faces = Literal["largest", "all"]


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """A face that was found: its photo, its folder's name, how it is turned and how sharp, and the mode chosen for it.

    aligned   in the studio's frame, at the version's resolution: what the networks see
    shown     the same at 512 pixels, for people
    """

    photo: Path
    name: str
    aligned: Picture
    shown: Picture
    quality: FaceQuality
    choice: ModeChoice


class PortraitFinder:
    """Finds faces, aligns them and chooses a mode for each; ``mode`` is one of the creator's, or ``auto``."""

    def __init__(self, template: AlignmentTemplate, resolution: int, *, mode: str, faces: Faces) -> None:
        self._template, self._resolution, self._faces = template, resolution, faces
        self._fixed = None if mode == "auto" else fixed_mode(mode)
        self._detector = FaceDetector()

    def portraits(self, photo: Path, taken: set[str]) -> Iterator[Portrait]:
        """The faces of a photo that are asked for; names that are ``taken`` are given to none of them.

        Raises PhotoError for a photo that cannot be read, or without a usable face.
        """
        picture = read_photo(photo)
        found = self._detector.detect(picture)
        faces = usable_faces(photo, found)
        if self._faces == "all" and len(faces) < len(found):
            say(f"  [yellow]{photo}: too small and left out: {len(found) - len(faces)} of {len(found)} faces[/]")
        chosen = faces if self._faces == "all" else faces[:1]
        for face, name in zip(chosen, reserve_folder_names(photo, len(chosen), taken), strict=True):
            yield self._portrait(photo, picture, face, name)

    def _portrait(self, photo: Path, picture: Picture, face: DetectedFace, name: str) -> Portrait:
        aligned = align_face(picture, face.landmarks, self._template, self._resolution, straight=PEOPLE)
        quality = judge_face(face, aligned, self._template, PHOTO_LIMITS)
        return Portrait(
            photo=photo,
            name=name,
            aligned=aligned.picture,
            shown=align_face(picture, face.landmarks, self._template, SHOWN_PX).picture,
            quality=quality,
            choice=self._fixed or choose_mode(quality, self._resolution),
        )
