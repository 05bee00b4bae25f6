"""The same vectors mean the same faces in every engine: landmarks and parts agree with the mock's.

Another engine joins by its name in ENGINES. F2P_CONTACT_SHEETS names a folder to
leave the pictures in.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine_bridge.conformance.agreement import Points, contact_sheet, measure_agreement, render_both
from engine_bridge.frames import Picture
from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from f2p_datasets.detection import FaceDetector

pytestmark = pytest.mark.slow
CHARACTERS = {"justice_female": 20, "justice_male": 15, "justice_girl": 15}
#: Sliders lie within this much of the middle of their ranges: faces that a detector for photos finds in both engines.
SPREAD = 0.35


ENGINES = ["panda3d", "godot3", "godot4"]
#: What every engine reaches at 512 px: the median landmark's distance and the worst one's, the least overlap per part.
MEDIAN_PX, WORST_PX = 2.0, 5.0
OVERLAP = {
    Part.BACKGROUND: 0.97,
    Part.FACE_SKIN: 0.97,
    Part.HAIR: 0.97,
    Part.LEFT_BROW: 0.8,
    Part.RIGHT_BROW: 0.8,
    Part.LEFT_EYE: 0.9,
    Part.RIGHT_EYE: 0.9,
    Part.NOSE: 0.95,
    Part.UPPER_LIP: 0.9,
    Part.LOWER_LIP: 0.9,
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
def compared(request, open_pool):
    """Fifty pairs of frames, the mock's first."""
    mock, other = MockEngine(), open_pool(request.param)
    pairs = []
    for character, count in CHARACTERS.items():
        pairs += render_both(mock, other, character, random_vectors(mock.describe(character), count))
    leave_pictures(request.param, pairs)
    return pairs


def leave_pictures(name, pairs):
    folder = os.environ.get("F2P_CONTACT_SHEETS")
    if folder:
        sheet = contact_sheet(pairs, columns=2)
        small = cv2.resize(sheet, None, fx=0.375, fy=0.375, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(Path(folder) / f"{name}.png"), small[..., ::-1])


@pytest.fixture(scope="module")
def agreement(compared):
    measured = measure_agreement(compared, landmark_finder())
    print(measured)
    return measured


def test_fifty_faces_are_found_in_both_engines(agreement):
    assert agreement.num_faces == 50
    assert agreement.num_found >= 48


def test_landmarks_agree(agreement):
    assert np.median(agreement.distance_px) <= MEDIAN_PX
    assert agreement.distance_px.max() <= WORST_PX


def test_part_masks_overlap(agreement):
    poor = {
        part.name: round(agreement.overlap[part], 3)
        for part, least in OVERLAP.items()
        if agreement.overlap[part] < least
    }
    assert not poor


def test_applied_vectors_are_the_same(compared):
    for ours, theirs in compared:
        np.testing.assert_allclose(ours.vector, theirs.vector, atol=1e-3)
