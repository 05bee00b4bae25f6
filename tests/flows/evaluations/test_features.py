from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.frames import Picture
from f2p_models.creation import Creator
from f2p_models.pictures import from_pictures
from flows.evaluations.features import describe, describe_by_each


@pytest.fixture
def pictures(astronaut: Picture) -> list[Picture]:
    """Three pictures of the creator's size, unlike each other and their mirror images."""
    faces = astronaut[40:296, 100:356]
    return [np.ascontiguousarray(np.roll(faces, shift, 1)[::4, ::4]) for shift in (0, 20, 40)]


def test_rows_are_those_of_the_creator_and_its_embedder(creator: Creator, pictures: list[Picture]) -> None:
    found = describe(creator, pictures).straight
    creation = creator.one_shot(from_pictures(pictures))
    np.testing.assert_allclose(found.soft, creation.soft.numpy(), atol=1e-6)
    np.testing.assert_allclose(found.hardened, creation.vectors.numpy(), atol=1e-6)
    assert found.embeddings.shape == (3, 128)


def test_kinds_are_parts_of_the_vector(creator: Creator, pictures: list[Picture]) -> None:
    found = describe(creator, pictures).straight
    sliders = creator.bundle.schema.num_continuous
    np.testing.assert_array_equal(found.parameters("sliders"), found.soft[:, :sliders])
    np.testing.assert_array_equal(found.parameters("choices"), found.soft[:, sliders:])
    np.testing.assert_array_equal(found.parameters("vector"), found.soft)
    assert set(np.unique(found.parameters("hardened")[:, sliders:])) == {0.0, 1.0}


def test_mirrored_pictures_are_added(creator: Creator, pictures: list[Picture]) -> None:
    both = describe(creator, pictures, mirrored=True)
    flipped = describe(creator, [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]).straight
    alone = describe(creator, pictures)
    expected = alone.parameters("vector") + flipped.parameters("vector")
    np.testing.assert_allclose(both.parameters("vector"), expected, atol=1e-5)
    np.testing.assert_allclose(both.embeddings(), alone.embeddings() + flipped.embeddings, atol=1e-4)
    assert alone.mirrored is None


def test_chunks_do_not_show(creator: Creator, pictures: list[Picture]) -> None:
    many = describe(creator, pictures * 6)
    assert many.straight.soft.shape[0] == 18
    np.testing.assert_allclose(many.straight.soft[15:], many.straight.soft[:3], atol=1e-5)


def test_several_creators_see_the_same_pictures_in_one_pass(creator: Creator, pictures: list[Picture]) -> None:
    passed = iter(pictures)  # cannot be read twice
    done: list[int] = []
    found = describe_by_each({"a": creator, "b": creator}, passed, advance=done.append)
    np.testing.assert_array_equal(found["a"].straight.soft, found["b"].straight.soft)
    assert sum(done) == 3
