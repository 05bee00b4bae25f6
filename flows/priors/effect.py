"""What facial priors do to characters made from photos: the same photos, created without and with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from engine_bridge.frames import Picture
from engine_bridge.schema import Vector
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.detection import FaceDetector
from f2p_datasets.geometry import FEWEST_PEOPLE, FaceGeometry, find_geometry
from f2p_models.creation import Creator
from f2p_models.creation.mode import MODES, Mode
from f2p_models.evaluation import Renderer
from f2p_models.pictures import from_pictures
from f2p_models.priors import FacialPriors
from f2p_models.priors.rails import rail_share

#: The engine's pictures that landmarks are looked for in.
LOOKED_AT_PX: Final = 256


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Characters created in one mode from N photos.

    vectors     (N, V)
    pictures    the engine's, in the order of the photos
    rails       share of the sliders at the ends of their ranges
    unhuman     share of the faces whose landmarks lie further from the mean face than 95 % of the photos' do, or in
                which the detector finds none; None for too few photos
    similarity  mean of the embedder's similarity of photo and engine's picture
    loss        mean facial similarity loss (equation 9) of the imitator's pictures
    """

    mode: Mode
    with_priors: bool
    vectors: Vector
    pictures: Sequence[Picture]
    rails: float
    unhuman: float | None
    similarity: float
    loss: float


def measure_effects(
    creator: Creator, priors: FacialPriors, photos: Sequence[Picture], render: Renderer, modes: Sequence[Mode] = MODES
) -> list[Effect]:
    """Every mode without and with priors. Photos (H, W, 3) uint8, aligned, at the resolution of the networks or above.

    ``render`` gives the engine's pictures at :data:`LOOKED_AT_PX` or more.
    """
    judge = _Judge(creator, photos, render)
    found = []
    for mode in modes:
        for held_by in (None, priors):
            bundle = replace(creator.bundle, priors=held_by)
            found.append(judge.effect(Creator(bundle, creator.config), mode))
    return found


class _Judge:
    """The photos and what people's faces are like."""

    def __init__(self, creator: Creator, photos: Sequence[Picture], render: Renderer) -> None:
        self._render, self._detector = render, FaceDetector()
        self._template = AlignmentTemplate(np.asarray(creator.bundle.template, np.float64))
        self._photos = _at_resolution(from_pictures(photos), creator.bundle.resolution)
        people = [found for photo in photos if (found := self._geometry(photo)) is not None]
        self._people = FaceGeometry.of_people(people) if len(people) >= FEWEST_PEOPLE else None

    def effect(self, creator: Creator, mode: Mode) -> Effect:
        creation = creator.in_mode(mode, self._photos)
        pictures = list(self._render(creation.vectors.numpy()))
        seen = _at_resolution(from_pictures(pictures), creator.bundle.resolution)
        return Effect(
            mode=mode,
            with_priors=creator.bundle.priors is not None,
            vectors=creation.vectors.numpy(),
            pictures=pictures,
            rails=rail_share(creation.vectors, creator.bundle.schema.num_continuous),
            unhuman=self._unhuman(pictures),
            similarity=float(creator.similarity(self._photos, seen).mean()),
            loss=float(creation.losses.mean()),
        )

    def _unhuman(self, pictures: Sequence[Picture]) -> float | None:
        if self._people is None:
            return None
        faces = [self._geometry(picture) for picture in pictures]
        return float(np.mean([face is None or self._people.is_outlier(face) for face in faces]))

    def _geometry(self, picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
        return find_geometry(picture, self._template, self._detector)


def _at_resolution(pictures: Tensor, resolution: int) -> Tensor:
    return torch.nn.functional.interpolate(pictures, (resolution, resolution), mode="area")
