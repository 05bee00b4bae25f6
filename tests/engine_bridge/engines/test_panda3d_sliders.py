"""Every slider and every choice of every character changes Panda3D's picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("panda3d.core", reason="pip install '.[panda3d]'")

from engine_bridge.engines.panda3d.engine import PandaEngine
from engine_bridge.frames import RenderRequest

SIDE = 256
#: Mean absolute difference between a slider's two ends, in levels of 255; and so many pixels by more than VISIBLE_STEP.
VISIBLE, VISIBLE_PIXELS, VISIBLE_STEP = 0.02, 40, 8
CHANGED_PIXELS = 10


@pytest.fixture(scope="module")
def draw():
    """``draw(character, changes)``: the average face with some values changed, as signed levels."""
    panda = PandaEngine()

    def call(character, changes):
        schema = panda.describe(character)
        vector = schema.encode(schema.decode(schema.default_vector()) | changes)
        request = RenderRequest(request_id=0, character=character, vector=vector, resolution=SIDE)
        return panda.render([request])[0].picture.astype(int)

    call.describe = panda.describe
    yield call
    panda.close()


def test_each_of_the_208_sliders_visibly_changes_the_picture(draw):
    schema = draw.describe("justice_female")
    assert schema.num_continuous == 208
    assert not [slider.name for slider in schema.continuous if not is_visible(draw, slider)]


def is_visible(draw, slider):
    low, high = (
        draw("justice_female", {"hairstyle": "pixie", slider.name: value}) for value in (slider.minimum, slider.maximum)
    )
    difference = np.abs(high - low)
    return difference.mean() > VISIBLE and (difference.max(-1) > VISIBLE_STEP).sum() > VISIBLE_PIXELS


@pytest.mark.parametrize("character", ["justice_female", "justice_male", "justice_girl"])
def test_all_choices_look_different(draw, character):
    for parameter in draw.describe(character).discrete:
        lips = {"lipstick_color": "crimson"} if parameter.name == "lipstick_style" else {}
        seen = {choice: draw(character, {**lips, parameter.name: choice}) for choice in parameter.choices}
        assert not list(look_alikes(seen))


def look_alikes(seen):
    names = list(seen)
    for number, name in enumerate(names):
        for other in names[:number]:
            if (np.abs(seen[name] - seen[other]).max(-1) > VISIBLE_STEP).sum() < CHANGED_PIXELS:
                yield name, other
