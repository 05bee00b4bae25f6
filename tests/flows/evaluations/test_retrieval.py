from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.quality import FaceQuality
from flows.evaluations import retrieval
from flows.evaluations.people import Draw, People, find_people
from flows.evaluations.retrieval import evaluate_retrieval
from flows.evaluations.retrieval_results import OWN_EMBEDDER, RetrievalOptions
from flows.evaluations.subject import Subject
from flows.settings import Settings


def quality(yaw_deg: float) -> FaceQuality:
    return FaceQuality(yaw_deg=yaw_deg, pitch_deg=0.0, roll_deg=0.0, face_px=200.0, sharpness=300.0, frontal=True)


@pytest.fixture
def people() -> People:
    """Six people of smooth noise; every other one looks aside."""
    coarse = torch.rand(6, 3, 6, 6, generator=torch.Generator().manual_seed(11))
    return People(
        photos=torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0.0, 1.0),
        names=tuple(f"{index}.jpg" for index in range(6)),
        faces=tuple(quality(30.0 * (index % 2)) for index in range(6)),
        fingerprint="six",
    )


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, people: People) -> People:
    """The people that the evaluation finds, wherever it looks."""
    monkeypatch.setattr(retrieval, "find_people", lambda *_, **__: people)
    return people


class PairingJudge:
    """Takes render and photo number i for the same person, whatever they look like."""

    name = "pairing"

    def __init__(self, num_people: int) -> None:
        self.num_people, self.seen = num_people, 0

    def to(self, *_: object, **__: object) -> PairingJudge:
        return self

    def embed(self, pictures: torch.Tensor) -> torch.Tensor:
        rows = torch.eye(self.num_people)[(self.seen + torch.arange(len(pictures))) % self.num_people]
        self.seen += len(pictures)
        return rows


@pytest.mark.usefixtures("known")
def test_every_mode_is_ranked_by_every_judge(settings: Settings, subject: Subject) -> None:
    folder, document = evaluate_retrieval(
        settings, subject, Path("photos"), RetrievalOptions(), judges=[PairingJudge(6)], command="f2p evaluate"
    )
    judged = document["measurements"]["judges"]
    assert list(judged) == ["pairing", OWN_EMBEDDER]
    assert list(judged["pairing"]) == ["one-shot", "iterative", "hybrid", "auto"]
    assert judged["pairing"]["hybrid"]["top1"] == 1.0
    assert judged[OWN_EMBEDDER]["hybrid"]["top1"] < 1.0  # stripes look like nobody
    assert (folder / "pictures" / "people.png").is_file()
    assert "median rank" in (folder / "index.html").read_text()


@pytest.mark.usefixtures("known")
def test_auto_takes_the_searched_character_of_front_views_and_the_translated_one_of_others(
    settings: Settings, subject: Subject
) -> None:
    _, document = evaluate_retrieval(settings, subject, Path("photos"), RetrievalOptions(), command="f2p evaluate")
    modes = document["measurements"]["judges"][OWN_EMBEDDER]
    assert document["measurements"]["searched_by_auto"] == 3
    for index in range(6):
        taken = "one-shot" if index % 2 else "hybrid"
        assert modes["auto"]["ranks"][index] == modes[taken]["ranks"][index]


@pytest.mark.usefixtures("known")
def test_only_the_modes_that_are_asked_for_are_made(settings: Settings, subject: Subject) -> None:
    options = RetrievalOptions(modes=("one-shot",))
    _, document = evaluate_retrieval(settings, subject, Path("photos"), options, command="f2p evaluate")
    assert list(document["measurements"]["judges"][OWN_EMBEDDER]) == ["one-shot"]


@pytest.mark.usefixtures("known")
def test_a_second_call_reads_what_the_first_one_wrote(
    settings: Settings, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = RetrievalOptions(modes=("one-shot",))
    folder, first = evaluate_retrieval(settings, subject, Path("photos"), options, command="f2p evaluate")
    monkeypatch.setattr(retrieval, "make_characters", None)
    assert evaluate_retrieval(settings, subject, Path("photos"), options, command="f2p evaluate") == (folder, first)
    assert json.loads((folder / "evaluation.json").read_text()) == first


@pytest.mark.parametrize("modes", [(), ("fancy",)])
def test_modes_that_do_not_exist_are_refused(modes: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="choose of one-shot, iterative, hybrid, auto"):
        RetrievalOptions(modes=modes)


def test_a_photo_is_not_looked_for_among_one() -> None:
    with pytest.raises(InputError, match="count: 1"):
        RetrievalOptions(count=1)


@pytest.fixture
def album(tmp_path: Path, astronaut: Picture) -> Path:
    """A folder of photos: a face three times, each a little otherwise, and two pictures without one."""
    folder = tmp_path / "album"
    folder.mkdir()
    for index in range(3):
        Image.fromarray(np.roll(astronaut, 8 * index, 1)).save(folder / f"face{index}.png")
    for index in range(2):
        Image.new("RGB", (200, 200), (90, 100, 110)).save(folder / f"wall{index}.png")
    return folder


def test_a_folder_of_photos_is_aligned_and_each_photo_is_a_person(
    settings: Settings, subject: Subject, album: Path
) -> None:
    found = find_people(settings, subject, album, Draw(count=5, seed=0))
    assert sorted(found.names) == ["face0.png", "face1.png", "face2.png"]
    assert found.photos.shape == (3, 3, 64, 64)
    assert all(abs(face.yaw_deg) < 10.0 for face in found.faces)


def test_the_same_draw_finds_the_same_people(settings: Settings, subject: Subject, album: Path) -> None:
    first, again = (find_people(settings, subject, album, Draw(count=2, seed=3)) for _ in range(2))
    assert first.names == again.names
    assert first.fingerprint == again.fingerprint
    assert len(first) == 2


def test_too_few_people_are_refused(settings: Settings, subject: Subject, album: Path) -> None:
    for photo in album.glob("face[12].png"):
        photo.unlink()
    with pytest.raises(InputError, match="1 people with a usable face"):
        find_people(settings, subject, album, Draw(count=5, seed=0))
