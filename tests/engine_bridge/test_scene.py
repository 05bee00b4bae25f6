"""A scene refuses what no camera could do, and is divided between engine and bridge."""

from dataclasses import fields

import pytest

from engine_bridge.errors import InputError
from engine_bridge.scene import BRIDGE_SCENE_FIELDS, ENGINE_SCENE_FIELDS, STUDIO, Occluder, Scene, engine_scene

FULL = Scene(
    yaw_deg=10.0,
    light_color=(1.2, 1.0, 0.8),
    exposure=0.8,
    occluder=Occluder(center_x=0.5, center_y=0.4, width=0.2, height=0.1),
    seed=7,
)


def test_the_studio_is_the_scene_without_any_change() -> None:
    assert Scene() == STUDIO


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"yaw_deg": 120.0}, "yaw, pitch and roll"),
        ({"zoom": 0.0}, "zoom must be positive"),
        ({"gamma": -1.0}, "gamma must be positive"),
        ({"noise_sigma": 2.0}, "noise_sigma lies in"),
    ],
)
def test_an_impossible_scene_is_refused(change: dict[str, float], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Scene(**change)


def test_every_field_is_either_the_engines_or_the_bridges() -> None:
    assert {field.name for field in fields(Scene)} == ENGINE_SCENE_FIELDS | BRIDGE_SCENE_FIELDS
    assert not ENGINE_SCENE_FIELDS & BRIDGE_SCENE_FIELDS


def test_keeping_some_fields_makes_the_others_neutral() -> None:
    assert FULL.keep({"exposure", "zoom"}) == Scene(exposure=0.8)


def test_the_engine_is_told_only_of_its_own_fields_that_are_not_neutral() -> None:
    assert engine_scene(STUDIO) == {}
    assert engine_scene(FULL) == {"yaw_deg": 10.0, "light_color": (1.2, 1.0, 0.8)}


def test_a_scene_is_rebuilt_from_its_plain_form() -> None:
    assert Scene.from_dict(FULL.to_dict()) == FULL
    assert Scene.from_dict({"light_color": [1.2, 1, 0.8]}) == Scene(light_color=(1.2, 1.0, 0.8))
    assert Scene.from_dict({}) == STUDIO


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"fog": 1.0}, "'fog' is no field"),
        ({"zoom": "big"}, "zoom is a number"),
        ({"zoom": True}, "zoom is a number"),
        ({"light_color": [1.0, 1.0]}, "light_color is 3 numbers"),
        ({"light_color": [1.0, 1.0, "red"]}, "light_color is 3 numbers"),
        ({"occluder": 3}, "no occluder"),
    ],
)
def test_what_is_no_scene_is_refused(data: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Scene.from_dict(data)
