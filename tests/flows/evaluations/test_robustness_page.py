"""``f2p evaluate robustness``: what is refused, what is asked, what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_datasets.quality import FaceQuality
from f2p_models.evaluation.disturbances import all_disturbances
from flows.cli import main
from flows.cli.app import USERS_MISTAKE
from flows.evaluations import robustness
from flows.evaluations.people import People
from flows.evaluations.robustness import Faces, RobustnessOptions, evaluate_robustness
from flows.evaluations.subject import Subject
from flows.settings import Settings


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> Faces:
    """Three people of smooth noise, the third one's parameters those of the average face."""
    coarse = torch.rand(3, 3, 6, 6, generator=torch.Generator().manual_seed(11))
    photos = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0.0, 1.0)
    truth = torch.from_numpy(subject.schema.default_vector()).repeat(3, 1)
    truth[:, 0] = torch.tensor([0.1, 0.9, 0.5])
    truth[:, 1 : subject.schema.num_continuous] += torch.tensor([0.05, -0.05, 0.0])[:, None]
    found = Faces(name="renders", photos=photos, truth=truth.numpy(), fingerprint="three")
    monkeypatch.setattr(robustness, "find_faces", lambda *_, **__: [found])
    return found


def test_something_has_to_be_disturbed() -> None:
    with pytest.raises(InputError, match="give --photos, a photo-like dataset with --renders, or both"):
        RobustnessOptions()


@pytest.mark.parametrize(("wrong", "words"), [({"count": 1}, "count: 1"), ({"mode": "best"}, "'best' is none of")])
def test_bad_options_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        RobustnessOptions(photos=Path("photos"), **wrong)  # type: ignore[arg-type]


def test_an_unknown_family_is_told_with_those_there_are(subject: Subject) -> None:
    options = RobustnessOptions(photos=Path("photos"), families=("weather",))
    with pytest.raises(InputError, match="weather; choose of occlusion, noise"):
        options.choose(all_disturbances(subject.template.points))


def test_without_families_everything_is_disturbed(subject: Subject) -> None:
    every = all_disturbances(subject.template.points)
    assert RobustnessOptions(photos=Path("photos")).choose(every) == every


def test_the_page_has_the_change_the_judges_word_and_the_errors(tmp_path: Path, subject: Subject, faces: Faces) -> None:
    options = RobustnessOptions(renders=Path("renders"), families=("occlusion", "color"))
    folder, document = evaluate_robustness(
        Settings(home=tmp_path), subject, options, command="f2p evaluate robustness", out=tmp_path / "page"
    )
    titles = [table["title"] for table in document["tables"]]
    assert titles == [
        "Change of the created parameters (renders)",
        "Likeness as dlib (the creator's own) judges it (renders)",
        "Error of the parameters (renders)",
        "Error of the parameters by group (renders)",
    ]
    changes, likeness, errors, groups = (table["rows"] for table in document["tables"])
    assert [row[0] for row in changes][:3] == ["upper face covered", "middle face covered", "lower face covered"]
    assert likeness[0][0] == "undisturbed"
    assert errors[-1][0] == "the mean of all people"
    assert {row[0] for row in groups} == set(subject.schema.groups)
    assert "no part in training" not in document["notes"][-1]
    assert (folder / "pictures" / "disturbed-renders.png").is_file()
    assert json.loads((folder / "evaluation.json").read_text())["measurements"]["renders"]["people_differ"] > 0


def test_people_come_with_the_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: Subject, faces: Faces
) -> None:
    view = FaceQuality(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, face_px=200.0, sharpness=300.0, frontal=True)
    people = People(photos=faces.photos, names=("a", "b", "c"), faces=(view,) * 3, fingerprint="three")
    monkeypatch.undo()
    monkeypatch.setattr(robustness, "find_people", lambda *_, **__: people)
    options = RobustnessOptions(photos=tmp_path)
    (found,) = robustness.find_faces(Settings(home=tmp_path), subject, options, num_workers=1)
    assert (found.name, found.truth, found.fingerprint) == ("photos", None, "three")


def test_without_photos_the_command_says_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["evaluate", "robustness", "--character", "tiny", "--home", str(tmp_path)])
    assert status == USERS_MISTAKE
    assert "give --photos, a photo-like dataset with --renders, or both" in capsys.readouterr().err
