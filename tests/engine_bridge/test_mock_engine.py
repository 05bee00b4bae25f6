"""The mock engine as a bridge: schema, ids, applied vectors, errors, and the same bytes in every process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine_bridge import characters
from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import EngineUnavailableError, InputError, SchemaError, UnknownCharacterError
from engine_bridge.frames import RenderRequest, check_frame
from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from engine_bridge.scene import Scene

HUMANS = ("justice_female", "justice_male", "justice_girl")

PRINT_HASH = """
import hashlib, sys
from engine_bridge.frames import RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.scene import Scene
engine = MockEngine()
vector = engine.describe("justice_male").default_vector()
scene = Scene(background_clutter=0.5, noise_sigma=0.02, blur_sigma=0.004, yaw_deg=20.0, seed=3)
request = RenderRequest(request_id=0, character="justice_male", vector=vector, resolution=96, scene=scene)
frame = engine.render([request])[0]
print(hashlib.sha256(frame.picture.tobytes() + frame.mask.tobytes()).hexdigest())
"""


def request_of(engine, character="tiny", request_id=0, resolution=64, **changes):
    vector = changes.pop("vector", engine.describe(character).default_vector())
    return RenderRequest(request_id=request_id, character=character, vector=vector, resolution=resolution, **changes)


def test_it_is_an_engine_bridge(engine):
    assert isinstance(engine, EngineBridge)
    assert engine.name == "mock"


def test_the_build_names_the_assets_in_twelve_hex_digits(engine):
    prefix, digits = engine.build.split("-")
    assert prefix == "mock"
    assert len(digits) == 12
    assert int(digits, 16) >= 0


@pytest.mark.parametrize("character", [*HUMANS, "tiny"])
def test_a_frame_answers_its_request(engine, character):
    request = request_of(engine, character, request_id=7)
    check_frame(engine.render([request])[0], request)


def test_frames_come_in_the_order_of_the_requests_with_rising_ids(engine):
    frames = engine.render([request_of(engine, request_id=number) for number in (5, 3, 9)])
    assert [frame.request_id for frame in frames] == [5, 3, 9]
    assert frames[0].frame_id < frames[1].frame_id < frames[2].frame_id


def test_the_applied_vector_is_the_requested_one_without_the_rounding_of_engine_units(engine):
    schema = engine.describe("justice_female")
    vector = schema.harden(np.random.default_rng(2).random(schema.vector_size, np.float32))
    request = RenderRequest(request_id=0, character="justice_female", vector=vector, resolution=32)
    assert np.array_equal(engine.render([request])[0].vector, vector)


def test_soft_choices_are_applied_as_the_largest(engine):
    schema = engine.describe("tiny")
    vector = schema.default_vector()
    vector[schema.blocks["hairstyle"]] = (0.2, 0.3, 0.5)
    applied = engine.render([request_of(engine, vector=vector)])[0].vector
    np.testing.assert_array_equal(applied[schema.blocks["hairstyle"]], (0.0, 0.0, 1.0))


def test_a_picture_does_not_depend_on_what_was_rendered_before(engine):
    request = request_of(engine, "justice_female", resolution=80)
    first = engine.render([request])[0]
    engine.render(
        [request_of(engine, "justice_male", resolution=80, scene=Scene(yaw_deg=30.0, background_clutter=1.0))]
    )
    again = engine.render([request])[0]
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.mask, again.mask)


def test_another_process_renders_the_same_bytes(engine):
    scene = Scene(background_clutter=0.5, noise_sigma=0.02, blur_sigma=0.004, yaw_deg=20.0, seed=3)
    frame = engine.render([request_of(engine, "justice_male", resolution=96, scene=scene)])[0]
    here = hashlib.sha256(frame.picture.tobytes() + frame.mask.tobytes()).hexdigest()
    there = subprocess.run([sys.executable, "-c", PRINT_HASH], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


@pytest.mark.parametrize("side", [16, 17, 511])
def test_any_side_is_rendered(engine, side):
    frame = engine.render([request_of(engine, resolution=side)])[0]
    assert frame.picture.shape == (side, side, 3)
    assert frame.mask.max() > 0


@pytest.mark.parametrize("character", HUMANS)
def test_the_average_face_shows_all_its_parts(render, character):
    shown = set(np.unique(render(character, 256).mask))
    assert shown >= set(Part) - {Part.INNER_MOUTH}


def test_left_is_the_persons_own(render):
    mask = render("justice_female", 128).mask
    for left, right in ((Part.LEFT_EYE, Part.RIGHT_EYE), (Part.LEFT_BROW, Part.RIGHT_BROW)):
        assert np.nonzero(mask == left)[1].min() > np.nonzero(mask == right)[1].max()


def test_a_vector_that_does_not_fit_is_refused(engine):
    with pytest.raises(SchemaError, match="shape"):
        engine.render([request_of(engine, vector=np.zeros(3, np.float32))])


def test_an_unknown_character_is_refused(engine):
    with pytest.raises(UnknownCharacterError):
        engine.describe("nobody")


def test_a_character_file_with_a_bone_the_rig_lacks_is_refused(tmp_path, engine):
    unused = ", ".join(f"{channel}: unused" for channel in ("tx", "tz", "rx", "ry", "rz", "sx", "sy", "sz"))
    rig = f"{{tail: {{mirrored: true, sliders: {{ty: [-1, 1]}}, banned: {{{unused}}}}}}}"
    (tmp_path / "odd.yaml").write_text(f"character: odd\ntitle: Odd\nhead: adult_female\nrig: {rig}\n")
    with pytest.raises(SchemaError, match="tail"):
        MockEngine([tmp_path]).describe("odd")


def test_a_character_file_with_an_unknown_head_is_refused(tmp_path):
    unused = ", ".join(f"{channel}: unused" for channel in ("tx", "tz", "rx", "ry", "rz", "sx", "sy", "sz"))
    rig = f"{{eye: {{mirrored: true, sliders: {{ty: [-1, 1]}}, banned: {{{unused}}}}}}}"
    (tmp_path / "odd.yaml").write_text(f"character: odd\ntitle: Odd\nhead: horse\nrig: {rig}\n")
    with pytest.raises(InputError, match="horse"):
        MockEngine([tmp_path]).describe("odd")


def test_a_closed_engine_renders_no_more():
    engine = MockEngine()
    request = request_of(engine)
    engine.close()
    engine.close()
    with pytest.raises(EngineUnavailableError, match="closed"):
        engine.render([request])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("head: adult_female", "head: elf", "no head 'elf'; it has adult_female"),
        ("buzz_cut, bob", "buzz_cut, bob, beehive", "no 'beehive' for adult_female; it has buzz_cut"),
        ("lipstick_color:", "glasses:", "glasses: the mock engine has no such choice; it has hairstyle"),
    ],
)
def test_what_the_engine_cannot_draw_is_refused_when_it_is_described(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    shipped = (Path(characters.__file__).parent / "tiny.yaml").read_text()
    assert old in shipped
    (tmp_path / "hero.yaml").write_text(shipped.replace("character: tiny", "character: hero").replace(old, new))
    with pytest.raises(InputError, match=complaint):
        MockEngine([tmp_path]).describe("hero")
