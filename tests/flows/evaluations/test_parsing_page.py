from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from engine_bridge.parts import Part
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.parsing import FASSEG, ParsingSet, open_parsing_set
from f2p_models.checkpoints import CheckpointCard, save_checkpoint
from f2p_models.segmenter import Segmenter, SegmenterConfig
from flows.evaluations.parsing import Parser, evaluate_parsing, open_parser
from flows.run_records import RunRecord
from flows.settings import Settings

SKIN, HAIR, BACKGROUND = (FASSEG.names.index(name) for name in ("skin", "hair", "background"))


class KnowingParser(Parser):
    """Answers skin inside a circle around the middle of the frame, background elsewhere."""

    def parts(self, picture: Picture) -> np.ndarray:
        side = picture.shape[0]
        rows, columns = np.indices((side, side))
        inside = np.hypot(rows - side / 2, columns - side / 2) < 0.4 * side
        return np.where(inside, Part.FACE_SKIN, Part.BACKGROUND).astype(np.uint8)


@pytest.fixture
def card() -> CheckpointCard:
    return CheckpointCard(
        kind="segmenter",
        character="tiny",
        schema_fingerprint=None,
        recipe="smoke",
        code_version="1",
        epoch=1,
        architecture={},
        weights_sha256="w",
    )


@pytest.fixture
def parser(template: AlignmentTemplate, card: CheckpointCard) -> Parser:
    segmenter = Segmenter(SegmenterConfig(width=0.05, blocks=(1, 1, 1, 1), input_px=32))
    return KnowingParser(segmenter=segmenter.eval(), card=card, template=template, origin="run 1")


@pytest.fixture
def labelled(astronaut: Picture, tmp_path: Path) -> ParsingSet:
    """Three photos: one labelled as the parser answers, one all hair, one without a face. Template: the photo’s."""
    circle = cv2.circle(np.full((512, 512), BACKGROUND, np.uint8), (256, 256), 205, SKIN, -1)
    for name, picture, mask in (
        ("1", astronaut, circle),
        ("2", astronaut, np.full_like(circle, HAIR)),
        ("3", np.full_like(astronaut, 90), circle),
    ):
        for kind, pixels in (("RGB", picture), ("Labels", FASSEG.paint(mask))):
            (tmp_path / f"fasseg/Test_{kind}").mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / f"fasseg/Test_{kind}/{name}.png")
    return open_parsing_set(tmp_path / "fasseg")


@pytest.fixture
def measure(settings: Settings, parser: Parser, labelled: ParsingSet) -> Callable[[], tuple[Path, dict[str, Any]]]:
    return lambda: evaluate_parsing(settings, parser, labelled, command="f2p evaluate parsing")


def test_right_and_wrong_answers_are_counted_in_the_photos_pixels(
    measure: Callable[[], tuple[Path, dict[str, Any]]],
) -> None:
    measured = measure()[1]["measurements"]
    assert measured["photos"]["Test_RGB/1.png"] > 0.97  # but for the outline's pixels
    assert measured["photos"]["Test_RGB/2.png"] == 0.0
    assert measured["quality"]["class_iou"]["hair"] == 0.0
    assert 0.45 < measured["quality"]["pixel_accuracy"] < 0.55


def test_neck_and_ears_have_a_column_of_their_own(measure: Callable[[], tuple[Path, dict[str, Any]]]) -> None:
    document = measure()[1]
    assert document["tables"][0]["header"] == ["", "all pixels", "without neck and ears"]
    assert (
        document["measurements"]["within_jaw"]["class_iou"]["skin"]
        != (document["measurements"]["quality"]["class_iou"]["skin"])
    )


def test_photos_without_a_face_are_counted_and_named(measure: Callable[[], tuple[Path, dict[str, Any]]]) -> None:
    document = measure()[1]
    assert document["measurements"]["quality"]["num_photos"] == 2
    [left_out] = document["measurements"]["left_out"]
    assert left_out.endswith("3.png: no face found; use a photo in which the face is larger and seen from the front")
    assert any("1 of 3 photos were left out" in note for note in document["notes"])


def test_the_worst_photos_are_on_the_page_and_nothing_is_measured_twice(
    measure: Callable[[], tuple[Path, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, document = measure()
    with Image.open(folder / "pictures/worst.png") as sheet:
        assert sheet.height == 3 * 220
    assert "data:image/webp" in (folder / "index.html").read_text()
    monkeypatch.setattr(KnowingParser, "parts", None)
    assert measure() == (folder, document)


def test_a_set_in_which_nobody_is_found_says_why(settings: Settings, parser: Parser, labelled: ParsingSet) -> None:
    faceless = replace(labelled, photos=labelled.photos[2:])
    with pytest.raises(InputError, match=r"no photo can be judged; the first: .*no face found"):
        evaluate_parsing(settings, parser, faceless, command="")


@pytest.fixture
def trained(settings: Settings, card: CheckpointCard, template: AlignmentTemplate) -> Callable[[str], None]:
    """Leave the record of a run that trained a segmenter, and its output."""

    def train(run_id: str) -> None:
        segmenter = Segmenter(SegmenterConfig(width=0.05, blocks=(1, 1, 1, 1), input_px=32))
        checkpoints, templates = settings.checkpoints / run_id, settings.datasets / run_id
        save_checkpoint(checkpoints / "checkpoint", segmenter, replace(card, recipe=run_id))
        templates.mkdir(parents=True)
        template.save(templates / "template.json")
        steps = [
            {
                "title": "",
                "stage": stage,
                "key": "",
                "folder": str(folder),
                "cached": False,
                "seconds": 0.0,
                "figures": {},
            }
            for stage, folder in (("template", templates), ("segmenter", checkpoints))
        ]
        record = RunRecord(
            run_id=run_id, character="tiny", recipe="smoke", engine="mock 1", seed=0, started="2026-01-01T00:00:00"
        )
        (settings.runs / run_id).mkdir(parents=True)
        (settings.runs / run_id / "run.json").write_text(json.dumps({**vars(record), "steps": steps}))

    return train


def test_the_last_trained_segmenter_is_judged_before_there_is_a_creator(
    settings: Settings, trained: Callable[[str], None]
) -> None:
    trained("2026-01-01-tiny-smoke-001")
    trained("2026-01-02-tiny-smoke-001")
    parser = open_parser(settings, "tiny")
    assert (parser.origin, parser.card.recipe) == ("run 2026-01-02-tiny-smoke-001", "2026-01-02-tiny-smoke-001")
    assert parser.parts(np.zeros((64, 64, 3), np.uint8)).shape == (64, 64)


def test_a_character_without_a_segmenter_says_how_to_train_one(settings: Settings) -> None:
    with pytest.raises(InputError, match="f2p train segmenter -c tiny"):
        open_parser(settings, "tiny")
