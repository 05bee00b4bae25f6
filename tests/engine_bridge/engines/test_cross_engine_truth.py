"""The same vectors mean the same faces in every engine: landmarks and parts agree with the mock's.

Another engine joins by an entry in ENGINES, with the agreement that it reaches. F2P_CONTACT_SHEETS names a folder to
leave the pictures in.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.conformance.agreement import Points, contact_sheet, measure_agreement, render_both
from engine_bridge.frames import Picture
from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from f2p_datasets.detection import FaceDetector

pytestmark = pytest.mark.slow
CHARACTERS = {"justice_female": 20, "justice_male": 15, "justice_girl": 15}
#: Sliders lie within this much of the middle of their ranges: faces that a detector for photos finds in both engines.
SPREAD = 0.35


@dataclass(frozen=True)
class Expected:
    """What an engine reaches at 512 px: pixels for the median landmark and the worst, least overlap per part."""

    open: Callable[[], EngineBridge]
    median_px: float
    worst_px: float
    overlap: dict[Part, float]


def open_panda(pipe: str) -> Callable[[], EngineBridge]:
    def call() -> EngineBridge:
        pytest.importorskip("panda3d.core", reason="pip install '.[panda3d]'")
        from engine_bridge.engines.panda3d.engine import PandaEngine

        return PandaEngine(pipe=pipe)

    return call


def overlaps(eyes: float, brows: float, lips: float, nose: float, rest: float) -> dict[Part, float]:
    return {
        Part.BACKGROUND: rest,
        Part.FACE_SKIN: rest,
        Part.HAIR: rest,
        Part.LEFT_BROW: brows,
        Part.RIGHT_BROW: brows,
        Part.LEFT_EYE: eyes,
        Part.RIGHT_EYE: eyes,
        Part.NOSE: nose,
        Part.UPPER_LIP: lips,
        Part.LOWER_LIP: lips,
    }


ENGINES = {
    "panda3d": Expected(
        open=open_panda("p3tinydisplay"),
        median_px=2.0,
        worst_px=5.0,
        overlap=overlaps(eyes=0.9, brows=0.8, lips=0.9, nose=0.95, rest=0.97),
    ),
}


def random_vectors(schema, count):
    """Moderate faces with random choices."""
    random = np.random.Generator(np.random.Philox(key=(50, 0)))
    vectors = 0.5 + SPREAD * random.uniform(-1.0, 1.0, (count, schema.vector_size))
    return [schema.harden(vector.astype(np.float32)) for vector in vectors]


def landmark_finder() -> Callable[[Picture], Points | None]:
    detector = FaceDetector()

    def find(picture: Picture) -> Points | None:
        faces = detector.detect(picture)
        return np.asarray(faces[0].landmarks, np.float64) if faces else None

    return find


@pytest.fixture(scope="module", params=ENGINES)
def compared(request):
    """Fifty pairs of frames, the mock's first, and what is expected of them."""
    expected = ENGINES[request.param]
    mock, other = MockEngine(), expected.open()
    pairs = []
    for character, count in CHARACTERS.items():
        pairs += render_both(mock, other, character, random_vectors(mock.describe(character), count))
    other.close()
    leave_pictures(request.param, pairs)
    return pairs, expected


def leave_pictures(name, pairs):
    folder = os.environ.get("F2P_CONTACT_SHEETS")
    if folder:
        sheet = contact_sheet(pairs, columns=2)
        small = cv2.resize(sheet, None, fx=0.375, fy=0.375, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(Path(folder) / f"{name}.png"), small[..., ::-1])


@pytest.fixture(scope="module")
def agreement(compared):
    measured = measure_agreement(compared[0], landmark_finder())
    print(measured)
    return measured


def test_fifty_faces_are_found_in_both_engines(agreement):
    assert agreement.num_faces == 50
    assert agreement.num_found >= 48


def test_landmarks_agree(agreement, compared):
    assert np.median(agreement.distance_px) <= compared[1].median_px
    assert agreement.distance_px.max() <= compared[1].worst_px


def test_part_masks_overlap(agreement, compared):
    poor = {
        part.name: round(agreement.overlap[part], 3)
        for part, least in compared[1].overlap.items()
        if agreement.overlap[part] < least
    }
    assert not poor


def test_applied_vectors_are_the_same(compared):
    for ours, theirs in compared[0]:
        np.testing.assert_allclose(ours.vector, theirs.vector, atol=1e-3)
