"""A face detector made for photos finds the mock engine's faces."""

from __future__ import annotations

import dlib
import pytest

HUMANS = ("justice_female", "justice_male", "justice_girl")


def share_of_single_faces(frames):
    detector = dlib.get_frontal_face_detector()
    return sum(len(detector(frame.picture, 0)) == 1 for frame in frames) / len(frames)


@pytest.mark.parametrize("character", HUMANS)
def test_the_average_face_is_found(render, character):
    assert share_of_single_faces([render(character, 256)]) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("character", HUMANS)
def test_nearly_every_random_face_is_found_once(random_faces, character):
    assert share_of_single_faces(random_faces(character, 60, 512)) >= 59 / 60
