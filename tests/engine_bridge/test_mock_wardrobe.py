from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from engine_bridge.frames import RenderRequest
from engine_bridge.mock.assets import FOLDER, load_hair, load_head, load_makeup
from engine_bridge.mock.build.hair import HairMesh, build_hair
from engine_bridge.mock.build.hair_styles import HAIR_SHAPES
from engine_bridge.mock.build.makehuman import HeadMesh, vertex_normals
from engine_bridge.mock.build.scalp import Scalp
from engine_bridge.mock.catalog import BEARD_STYLES, CHOICES_FOR_HEAD, EYEBROW_STYLES, HAIRSTYLES, LIPSTICK_STYLES
from engine_bridge.mock.engine import MockEngine
from engine_bridge.schema import Vector

WORN = [(head, style) for head, choices in CHOICES_FOR_HEAD.items() for style in choices["hairstyle"]]
MASKS = {"brow": tuple(EYEBROW_STYLES), "lipstick": tuple(LIPSTICK_STYLES), "beard": tuple(BEARD_STYLES)}

#: Least number of pixels of a 192 pixel portrait that two choices of a parameter tell apart, by more than 12 of 255.
LEAST_CHANGED_PX = {
    "hairstyle": 500,
    "eyebrow_style": 100,
    "lipstick_style": 50,
    "lipstick_color": 10,
    "beard_style": 200,
}
CHARACTERS = {
    "justice_female": ("hairstyle", "eyebrow_style", "lipstick_style", "lipstick_color"),
    "justice_male": ("hairstyle", "eyebrow_style", "beard_style"),
    "justice_girl": ("hairstyle", "eyebrow_style"),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[MockEngine]:
    engine = MockEngine()
    yield engine
    engine.close()


def scalp_of(head: str) -> Scalp:
    """The scalp of a shipped head, without the MakeHuman files."""
    stored = load_head(head)
    positions = stored.positions.astype(np.float64)
    mesh = HeadMesh(
        positions=positions,
        normals=vertex_normals(positions, stored.tris, stored.weld),
        uv=stored.uv.astype(np.float64),
        vertex_ids=stored.weld,
        tris=stored.tris,
        surface=stored.surface,
    )
    return Scalp(mesh)


@pytest.fixture(scope="module")
def scalp() -> Scalp:
    return scalp_of("adult_female")


def test_the_wardrobe_is_small_enough_to_ship() -> None:
    assert (FOLDER / "wardrobe.npz").stat().st_size < 5_000_000


def test_every_hairstyle_but_bald_has_a_shape() -> None:
    assert set(HAIRSTYLES) - set(HAIR_SHAPES) == {"bald"}
    assert set(HAIR_SHAPES) <= set(HAIRSTYLES)


@pytest.mark.parametrize(("head", "style"), WORN)
def test_a_stored_hairstyle_is_a_sound_mesh(head: str, style: str) -> None:
    hair = load_hair(head, style)
    if style == "bald":
        assert hair is None
        return
    assert hair is not None
    assert np.isfinite(hair.positions).all()
    assert np.isfinite(hair.strand).all()
    assert hair.tris.max() < len(hair.positions) <= 6000
    assert hair.anchor.max() < len(load_head(head).positions)
    assert hair.strand[:, 1].min() >= 0.0
    assert len(hair.strand) == len(hair.shade) == len(hair.anchor) == len(hair.positions)


@pytest.mark.parametrize(("head", "style"), WORN)
def test_no_hair_hangs_before_the_eyes(head: str, style: str) -> None:
    hair = load_hair(head, style)
    if hair is None:
        return
    left_eye = load_head(head).eyes[0]
    x, y, z = np.abs(hair.positions[:, 0]), hair.positions[:, 1], hair.positions[:, 2]
    before = (np.abs(x - left_eye[0]) < 0.16) & (np.abs(y - left_eye[1]) < 0.10) & (z > left_eye[2])
    assert not before.any()


@pytest.mark.parametrize("kind", MASKS)
def test_every_makeup_mask_covers_both_sides_of_the_face_alike(kind: str) -> None:
    for style in MASKS[kind]:
        mask = load_makeup(kind, style)
        if mask is None:
            assert style == "clean_shaven"
            continue
        rows = np.flatnonzero(mask.any(1))
        middle = (rows[0] + rows[-1] + 1) // 2
        below, above = mask[:middle].sum(dtype=np.int64), mask[middle:].sum(dtype=np.int64)
        assert abs(below - above) < 0.12 * (below + above), style


@pytest.mark.parametrize(("character", "parameter"), [(c, p) for c, names in CHARACTERS.items() for p in names])
def test_any_two_choices_of_a_parameter_look_different(engine: MockEngine, character: str, parameter: str) -> None:
    pictures = render_choices(engine, character, parameter)
    changed = {
        (first, second): int((np.abs(pictures[first] - pictures[second]).max(-1) > 12).sum())
        for first, second in combinations(pictures, 2)
    }
    most_alike = min(changed, key=lambda pair: changed[pair])
    assert changed[most_alike] >= LEAST_CHANGED_PX[parameter], most_alike


def render_choices(engine: MockEngine, character: str, parameter: str) -> dict[str, np.ndarray]:
    """A portrait for every choice, all else at its default; lipstick styles are shown in a strong colour."""
    schema = engine.describe(character)
    base = schema.decode(schema.default_vector())
    if parameter == "lipstick_style":
        base["lipstick_color"] = "crimson"
    choices = next(discrete.choices for discrete in schema.discrete if discrete.name == parameter)
    vectors = [schema.encode(base | {parameter: choice}) for choice in choices]
    frames = engine.render([request(character, index, vector) for index, vector in enumerate(vectors)])
    return {choice: frame.picture.astype(np.int16) for choice, frame in zip(choices, frames, strict=True)}


def request(character: str, index: int, vector: Vector) -> RenderRequest:
    return RenderRequest(request_id=index, character=character, vector=vector, resolution=192)


def build(scalp: Scalp, style: str, seed: int = 0) -> HairMesh:
    return build_hair(scalp, HAIR_SHAPES[style], np.random.default_rng(seed))


def test_building_a_style_twice_gives_the_same_arrays(scalp: Scalp) -> None:
    first, second = build(scalp, "long_wavy"), build(scalp, "long_wavy")
    assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in vars(first))


def test_built_hair_stays_out_of_the_skin(scalp: Scalp) -> None:
    signed, _ = scalp.distance(build(scalp, "bob").positions.astype(np.float64))
    assert signed.min() > -0.05


def test_a_bob_ends_at_its_hem(scalp: Scalp) -> None:
    lowest = scalp.height(build(scalp, "bob").positions.astype(np.float64)).min()
    assert lowest == pytest.approx(HAIR_SHAPES["bob"].locks[0].hem, abs=0.12)


def test_a_shaved_style_leaves_the_sides_of_the_skull_bare(scalp: Scalp) -> None:
    local = scalp.local(build(scalp, "mohawk").positions.astype(np.float64))
    assert np.abs(local[:, 0]).max() < 0.45


def test_a_part_of_the_hair_moves_with_the_skin_right_below_it(scalp: Scalp) -> None:
    hair = build(scalp, "buzz_cut")
    gap = np.linalg.norm(hair.positions - scalp.mesh.positions[hair.anchor], axis=1)
    assert gap.max() < 0.15
