from __future__ import annotations

from typing import Any

import pytest

from flows.planning.reasons import describe_changes, in_words, shorten


def changes(before: dict[str, Any], after: dict[str, Any], **known: str) -> list[str]:
    return describe_changes(before, after, stages=known, recipes=("quick", "quick"))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"engine_build": "a"}, {"engine_build": "b"}, "engine build a -> b"),
        ({"engine": ["mock", "a"]}, {"engine": ["mock", "b"]}, "engine build a -> b"),
        ({"engine": ["mock", "a"]}, {"engine": ["godot3", "a"]}, "engine mock -> godot3"),
        ({"schema": "a"}, {"schema": "b"}, "schema a -> b"),
        ({"fingerprint": "a"}, {"fingerprint": "b"}, "schema a -> b"),
        ({"code": "a"}, {"code": "b"}, "code changed"),
        ({"code_version": "render-1"}, {"code_version": "render-2"}, "code changed"),
        ({"training": {"seed": 0}}, {"training": {"seed": 1}}, "seed 0 -> 1"),
        ({"photos_sha256": "a"}, {"photos_sha256": "b"}, "photos changed"),
        ({"imitator": "a"}, {"imitator": "x"}, "follows from imitator"),
        ({"datasets": ["a"]}, {"datasets": ["b"]}, "follows from studio"),
        ({"photos": "a"}, {"photos": "b"}, "follows from studio"),
        ({"count": 20}, {"count": 40}, "recipe: count 20 -> 40"),
        ({}, {"backgrounds": "a"}, "recipe: backgrounds none -> a"),
    ],
)
def test_a_change_has_its_words(before: dict[str, Any], after: dict[str, Any], told: str) -> None:
    assert changes(before, after, b="studio") == [told]


def test_nothing_is_told_of_what_did_not_change() -> None:
    assert changes({"seed": 0, "training": {"epochs": 2}}, {"training": {"epochs": 2}, "seed": 0}) == []


def test_what_was_ordered_comes_first_and_what_follows_last() -> None:
    before = {"imitator": "a", "epochs": 1, "code": "a", "seed": 0}
    after = {"imitator": "b", "epochs": 2, "code": "b", "seed": 1}
    assert changes(before, after) == [
        "seed 0 -> 1",
        "code changed",
        "recipe: epochs 1 -> 2",
        "follows from imitator",
    ]


def test_a_new_template_in_the_embedder_s_place_is_one_that_follows() -> None:
    before, after = ({"embedder": ["dlib", "w", "c", template]} for template in "ab")
    assert changes(before, after) == ["follows from template"]


def test_settings_of_another_recipe_are_summed_up_by_its_name() -> None:
    before, after = {"epochs": 1, "batch": 8, "seed": 0}, {"epochs": 2, "batch": 16, "seed": 1}
    found = describe_changes(before, after, stages={}, recipes=("smoke", "quick"))
    assert found == ["seed 0 -> 1", "recipe smoke -> quick"]


def test_long_lists_and_long_values_are_cut() -> None:
    assert shorten(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"
    [told] = changes({"name": "x" * 100}, {"name": "y"})
    assert len(told) < 80


@pytest.mark.parametrize(
    ("stages", "words"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_joined_as_people_do(stages: list[str], words: str) -> None:
    assert in_words(stages) == words
