from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.parts import PART_COLORS, Part
from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema
from f2p_datasets.samplers import build_sampler
from flows.pictures.contact_sheets import BACKGROUND, BATCH_SIZE, engine_sheet

SCHEMA = ParameterSchema(
    character="stub",
    title="Stub",
    head="stub",
    continuous=(
        ContinuousParameter(
            name="jaw.sx", group="jaw", bone="jaw", controller="sx", minimum=0.8, maximum=1.2, default=1.0
        ),
    ),
    discrete=(DiscreteParameter(name="hairstyle", group="hair", choices=("bald", "bob", "lob"), default="bald"),),
)


class FlatEngine:
    """Answers every vector with its first slider as a grey picture on a black line and a mask that is all hair."""

    name, build, scene_fields = "flat", "flat-1", frozenset[str]()

    def __init__(self) -> None:
        self.batch_sizes: list[int] = []

    def describe(self, character: str) -> ParameterSchema:
        return SCHEMA

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        self.batch_sizes.append(len(requests))
        return [self.frame(request) for request in requests]

    def frame(self, request: RenderRequest) -> Frame:
        side = request.resolution
        picture = np.full((side, side, 3), round(100 + 100 * float(request.vector[0])), np.uint8)
        picture[-1] = 0
        return Frame(
            request_id=request.request_id,
            frame_id=request.request_id,
            vector=request.vector,
            picture=picture,
            mask=np.full((side, side), Part.HAIR, np.uint8),
        )

    def close(self) -> None: ...


def colors_of(sheet: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(color) for color in np.unique(sheet.reshape(-1, 3), axis=0).tolist()}


def test_the_sheet_shows_every_face_and_its_colored_mask_on_a_dark_ground() -> None:
    sheet = engine_sheet(FlatEngine(), "stub", count=3, resolution=32)
    greys = {(round(100 + 100 * float(vector[0])),) * 3 for vector in build_sampler("uniform", SCHEMA, 0).vectors(0, 3)}
    assert sheet.dtype == np.uint8
    assert greys | {BACKGROUND, PART_COLORS[Part.HAIR]} <= colors_of(sheet)


def test_the_same_seed_gives_the_same_sheet_and_another_seed_another() -> None:
    first, again, other = (engine_sheet(FlatEngine(), "stub", count=2, seed=seed, resolution=16) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_larger_sheet_starts_with_the_faces_of_a_smaller_one() -> None:
    one, two = (engine_sheet(FlatEngine(), "stub", count=count, seed=7, resolution=16) for count in (1, 2))
    assert np.array_equal(one[:18, :34], two[:18, :34])


def test_faces_are_rendered_in_batches() -> None:
    engine = FlatEngine()
    engine_sheet(engine, "stub", count=2 * BATCH_SIZE + 1, resolution=16)
    assert engine.batch_sizes == [BATCH_SIZE, BATCH_SIZE, 1]


def test_twenty_four_faces_make_a_sheet_about_as_wide_as_a_screen() -> None:
    height, width, _ = engine_sheet(FlatEngine(), "stub", count=24, resolution=16).shape
    assert 1.2 < width / height < 1.5


def test_an_empty_sheet_is_refused() -> None:
    with pytest.raises(InputError, match="at least one face, got 0"):
        engine_sheet(FlatEngine(), "stub", count=0)


def test_the_stub_is_an_engine_bridge() -> None:
    assert isinstance(FlatEngine(), EngineBridge)
