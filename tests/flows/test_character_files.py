from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine_bridge.characters import load_schema
from f2p_datasets.quality import FaceQuality
from f2p_models.creation import Creation, IterativeConfig, ModeChoice, read_parameters
from flows.character_files import Character, Confidence, write_character
from flows.photos.portraits import Portrait

SCHEMA = load_schema("tiny")
GRAY = np.full((64, 64, 3), 120, np.uint8)


def character(steps: int, *, film: bool = False, confidence: float | None = 0.8123456) -> Character:
    vector = torch.from_numpy(SCHEMA.default_vector())[None]
    return Character(
        portrait=Portrait(
            photo=Path("album/me.jpg"),
            name="me",
            aligned=GRAY,
            shown=GRAY,
            quality=FaceQuality(
                yaw_deg=4.0, pitch_deg=-2.0, roll_deg=1.0, face_px=140.0, sharpness=310.0, frontal=True
            ),
            choice=ModeChoice(mode="hybrid", reason="because"),
        ),
        creation=Creation(
            vectors=vector,
            soft=vector,
            losses=torch.tensor([0.25]),
            curves=torch.linspace(0.5, 0.25, steps)[None] if steps else torch.zeros(1, 0),
            trail=torch.zeros(1, 0, SCHEMA.vector_size),
            mode="hybrid" if steps else "one-shot",
            reasons=("because",),
        ),
        config=IterativeConfig.quick(),
        rendered=GRAY,
        imitated=GRAY,
        similarity=0.5,
        confidence=Confidence(value=confidence, basis="of 56 people"),
        film=[GRAY, GRAY] if film else (),
    )


def written(folder: Path, made: Character, animation: Any = None) -> dict[str, Any]:
    write_character(made, folder / "me", SCHEMA, version=3, animation=animation)
    document: dict[str, Any] = json.loads((folder / "me" / "parameters.json").read_text())
    return document


def test_the_file_says_how_the_head_is_turned_and_how_sure_one_may_be(tmp_path: Path) -> None:
    document = written(tmp_path, character(15))
    assert document["pose"] == {"yaw_deg": 4.0, "pitch_deg": -2.0, "roll_deg": 1.0}
    assert document["face"] == {"face_px": 140.0, "sharpness": 310.0, "frontal": True}
    assert document["confidence"] == pytest.approx(0.8123)
    assert document["confidence_basis"] == "of 56 people"


def test_the_file_can_be_read_back_as_parameters(tmp_path: Path) -> None:
    written(tmp_path, character(15))
    read = read_parameters(tmp_path / "me" / "parameters.json", SCHEMA)
    np.testing.assert_allclose(read, SCHEMA.default_vector(), atol=1e-6)


def test_a_search_leaves_its_losses_and_a_drawing_of_them(tmp_path: Path) -> None:
    search = written(tmp_path, character(15))["search"]
    assert len(search["loss"]) == search["steps"] == 15
    assert search["final_loss"] == 0.25
    assert "polyline" in (tmp_path / "me" / "convergence.svg").read_text()


def test_one_shot_has_no_search_to_tell_of(tmp_path: Path) -> None:
    assert written(tmp_path, character(0))["search"] is None
    assert not (tmp_path / "me" / "convergence.svg").exists()


def test_a_film_is_written_in_the_format_that_was_asked_for(tmp_path: Path) -> None:
    written(tmp_path, character(15, film=True), animation="gif")
    assert (tmp_path / "me" / "search.gif").is_file()


def test_a_version_without_calibration_leaves_confidence_empty(tmp_path: Path) -> None:
    assert written(tmp_path, character(15, confidence=None))["confidence"] is None
