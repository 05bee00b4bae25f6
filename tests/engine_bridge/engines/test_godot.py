"""The Godot projects, started for real under a virtual screen: what they draw, and what they read back."""

from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.frames import RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from engine_bridge.scene import Scene

SIDE = 128


@pytest.fixture(scope="session", params=["godot3", "godot4"])
def godot(request, open_pool):
    return open_pool(request.param)


@pytest.fixture(scope="session")
def mock():
    return MockEngine()


def ask(engine, character="justice_female", *, seed=0, scene=None, side=SIDE, number=0, **changes):
    """A frame of a random character, with some values changed; dots in names are written as two underscores."""
    schema = engine.describe(character)
    vector = schema.harden(np.random.default_rng(seed).random(schema.vector_size))
    values = schema.decode(vector) | {name.replace("__", "."): value for name, value in changes.items()}
    request = RenderRequest(
        request_id=number, character=character, vector=schema.encode(values), resolution=side, scene=scene or Scene()
    )
    return engine.render([request])[0]


def share_of(mask, other, part):
    """Intersection over union of one part."""
    return np.sum((mask == part) & (other == part)) / np.sum((mask == part) | (other == part))


@pytest.mark.parametrize("character", ["justice_female", "justice_male", "justice_girl"])
def test_it_puts_every_part_where_the_mock_puts_it(godot, mock, character):
    ours, theirs = ask(godot, character, side=256), ask(mock, character, side=256)
    large = [Part.FACE_SKIN, Part.LEFT_EYE, Part.RIGHT_EYE, Part.NOSE, Part.UPPER_LIP, Part.LOWER_LIP, Part.HAIR]
    assert min(share_of(ours.mask, theirs.mask, part) for part in large) > 0.9


def test_it_turns_the_head_as_the_mock_does(godot, mock):
    scene = Scene(yaw_deg=25.0, pitch_deg=10.0, roll_deg=-12.0, focal_length_mm=40.0, shift_y=0.05, zoom=1.15)
    ours, theirs = ask(godot, scene=scene), ask(mock, scene=scene)
    assert np.mean(ours.mask == theirs.mask) > 0.97


@pytest.mark.parametrize("character", ["justice_female", "justice_girl", "tiny"])
def test_it_reads_back_what_was_applied(godot, character):
    schema = godot.describe(character)
    vector = schema.harden(np.random.default_rng(5).random(schema.vector_size))
    frame = godot.render([RenderRequest(request_id=0, character=character, vector=vector, resolution=SIDE)])[0]
    assert np.abs(frame.vector - vector).max() < 1e-4


def test_a_face_is_the_same_after_another_one(godot):
    first = ask(godot, seed=1)
    ask(godot, "justice_male", seed=2, scene=Scene(yaw_deg=30.0), side=64)
    again = ask(godot, seed=1)
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.mask, again.mask)


def test_a_bone_that_moves_forwards_shows_in_the_light(godot):
    near, far = ask(godot, cheek__tz=1.5), ask(godot, cheek__tz=-1.5)
    assert np.abs(near.picture.astype(int) - far.picture).max() > 8


def test_the_vector_draws_the_same_whatever_the_tint_of_the_skin(godot):
    scene = Scene(skin_tint=(0.2, 0.2, 0.2))  # so dark that several lipsticks look alike
    assert np.array_equal(ask(godot, seed=3).vector, ask(godot, seed=3, scene=scene).vector)


def test_its_build_names_the_version_and_the_light(godot):
    assert godot.build.startswith("godot-")
    assert "-unshaded-" in godot.build
