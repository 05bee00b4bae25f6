from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine_bridge.errors import InputError
from engine_bridge.mock import MockEngine
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.detection import DetectedFace
from f2p_models.creation import IterativeConfig
from f2p_models.evaluation import Calibration
from flows.create import PublishedCreator, SearchOrder
from flows.photos import portraits
from flows.photos.portraits import PortraitFinder
from flows.progress import ProgressBar

#: A face's 68 landmarks, as fractions of its box: any spread will do.
SPREAD = np.random.Generator(np.random.Philox(key=1)).random((68, 2))


def face(left: float, side: float) -> DetectedFace:
    return DetectedFace(box=(left, 0.0, left + side, side), landmarks=SPREAD * side + [left, 0.0], confidence=1.0)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "family.png"
    Image.new("RGB", (400, 200), (120, 100, 90)).save(path)
    return path


@pytest.fixture
def create_with(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A creator that only says which faces it would use, of those that a detector claims to find."""

    def build(faces: list[DetectedFace], calibrations: dict[str, Calibration] | None = None) -> PublishedCreator:
        monkeypatch.setattr(portraits, "FaceDetector", lambda: SimpleNamespace(detect=lambda _picture: faces))
        bundle = SimpleNamespace(schema=SimpleNamespace(character="tiny"), resolution=64)
        creator: Any = SimpleNamespace(bundle=bundle)
        finder = PortraitFinder(AlignmentTemplate(SPREAD), 64, mode="one-shot", faces="all")
        published = PublishedCreator(creator, MockEngine(), finder, version=1, calibrations=calibrations or {})
        monkeypatch.setattr(published, "_create_together", lambda waiting, _out: [Path(one.name) for one in waiting])
        return published

    return build


def test_every_face_of_a_photo_becomes_a_character(create_with: Any, photo: Path, tmp_path: Path) -> None:
    outcome = create_with([face(0.0, 120.0), face(200.0, 100.0)]).create([photo], tmp_path, ProgressBar("test"))
    assert [path.name for path in outcome.created] == ["family-face1", "family-face2"]


def test_a_small_face_in_the_background_is_left_out_and_said_so(
    create_with: Any, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = create_with([face(0.0, 120.0), face(200.0, 20.0)]).create([photo], tmp_path, ProgressBar("test"))
    assert ([path.name for path in outcome.created], outcome.failed) == (["family"], [])
    assert "1 of 2 faces" in " ".join(capsys.readouterr().err.split())


def test_a_photo_of_small_faces_only_is_said_to_have_failed(create_with: Any, photo: Path, tmp_path: Path) -> None:
    outcome = create_with([face(0.0, 20.0)]).create([photo], tmp_path, ProgressBar("test"))
    assert outcome.created == []
    assert "the face is 20 pixels high" in outcome.failed[0]


def test_confidence_is_that_of_the_mode_the_character_was_made_in(create_with: Any) -> None:
    curves = {
        "hybrid": Calibration(slope=10.0, offset=-5.0, num_photos=56),
        "one-shot": Calibration(slope=10.0, offset=-8.0, num_photos=56),
    }
    published = create_with([], curves)
    assert published.confidence("one-shot", 0.8).value == pytest.approx(0.5)
    assert "56 held-out people in one-shot mode" in published.confidence("one-shot", 0.8).basis


def test_a_mode_that_was_not_calibrated_takes_the_first_that_was(create_with: Any) -> None:
    published = create_with([], {"hybrid": Calibration(slope=10.0, offset=-5.0, num_photos=56)})
    assert published.confidence("iterative", 0.5).value == pytest.approx(0.5)
    assert "hybrid mode" in published.confidence("iterative", 0.5).basis


def test_a_version_without_calibration_says_so_instead_of_a_number(create_with: Any) -> None:
    said = create_with([]).confidence("hybrid", 0.9)
    assert said.value is None
    assert "without a calibration" in said.basis


def test_an_order_without_wishes_leaves_the_versions_search_as_it_is() -> None:
    assert SearchOrder().config(IterativeConfig.quick()) == IterativeConfig.quick()


def test_a_seed_brings_restarts_and_restarts_can_be_had_without() -> None:
    seeded = SearchOrder(seed=0).config(IterativeConfig.quick())
    assert (seeded.seed, seeded.restarts) == (0, 2)
    assert SearchOrder(restarts=3).config(IterativeConfig.quick()).restarts == 3


def test_more_steps_end_at_the_same_rate() -> None:
    quick = IterativeConfig.quick()
    longer = SearchOrder(steps=60).config(quick)
    assert longer.steps == 60
    assert longer.steps // longer.decay_every == pytest.approx(quick.steps // quick.decay_every, abs=1)


def test_a_seed_that_could_change_nothing_is_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match=r"changes nothing without restarts.*--restarts 2"):
        SearchOrder(seed=4, restarts=0)


def test_a_search_without_steps_is_refused() -> None:
    with pytest.raises(InputError, match="steps: 0"):
        SearchOrder(steps=0)
