"""The options of the shipped engines that are not their defaults: each draws a face, by another build."""

from __future__ import annotations

import ctypes.util

import numpy as np
import pytest

from engine_bridge.frames import RenderRequest
from engine_bridge.parts import Part

SIDE = 128


def average_face(engine):
    vector = engine.describe("justice_girl").default_vector()
    return engine.render([RenderRequest(request_id=0, character="justice_girl", vector=vector, resolution=SIDE)])[0]


def assert_same_face_otherwise_lit(usual, other):
    """One pose, so one mask but for a few pixels of its edges; another light or renderer, so other colours."""
    assert np.mean(usual.mask == other.mask) > 0.98
    face = usual.mask == Part.FACE_SKIN
    assert 25.0 < other.picture[face].mean() < 250.0
    assert not np.array_equal(usual.picture, other.picture)


def test_godot_draws_with_its_own_light(open_pool):
    unshaded, lit = open_pool("godot3"), open_pool("godot3", lighting="engine")
    assert lit.build.endswith("+lighting=engine")
    assert_same_face_otherwise_lit(average_face(unshaded), average_face(lit))


def test_panda_draws_through_egl(open_pool):
    if ctypes.util.find_library("EGL") is None:
        pytest.skip("no EGL here: apt-get install libegl1 libgl1-mesa-dri")
    software, hardware = open_pool("panda3d"), open_pool("panda3d", pipe="p3headlessgl")
    assert hardware.build.endswith("+pipe=p3headlessgl")
    assert_same_face_otherwise_lit(average_face(software), average_face(hardware))
