"""The C# reference engine behind the real bridge, which verifies stamps, sizes and read-back of every frame."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from engine_bridge.errors import EngineError, InputError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.parts import NUM_PARTS, Part
from engine_bridge.remote.bridge_end.hub import EngineHub, TlsFiles
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.processes.adapters import load_adapter
from engine_bridge.scene import STUDIO, Scene
from engine_bridge.schema import Vector

TOKEN = "a-token-for-the-tests-of-csharp"
START_S = 30.0

Start = Callable[..., "subprocess.Popen[str]"]


def draw(engine: RemoteEngine, vectors: Sequence[Vector], side: int = 96, scene: Scene = STUDIO) -> list[Frame]:
    requests = [
        RenderRequest(request_id=index, character="sketch_face", vector=vector, resolution=side, scene=scene)
        for index, vector in enumerate(vectors)
    ]
    return engine.render(requests)


def random_vectors(engine: RemoteEngine, count: int) -> list[Vector]:
    schema, random = engine.describe("sketch_face"), np.random.default_rng(7)
    return [schema.harden(random.random(schema.vector_size, np.float32)) for _ in range(count)]


def average(engine: RemoteEngine) -> Vector:
    return engine.describe("sketch_face").default_vector()


def center_of(mask: np.ndarray, part: Part) -> np.ndarray:
    """Mean (y, x) of a part's pixels."""
    return np.argwhere(mask == part).mean(axis=0)


def test_the_adapter_names_everything_that_it_needs() -> None:
    adapter = load_adapter("csharp")
    assert {need.what for need in adapter.needs} == {"mcs", "mono"}


def test_the_engine_tells_the_bridge_its_character(sketch: RemoteEngine) -> None:
    schema = sketch.describe("sketch_face")
    assert (sketch.name, schema.num_continuous, len(schema.discrete)) == ("sketch", 21, 3)
    assert sketch.build.startswith("sketch-")


def test_the_average_face_shows_every_part(sketch: RemoteEngine) -> None:
    (frame,) = draw(sketch, [average(sketch)], side=256)
    assert set(np.unique(frame.mask)) == set(range(NUM_PARTS))


def test_the_parts_lie_as_in_a_face(sketch: RemoteEngine) -> None:
    mask = draw(sketch, [average(sketch)], side=256)[0].mask
    left_eye, right_eye = center_of(mask, Part.LEFT_EYE), center_of(mask, Part.RIGHT_EYE)
    upper_lip, lower_lip = center_of(mask, Part.UPPER_LIP), center_of(mask, Part.LOWER_LIP)
    nose, brow, hair = (center_of(mask, part) for part in (Part.NOSE, Part.LEFT_BROW, Part.HAIR))
    assert right_eye[1] < nose[1] < left_eye[1]
    assert hair[0] < brow[0] < left_eye[0] < nose[0] < upper_lip[0] < lower_lip[0]


def test_the_same_vector_gives_the_same_bytes_whatever_came_between(sketch: RemoteEngine) -> None:
    first, _, again = draw(sketch, [average(sketch), *random_vectors(sketch, 1), average(sketch)])
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.mask, again.mask)


def test_a_batch_gives_what_single_requests_give(sketch: RemoteEngine) -> None:
    vectors = random_vectors(sketch, 20)
    batch = draw(sketch, vectors)
    singles = [draw(sketch, [vector])[0] for vector in vectors]
    for together, alone in zip(batch, singles, strict=True):
        np.testing.assert_array_equal(together.picture, alone.picture)
        np.testing.assert_array_equal(together.mask, alone.mask)


def test_every_slider_moves_the_picture(sketch: RemoteEngine) -> None:
    schema, vector = sketch.describe("sketch_face"), average(sketch)
    pushed = [
        np.where(np.arange(vector.size) == index, np.float32(1), vector) for index in range(schema.num_continuous)
    ]
    usual, *changed = draw(sketch, [vector, *pushed])
    unmoved = [
        slider.name
        for slider, frame in zip(schema.continuous, changed, strict=True)
        if np.array_equal(frame.picture, usual.picture)
    ]
    assert unmoved == []


@pytest.mark.parametrize("name", ["hairstyle", "brow_style", "lip_color"])
def test_each_choice_looks_different(sketch: RemoteEngine, name: str) -> None:
    schema = sketch.describe("sketch_face")
    values = schema.decode(average(sketch))
    choices = next(parameter.choices for parameter in schema.discrete if parameter.name == name)
    frames = draw(sketch, [schema.encode(values | {name: choice}) for choice in choices])
    assert len({frame.picture.tobytes() for frame in frames}) == len(choices)


def test_the_vector_read_back_is_the_engines_own(sketch: RemoteEngine) -> None:
    vectors = random_vectors(sketch, 8)
    num_continuous = sketch.describe("sketch_face").num_continuous
    read_back = np.stack([frame.vector for frame in draw(sketch, vectors)])[:, :num_continuous]
    steps = read_back * 4096
    np.testing.assert_allclose(
        steps, np.round(steps), atol=1e-5 * 4096
    )  # so close, the bridge takes what was asked for
    assert 0 < np.abs(read_back - np.stack(vectors)[:, :num_continuous]).max() < 0.0005


@pytest.mark.parametrize("side", [16, 17, 250, 1024])
def test_pictures_come_in_any_size(sketch: RemoteEngine, side: int) -> None:
    (frame,) = draw(sketch, [average(sketch)], side=side)
    assert frame.picture.shape == (side, side, 3)


def test_the_mask_does_not_depend_on_light(sketch: RemoteEngine) -> None:
    plain = draw(sketch, [average(sketch)])[0]
    warm = draw(sketch, [average(sketch)], scene=Scene(light_color=(1.0, 0.7, 0.4)))[0]
    np.testing.assert_array_equal(plain.mask, warm.mask)
    assert warm.picture[..., 2].mean() < plain.picture[..., 2].mean() - 5


@pytest.mark.parametrize(
    ("scene", "part"),
    [
        (Scene(skin_tint=(0.5, 0.5, 0.5)), Part.FACE_SKIN),
        (Scene(hair_tint=(0.4, 0.4, 0.4)), Part.HAIR),
        (Scene(iris_tint=(0.2, 0.2, 0.2)), Part.LEFT_EYE),
        (Scene(background_color=(0.0, 0.1, 0.1)), Part.BACKGROUND),
        (Scene(ambient_color=(0.1, 0.1, 0.1)), Part.FACE_SKIN),
    ],
)
def test_a_darker_tint_darkens_its_part(sketch: RemoteEngine, scene: Scene, part: Part) -> None:
    plain, tinted = (draw(sketch, [average(sketch)], scene=one)[0] for one in (STUDIO, scene))
    where = plain.mask == part
    assert tinted.picture[where].mean() < plain.picture[where].mean() - 1


def test_shift_zoom_and_roll_move_the_head(sketch: RemoteEngine) -> None:
    plain = draw(sketch, [average(sketch)], side=200)[0].mask
    shifted = draw(sketch, [average(sketch)], 200, Scene(shift_x=0.1, shift_y=0.05))[0].mask
    zoomed = draw(sketch, [average(sketch)], 200, Scene(zoom=1.2))[0].mask
    rolled = draw(sketch, [average(sketch)], 200, Scene(roll_deg=10))[0].mask
    np.testing.assert_allclose(center_of(shifted, Part.NOSE) - center_of(plain, Part.NOSE), [-10, 20], atol=0.5, rtol=0)
    assert (zoomed == Part.NOSE).sum() / (plain == Part.NOSE).sum() == pytest.approx(1.44, abs=0.1)
    assert center_of(rolled, Part.HAIR)[1] > center_of(plain, Part.HAIR)[1] + 5


def test_a_scene_field_that_a_drawing_cannot_honor_is_refused(sketch: RemoteEngine) -> None:
    with pytest.raises(InputError, match="yaw_deg"):
        draw(sketch, [average(sketch)], scene=Scene(yaw_deg=20))


def test_another_process_gives_the_same_bytes(sketch: RemoteEngine, start: Start) -> None:
    vectors = random_vectors(sketch, 4)
    with EngineHub(token=TOKEN) as hub:
        start(hub.url, "other")
        other = hub.accept("other", timeout_s=START_S)
        assert other.build == sketch.build
        theirs = draw(other, vectors)
    for mine, other_frame in zip(draw(sketch, vectors), theirs, strict=True):
        np.testing.assert_array_equal(mine.picture, other_frame.picture)
        np.testing.assert_array_equal(mine.vector, other_frame.vector)


def test_an_engine_that_the_bridge_dropped_dials_in_again(start: Start) -> None:
    with EngineHub(token=TOKEN) as hub:
        start(hub.url)
        first = hub.accept("one", timeout_s=START_S)
        first.close(again=True)
        second = hub.accept("one", timeout_s=START_S)
        assert draw(second, [average(second)])[0].frame_id >= 1


def test_the_engine_leaves_when_the_bridge_closes(start: Start) -> None:
    with EngineHub(token=TOKEN) as hub:
        process = start(hub.url)
        hub.accept("one", timeout_s=START_S)
    assert process.wait(timeout=10) == 0


def test_the_engine_does_not_insist_on_a_wrong_token(start: Start) -> None:
    with EngineHub(token=TOKEN) as hub:
        process = start(hub.url, token="another-token-than-the-bridges")
        assert process.wait(timeout=15) == 1
    assert "bad_token" in process.communicate()[1]


@pytest.fixture
def certificate(tmp_path: Path) -> TlsFiles:
    """A certificate for localhost that signs itself, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: apt-get install openssl")
    files = TlsFiles(certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    output = ["-addext", "subjectAltName=DNS:localhost", "-keyout", files.key, "-out", files.certificate]
    subprocess.run([*make, *output], capture_output=True, check=True)
    return files


def test_an_engine_renders_over_tls_once_it_trusts_the_certificate(
    certificate: TlsFiles, tmp_path: Path, start: Start
) -> None:
    hash_of = ["openssl", "x509", "-hash", "-noout", "-in", certificate.certificate]
    name = subprocess.run(hash_of, capture_output=True, text=True, check=True).stdout.strip()
    trusted = tmp_path / "config" / ".mono" / "new-certs" / "Trust"
    trusted.mkdir(parents=True)
    shutil.copy(certificate.certificate, trusted / f"{name}.0")
    with EngineHub(token=TOKEN, host="localhost", tls=certificate) as hub:
        start(hub.url, XDG_CONFIG_HOME=str(tmp_path / "config"))
        engine = hub.accept("one", timeout_s=START_S)
        assert len(draw(engine, [average(engine)])) == 1


def test_an_engine_gives_its_token_to_no_bridge_whose_certificate_it_does_not_trust(
    certificate: TlsFiles, tmp_path: Path, start: Start
) -> None:
    with EngineHub(token=TOKEN, host="localhost", tls=certificate) as hub:
        process = start(hub.url, XDG_CONFIG_HOME=str(tmp_path))
        with pytest.raises(EngineError):
            hub.accept("one", timeout_s=4)
        process.kill()
        assert "CERTIFICATE_VERIFY_FAILED" in process.communicate()[1]
