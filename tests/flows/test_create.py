from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine_bridge.mock import MockEngine
from f2p_datasets.detection import DetectedFace
from flows import create
from flows.create import PublishedCreator
from flows.progress import ProgressBar

#: Corners of a face's 68 landmarks, as fractions of its box: any spread will do.
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

    def build(faces: list[DetectedFace]) -> PublishedCreator:
        monkeypatch.setattr(create, "FaceDetector", lambda: SimpleNamespace(detect=lambda _picture: faces))
        bundle = SimpleNamespace(template=SPREAD, schema=SimpleNamespace(character="tiny"), resolution=64)
        creator: Any = SimpleNamespace(bundle=bundle)
        published = PublishedCreator(creator, MockEngine(), version=1, mode="one-shot", faces="all")
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
