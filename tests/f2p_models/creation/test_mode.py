from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine_bridge.errors import InputError
from f2p_models.creation import MODES, choose_mode, fixed_mode


@dataclass(frozen=True)
class Face:
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    face_px: float = 400.0
    sharpness: float = 300.0


def test_a_sharp_large_front_view_is_searched():
    choice = choose_mode(Face(yaw_deg=3.0, pitch_deg=-4.0), 512)

    assert choice.mode == "hybrid"
    assert "front view" in choice.reason
    assert "400 px" in choice.reason


@pytest.mark.parametrize("face", [Face(yaw_deg=30.0), Face(yaw_deg=-30.0), Face(pitch_deg=35.0)])
def test_a_turned_head_is_translated_in_one_shot_and_says_how_far_it_is_turned(face):
    choice = choose_mode(face, 512)

    assert choice.mode == "one-shot"
    assert f"yaw {face.yaw_deg:.0f}°" in choice.reason
    assert f"pitch {face.pitch_deg:.0f}°" in choice.reason


def test_a_small_face_is_translated_in_one_shot_and_says_its_size():
    choice = choose_mode(Face(face_px=60.0), 512)

    assert choice.mode == "one-shot"
    assert "60 px" in choice.reason


def test_a_face_too_small_for_one_version_is_large_enough_for_a_coarser_one():
    assert choose_mode(Face(face_px=60.0), 128).mode == "hybrid"


def test_a_blurred_face_is_translated_in_one_shot_and_says_so():
    choice = choose_mode(Face(sharpness=12.0), 512)

    assert choice.mode == "one-shot"
    assert "blurred (sharpness 12" in choice.reason


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_can_be_asked_for(mode):
    assert fixed_mode(mode).mode == mode


def test_an_unknown_mode_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"'fancy' is none of one-shot, iterative, hybrid or auto"):
        fixed_mode("fancy")
