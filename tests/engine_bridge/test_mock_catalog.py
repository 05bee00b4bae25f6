from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from engine_bridge.characters import load_schema
from engine_bridge.errors import InputError
from engine_bridge.mock.catalog import (
    BEARD_STYLES,
    CHOICES_FOR_HEAD,
    EYEBROW_STYLES,
    HAIRSTYLES,
    LIPSTICK_COLORS,
    LIPSTICK_STYLES,
    EyebrowStyle,
    Hairstyle,
    LipstickColor,
    LipstickStyle,
)

CATALOGS: dict[str, dict[str, Any]] = {
    "hairstyle": HAIRSTYLES,
    "eyebrow_style": EYEBROW_STYLES,
    "lipstick_style": LIPSTICK_STYLES,
    "lipstick_color": LIPSTICK_COLORS,
    "beard_style": BEARD_STYLES,
}


def num_choices(head: str) -> dict[str, int]:
    return {parameter: len(choices) for parameter, choices in CHOICES_FOR_HEAD[head].items()}


def test_the_adult_female_has_as_many_choices_as_in_the_paper() -> None:
    assert num_choices("adult_female") == {
        "hairstyle": 22,
        "eyebrow_style": 36,
        "lipstick_style": 19,
        "lipstick_color": 25,
    }


def test_the_adult_male_has_as_many_choices_as_in_the_paper() -> None:
    assert num_choices("adult_male") == {"hairstyle": 23, "eyebrow_style": 26, "beard_style": 7}


@pytest.mark.parametrize("head", CHOICES_FOR_HEAD)
def test_every_choice_of_a_head_is_in_its_catalog(head: str) -> None:
    for parameter, choices in CHOICES_FOR_HEAD[head].items():
        assert set(choices) <= set(CATALOGS[parameter])


@pytest.mark.parametrize("parameter", CATALOGS)
def test_everything_in_a_catalog_is_worn_by_some_head(parameter: str) -> None:
    worn = {name for choices in CHOICES_FOR_HEAD.values() for name in choices.get(parameter, ())}
    assert worn == set(CATALOGS[parameter])


@pytest.mark.parametrize("character", ["justice_female", "justice_male", "justice_girl"])
def test_the_shipped_characters_offer_exactly_what_their_head_can_wear(character: str) -> None:
    schema = load_schema(character)
    assert {parameter.name: parameter.choices for parameter in schema.discrete} == CHOICES_FOR_HEAD[schema.head]


def test_any_two_lipstick_colors_are_clearly_different() -> None:
    colors = [np.array(pigment.color) for pigment in LIPSTICK_COLORS.values()]
    assert min(np.linalg.norm(first - second) for first, second in combinations(colors, 2)) > 0.10


def test_any_two_lipsticks_of_full_coverage_differ_in_finish() -> None:
    finishes = [
        np.array((style.opacity, style.gloss, style.frost))
        for name, style in LIPSTICK_STYLES.items()
        if name.startswith("full_") or name in ("frosted", "sheer_tint")
    ]
    assert min(np.abs(first - second).max() for first, second in combinations(finishes, 2)) > 0.15


@pytest.mark.parametrize("color", [(0.1, 0.2, 1.2), (-0.1, 0.2, 0.3), (0.1, 0.2)])
def test_a_color_outside_srgb_is_refused(color: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="three sRGB fractions"):
        LipstickColor(color=color)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="three sRGB fractions"):
        Hairstyle(color=(0.1, 0.1, 0.1), tip_color=color)  # type: ignore[arg-type]


def test_a_coverage_beyond_one_is_refused_with_the_range() -> None:
    with pytest.raises(InputError, match=r"opacity lies in \[0, 1\], got 1.5"):
        EyebrowStyle(opacity=1.5)
    with pytest.raises(InputError, match=r"gloss lies in \[0, 1\], got -1"):
        LipstickStyle(gloss=-1)
