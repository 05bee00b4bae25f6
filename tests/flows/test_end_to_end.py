"""What the recipe ``quick`` has to reach: minutes of computing, so it is marked slow."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def result(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of a quick run of ``justice_female``, with all cores."""
    home = tmp_path_factory.mktemp("quick") / "home"
    command = [sys.executable, "-m", "flows.cli", "run", "--character", "justice_female", "--recipe", "quick"]
    every_core = {name: value for name, value in environment.items() if name != "OMP_NUM_THREADS"}
    run = subprocess.run(
        [*command, "--seed", "0", "--photo", "sample", "--json", "--home", str(home)],
        env=every_core, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    record: dict[str, Any] = json.loads(run.stdout)
    return record


@pytest.fixture(scope="module")
def evaluation(result: dict[str, Any]) -> dict[str, Any]:
    [folder] = [step["folder"] for step in result["steps"] if step["stage"] == "evaluation"]
    measured: dict[str, Any] = json.loads((Path(folder) / "evaluation.json").read_text())
    return measured


def test_the_imitator_is_much_nearer_to_the_engine_than_the_best_constant_picture(evaluation: dict[str, Any]) -> None:
    assert evaluation["imitator"]["l1"] <= 0.6 * evaluation["imitator"]["constant_l1"]


def test_the_segmenter_finds_the_parts_in_any_light_and_pose(evaluation: dict[str, Any]) -> None:
    assert evaluation["segmenter"]["pixel_accuracy"] >= 0.93
    assert evaluation["segmenter"]["mean_iou"] >= 0.55


def test_one_shot_sliders_are_clearly_nearer_than_the_mean_vectors(evaluation: dict[str, Any]) -> None:
    parameters = evaluation["creators"]["one-shot"]["parameters"]
    assert parameters["slider_error"] <= 0.96 * parameters["constant_error"]


def test_characters_are_nearest_to_their_own_photo(evaluation: dict[str, Any]) -> None:
    judged = evaluation["creators"][evaluation["judged_mode"]]["retrieval"]
    assert judged["num_photos"] >= 50
    assert judged["top1"] >= 0.60


def test_a_real_photo_became_a_character(result: dict[str, Any]) -> None:
    [character] = result["results"]["characters"]
    document = json.loads((Path(character) / "parameters.json").read_text())
    assert len(document["vector"]) == 310
