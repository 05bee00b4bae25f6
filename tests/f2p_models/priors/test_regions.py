from __future__ import annotations

from dataclasses import replace

import pytest

from engine_bridge.characters import load_schema
from f2p_models.priors.regions import face_regions, region_of


@pytest.mark.parametrize("character", ["justice_female", "justice_male", "justice_girl"])
def test_the_paper_s_characters_have_seven_groups_that_share_out_all_sliders(character: str) -> None:
    schema = load_schema(character)
    regions = face_regions(schema)
    assert list(regions) == ["eyebrows", "eyes", "nose", "mouth", "forehead", "cheeks", "jaw"]
    assert sorted(index for indices in regions.values() for index in indices) == list(range(schema.num_continuous))


@pytest.mark.parametrize(
    ("group", "region"),
    [
        ("eyebrow_tail", "eyebrows"),
        ("lower_eyelid", "eyes"),
        ("inner_eye_corner", "eyes"),
        ("outer_upper_lip", "mouth"),
        ("glabellum", "forehead"),
        ("lower_jaw", "jaw"),
        ("Chin", "jaw"),
    ],
)
def test_a_group_belongs_to_the_part_of_the_face_that_its_name_says(group: str, region: str) -> None:
    assert region_of(group) == region


def test_a_group_whose_name_says_nothing_stays_a_group_of_its_own() -> None:
    schema = load_schema("tiny")
    first = replace(schema.continuous[0], group="antlers")
    antlers = replace(schema, continuous=(first, *schema.continuous[1:]))
    assert face_regions(antlers)["antlers"] == (0,)
