"""Panda3D as a bridge: what it draws, what it reads back, and the same bytes every time."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("panda3d.core", reason="pip install '.[panda3d]'")

from panda3d.core import RenderState, TransformState

from engine_bridge.bridge import EngineBridge
from engine_bridge.engines.panda3d.engine import LARGEST_PX, PandaEngine
from engine_bridge.errors import EngineUnavailableError, InputError
from engine_bridge.frames import RenderRequest, check_frame
from engine_bridge.parts import Part
from engine_bridge.remote.wire.stamps import DrawsStamps, Stamp, check_stamp
from engine_bridge.scene import ENGINE_SCENE_FIELDS, Scene

SIDE = 96
HUMANS = ("justice_female", "justice_male", "justice_girl")
SCENES = {
    "yaw_deg": Scene(yaw_deg=20.0),
    "pitch_deg": Scene(pitch_deg=15.0),
    "roll_deg": Scene(roll_deg=15.0),
    "focal_length_mm": Scene(focal_length_mm=28.0),
    "shift_x": Scene(shift_x=0.1),
    "shift_y": Scene(shift_y=0.1),
    "zoom": Scene(zoom=1.3),
    "light_direction": Scene(light_direction=(-1.0, 0.2, 0.3)),
    "light_color": Scene(light_color=(1.2, 0.9, 0.7)),
    "ambient_color": Scene(ambient_color=(0.6, 0.7, 1.2)),
    "skin_tint": Scene(skin_tint=(0.6, 0.55, 0.5)),
    "hair_tint": Scene(hair_tint=(2.0, 1.5, 1.0)),
    "iris_tint": Scene(iris_tint=(0.4, 1.0, 2.5)),
    "background_color": Scene(background_color=(0.9, 0.2, 0.1)),
}
PRINT_HASH = """
import hashlib
from engine_bridge.engines.panda3d.engine import PandaEngine
from engine_bridge.frames import RenderRequest
engine = PandaEngine()
vector = engine.describe("justice_male").default_vector()
frame = engine.render([RenderRequest(request_id=0, character="justice_male", vector=vector, resolution=96)])[0]
print(hashlib.sha256(frame.picture.tobytes() + frame.mask.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def panda():
    opened = PandaEngine()
    yield opened
    opened.close()


def shot(panda, character="tiny", side=SIDE, scene=None, **values):
    """The average face with some values changed; a name's dots are written as two underscores."""
    schema = panda.describe(character)
    changes = {name.replace("__", "."): value for name, value in values.items()}
    vector = schema.encode(schema.decode(schema.default_vector()) | changes)
    request = RenderRequest(request_id=0, character=character, vector=vector, resolution=side, scene=scene or Scene())
    return check_frame(panda.render([request])[0], request)


def random_request(panda, character, number, side=SIDE):
    schema = panda.describe(character)
    vector = schema.harden(np.random.default_rng(number).random(schema.vector_size, np.float32))
    return RenderRequest(request_id=number, character=character, vector=vector, resolution=side)


def center(mask, part):
    rows, columns = np.nonzero(mask == part)
    return columns.mean() / len(mask), rows.mean() / len(mask)


def test_it_is_an_engine_bridge_that_draws_stamps(panda):
    assert isinstance(panda, EngineBridge)
    assert isinstance(panda, DrawsStamps)
    assert panda.name == "panda3d"
    assert panda.scene_fields == ENGINE_SCENE_FIELDS


def test_the_build_names_version_pipe_and_content(panda):
    name, version, pipe, content = panda.build.split("-")
    assert (name, pipe) == ("panda3d", "p3tinydisplay")
    assert version[0].isdigit()
    assert int(content, 16) >= 0


@pytest.mark.parametrize("character", HUMANS)
def test_every_part_of_a_face_is_in_the_mask(panda, character):
    counts = np.bincount(shot(panda, character, 256).mask.ravel(), minlength=len(Part))
    assert all(counts[part] > 10 for part in Part if part is not Part.INNER_MOUTH)


def test_left_is_the_persons_own(panda):
    mask = shot(panda, "justice_female", 256).mask
    assert center(mask, Part.LEFT_EYE)[0] > 0.5 > center(mask, Part.RIGHT_EYE)[0]
    assert center(mask, Part.LEFT_BROW)[0] > 0.5 > center(mask, Part.RIGHT_BROW)[0]


@pytest.mark.parametrize("character", HUMANS)
def test_the_joints_tell_back_the_sliders_that_moved_them(panda, character):
    request = random_request(panda, character, 3)
    np.testing.assert_allclose(panda.render([request])[0].vector, request.vector, atol=1e-5)


def test_soft_choices_are_applied_as_the_largest(panda):
    schema = panda.describe("tiny")
    vector = schema.default_vector()
    vector[schema.blocks["hairstyle"]] = (0.2, 0.3, 0.5)
    request = RenderRequest(request_id=0, character="tiny", vector=vector, resolution=SIDE)
    np.testing.assert_array_equal(panda.render([request])[0].vector[schema.blocks["hairstyle"]], (0.0, 0.0, 1.0))


def test_a_batch_gives_the_pictures_of_single_requests_whatever_was_drawn_before(panda):
    requests = [random_request(panda, character, number) for number, character in enumerate((*HUMANS, "tiny"))]
    batch = panda.render(requests)
    for request, frame in reversed(list(zip(requests, batch, strict=True))):
        again = panda.render([request])[0]
        np.testing.assert_array_equal(frame.picture, again.picture)
        np.testing.assert_array_equal(frame.mask, again.mask)


def test_two_processes_draw_the_same_bytes(panda):
    frame = shot(panda, "justice_male")
    ours = hashlib.sha256(frame.picture.tobytes() + frame.mask.tobytes()).hexdigest()
    theirs = subprocess.run([sys.executable, "-c", PRINT_HASH], capture_output=True, text=True, check=True, timeout=120)
    assert theirs.stdout.strip() == ours


def test_two_engines_in_one_process_do_not_disturb_each_other(panda):
    before = shot(panda, "justice_girl")
    other = PandaEngine()
    shot(other, "justice_male", side=64)
    other.close()
    np.testing.assert_array_equal(shot(panda, "justice_girl").picture, before.picture)


@pytest.mark.parametrize("side", [16, 100, 333, LARGEST_PX])
def test_pictures_have_the_size_asked_for(panda, side):
    assert Part.FACE_SKIN in shot(panda, side=side).mask


def test_a_larger_picture_shows_the_same(panda):
    small, large = (shot(panda, "justice_female", side).mask for side in (128, 512))
    assert (small == large[2::4, 2::4]).mean() > 0.97


@pytest.mark.parametrize("field", sorted(ENGINE_SCENE_FIELDS))
def test_the_scene_field_changes_the_picture(panda, field):
    studio = shot(panda, "justice_female", 160).picture.astype(int)
    changed = shot(panda, "justice_female", 160, SCENES[field]).picture
    assert (np.abs(changed - studio).max(-1) > 2).sum() > 20


def test_yaw_pitch_roll_and_shift_move_the_face_where_they_should(panda):
    straight = shot(panda, "justice_female").mask
    turned = {name: shot(panda, "justice_female", scene=SCENES[name]).mask for name in SCENES}
    (x, y), nose = center(straight, Part.NOSE), Part.NOSE
    assert center(turned["yaw_deg"], nose)[0] > x + 0.03
    assert center(turned["pitch_deg"], nose)[1] < y - 0.02
    assert center(turned["roll_deg"], Part.LEFT_EYE)[1] > center(turned["roll_deg"], Part.RIGHT_EYE)[1] + 0.03
    assert center(turned["shift_x"], nose) == pytest.approx((x + 0.1, y), abs=0.01)
    assert center(turned["shift_y"], nose) == pytest.approx((x, y - 0.1), abs=0.01)


def test_light_and_tints_leave_the_mask_alone(panda):
    scene = Scene(light_direction=(-1.0, 0.2, 0.3), light_color=(1.2, 0.9, 0.7), skin_tint=(0.6, 0.5, 0.5))
    np.testing.assert_array_equal(shot(panda, scene=scene).mask, shot(panda).mask)


def test_the_background_has_the_color_of_the_scene(panda):
    corner = shot(panda, scene=SCENES["background_color"]).picture[1, 1]
    np.testing.assert_allclose(corner / 255.0, (0.9, 0.2, 0.1), atol=0.01)


def test_light_from_the_left_brightens_the_left_of_the_picture(panda):
    scene = Scene(light_direction=(-1.0, 0.2, 0.5))
    row = shot(panda, "justice_male", scene=scene, hairstyle="bald").picture[int(0.45 * SIDE)].astype(int).sum(-1)
    assert row[int(0.37 * SIDE)] > row[int(0.63 * SIDE)] + 30


@pytest.mark.parametrize("request_id", [0, 7, 300, 511, 512, 123456])
def test_a_stamp_is_drawn_with_the_frame_and_only_in_its_corner(panda, request_id):
    plain = shot(panda)
    panda.set_stamp(Stamp(request_id))
    stamped = shot(panda)
    panda.set_stamp(None)
    check_stamp(stamped.picture, stamped.mask, Stamp(request_id))
    np.testing.assert_array_equal(stamped.picture[4:], plain.picture[4:])
    np.testing.assert_array_equal(stamped.picture[:, 4:], plain.picture[:, 4:])
    np.testing.assert_array_equal(shot(panda).picture, plain.picture)


def test_a_bald_head_has_no_hair_in_the_mask(panda):
    assert Part.HAIR not in shot(panda, "justice_male", hairstyle="bald").mask


def test_a_beard_is_seen_but_is_no_part(panda):
    shaven = shot(panda, "justice_male", beard_style="clean_shaven")
    bearded = shot(panda, "justice_male", beard_style="full_beard")
    np.testing.assert_array_equal(shaven.mask, bearded.mask)
    assert np.abs(shaven.picture.astype(int) - bearded.picture).mean() > 1.0


def test_a_frame_leaves_nothing_behind_in_the_engine(panda):
    requests = [random_request(panda, "tiny", number, side=16) for number in range(12)]
    panda.render(requests)
    before = TransformState.getNumStates(), RenderState.getNumStates()
    panda.render(requests)
    assert (TransformState.getNumStates(), RenderState.getNumStates()) == before


def test_what_it_cannot_draw_is_refused(panda):
    vector = panda.describe("tiny").default_vector()
    with pytest.raises(InputError, match="up to 1024"):
        panda.render([RenderRequest(request_id=0, character="tiny", vector=vector, resolution=1025)])
    with pytest.raises(InputError, match="p3tinydisplay"):
        PandaEngine(pipe="p3magic")


def test_a_closed_engine_renders_no_more():
    engine = PandaEngine()
    request = random_request(engine, "tiny", 0)
    engine.close()
    engine.close()
    with pytest.raises(EngineUnavailableError, match="closed"):
        engine.render([request])
