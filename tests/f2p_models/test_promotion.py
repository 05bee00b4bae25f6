from __future__ import annotations

import json
from pathlib import Path

import pytest

from f2p_models.bundle_manifest import BundleManifest
from f2p_models.errors import RegistryError
from f2p_models.promotion import Margin, judge, margin_for, note_score, noted_score
from f2p_models.score_noise import ScoreNoise, noise_path, read_noise

DEFAULT = Margin(value=0.02, basis="the default")


def manifest(score: float, *, heldout: str = "set", fingerprint: str = "f") -> BundleManifest:
    return BundleManifest(
        character="small", fingerprint=fingerprint, resolution=64, embedder="dlib", code_version="0",
        files={"imitator/weights": f"{score}"}, heldout=heldout, metrics={"score": score}, parents={},
    )  # fmt: skip


def noise(*scores: float) -> ScoreNoise:
    return ScoreNoise(character="small", recipe="quick", heldout="set", scores=dict(enumerate(scores)))


def test_the_margin_is_two_standard_deviations_of_the_seeds_scores(tmp_path: Path) -> None:
    measured = noise(0.60, 0.62, 0.64)
    measured.save(tmp_path)
    assert measured.deviation == pytest.approx(0.02)
    margin = margin_for(tmp_path, "small", "quick", "set")
    assert margin.value == pytest.approx(0.04)
    assert margin.basis == "2 standard deviations of 3 seeds of quick"


def test_seeds_that_differ_wildly_excuse_no_more_than_the_largest_margin(tmp_path: Path) -> None:
    noise(0.90, 0.50).save(tmp_path)
    assert margin_for(tmp_path, "small", "quick", "set") == Margin(
        value=0.05, basis="the largest that is granted; 2 standard deviations of 2 seeds of quick are more"
    )


def test_noise_of_another_held_out_set_gives_no_margin(tmp_path: Path) -> None:
    noise(0.60, 0.62, 0.64).save(tmp_path)
    assert margin_for(tmp_path, "small", "quick", "new set") == Margin(
        value=0.02,
        basis="the default, as the noise of quick was measured on another held-out set; f2p noise measures it again",
    )


def test_measured_noise_survives_writing_and_reading(tmp_path: Path) -> None:
    measured = noise(0.60, 0.63)
    assert measured.save(tmp_path) == noise_path(tmp_path, "small", "quick")
    assert read_noise(tmp_path, "small", "quick") == measured


@pytest.mark.parametrize("recipe", ["nightly", None])
def test_an_unmeasured_recipe_has_the_default_margin(tmp_path: Path, recipe: str | None) -> None:
    noise(0.60, 0.63).save(tmp_path)
    default = Margin(value=0.02, basis="the default, as no noise was measured")
    assert margin_for(tmp_path, "small", recipe, "set") == default


NO_NOISE = {"character": "small", "recipe": "quick", "heldout": "set"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"character": "small"}',
        '{"scores": 3}',
        json.dumps({**NO_NOISE, "scores": {"0": 0.5}}),
        json.dumps({**NO_NOISE, "scores": {"0": 10**400, "1": 0.5}}),
    ],
)
def test_a_noise_that_cannot_be_read_gives_the_default_margin_and_says_so(tmp_path: Path, content: str) -> None:
    path = noise_path(tmp_path, "small", "quick")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(RegistryError):
        read_noise(tmp_path, "small", "quick")
    assert margin_for(tmp_path, "small", "quick", "set") == Margin(
        value=0.02, basis="the default, as the noise of quick cannot be read; f2p noise measures it again"
    )


def test_one_seed_shows_no_spread() -> None:
    with pytest.raises(RegistryError, match="seeds: 1 shows no spread; give 2 or more"):
        noise(0.6)
    with pytest.raises(RegistryError, match="not all finite"):
        noise(0.6, float("nan"))


def test_within_the_noise_a_lower_score_is_not_worse() -> None:
    champions = {1: manifest(0.60)}
    wide = Margin(value=0.06, basis="2 standard deviations of 3 seeds of quick")
    assert judge(manifest(0.55), champions, {}, wide) == (
        True,
        "not worse: score 0.5500 against 0.6000 of version 1, margin 0.06 (2 standard deviations of 3 seeds of quick)",
    )
    assert judge(manifest(0.55), champions, {}, DEFAULT) == (
        False,
        "kept as challenger: score 0.5500 against 0.6000 of version 1, worse by more than 0.02 (the default)",
    )


def test_a_champion_scored_anew_is_what_the_challenger_of_a_new_set_is_held_to() -> None:
    champions = {1: manifest(0.90, heldout="old"), 2: manifest(0.80, heldout="old")}
    challenger = manifest(0.50)
    promoted, reason = judge(challenger, champions, {}, DEFAULT)
    assert (promoted, "no champion was measured on its held-out set" in reason) == (False, True)
    promoted, reason = judge(challenger, champions, {2: 0.49}, DEFAULT)
    assert promoted
    assert "against 0.4900 of version 2, scored anew on this held-out set" in reason
    assert not judge(challenger, champions, {2: 0.53}, DEFAULT)[0]


def test_a_champion_of_another_schema_counts_neither_way() -> None:
    champions = {1: manifest(0.90, fingerprint="other")}
    assert judge(manifest(0.50), champions, {1: 0.9}, DEFAULT)[1].startswith("first version of schema f")


def test_scores_are_kept_by_identity_and_set(tmp_path: Path) -> None:
    champion = manifest(0.60)
    note_score(tmp_path, champion, "new", 0.55)
    note_score(tmp_path, champion, "newer", 0.5)
    assert noted_score(tmp_path, champion, "new") == 0.55
    assert noted_score(tmp_path, champion, "newer") == 0.5
    assert noted_score(tmp_path, champion, "set") is None
    assert noted_score(tmp_path, manifest(0.61), "new") is None
    with pytest.raises(RegistryError, match="no finite number"):
        note_score(tmp_path, champion, "new", float("nan"))


@pytest.mark.parametrize("content", ["{half", '{"new": NaN}', '{"new": "much"}', "[1]"])
def test_scores_that_cannot_be_read_are_measured_again(tmp_path: Path, content: str) -> None:
    champion = manifest(0.60)
    note_score(tmp_path, champion, "new", 0.55)
    [path] = (tmp_path / "small" / "scores").iterdir()
    path.write_text(content)
    assert noted_score(tmp_path, champion, "new") is None
