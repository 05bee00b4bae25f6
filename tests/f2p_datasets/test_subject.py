from __future__ import annotations

import numpy as np
import pytest

from f2p_datasets.detection import DetectedFace
from f2p_datasets.errors import PhotoError
from f2p_datasets.subject import choose_subject

CENTER = (125.0, 125.0)


def face_at(left: float, top: float, side: float) -> DetectedFace:
    return DetectedFace(box=(left, top, left + side, top + side), landmarks=np.zeros((68, 2)), confidence=1.0)


LARGE_BESIDE, SMALL_IN_THE_MIDDLE = face_at(150, 0, 100), face_at(80, 85, 80)
FACES = [LARGE_BESIDE, SMALL_IN_THE_MIDDLE]


def test_in_a_plain_folder_the_largest_face_is_meant() -> None:
    assert choose_subject(FACES, "largest", CENTER) is LARGE_BESIDE


def test_in_a_published_collection_the_central_face_is_meant() -> None:
    assert choose_subject(FACES, "central", CENTER) is SMALL_IN_THE_MIDDLE


def test_landmarks_move_the_place_where_the_person_is() -> None:
    assert choose_subject(FACES, "central", (200.0, 40.0)) is LARGE_BESIDE


def test_a_face_beside_is_nobody_the_collection_names() -> None:
    with pytest.raises(PhotoError, match="no face found where the collection's person is, only beside"):
        choose_subject([face_at(0, 0, 60)], "central", CENTER)
