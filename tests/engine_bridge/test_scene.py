"""A scene refuses what no camera could do."""

import pytest

from engine_bridge.errors import InputError
from engine_bridge.scene import STUDIO, Scene


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
